import { expect } from 'chai'
import { describe, it } from 'mocha'
import { avroConverter } from '../../../src/converters/avro/plugin.ts'
import { recordsSide } from '../../../src/converters/records-side.ts'
import { type Logger, struct } from '../../../src/index.ts'
import { openConverters } from '../../../src/runtime/host/task-converters.ts'
import { allRows, Failures, openConverter, RegistryStandIn } from '../support.ts'

const URL = { 'schema.registry.url': 'http://127.0.0.1:1' }

/** What Confluent's AvroConverter 8.x, its serializer, its deserializer and its registry client define. */
const CONFLUENT = `schema.registry.url max.schemas.per.subject normalize.schemas auto.register.schemas
propagate.schema.tags use.schema.id id.compatibility.strict use.latest.version use.latest.with.metadata
latest.compatibility.strict http.connect.timeout.ms http.read.timeout.ms max.retries retries.wait.ms
retries.max.wait.ms latest.cache.size latest.cache.ttl.sec schema.format rule.executors rule.actions
rule.service.loader.enable basic.auth.credentials.source basic.auth.user.info schema.registry.basic.auth.user.info
context.name.strategy key.subject.name.strategy value.subject.name.strategy key.schema.id.serializer
value.schema.id.serializer key.schema.id.deserializer value.schema.id.deserializer reference.subject.name.strategy
proxy.host proxy.port avro.reflection.allow.null avro.use.logical.type.converters avro.remove.java.properties
schema.reflection specific.avro.reader specific.avro.key.type specific.avro.value.type
enhanced.avro.schema.support scrub.invalid.names connect.meta.data allow.optional.map.keys discard.type.doc.default
generalized.sum.type.support ignore.default.for.nullables schemas.cache.config flatten.singleton.unions
schema.backup.enabled`.split(/\s+/)

const problems = (raw: Record<string, string>) =>
  avroConverter.config.parse({ ...URL, ...raw }, 'value.converter.').problems

describe('a key of Confluent’s AvroConverter', () => {
  it('acts, is refused or is ignored: none is unknown', () => {
    expect(CONFLUENT.filter((name) => !Object.hasOwn(avroConverter.config.keys, name))).to.eql([])
  })

  it('is refused by its name, with what to do, where ignoring it would change what is written or read', () => {
    const cases: [string, string, string][] = [
      ['use.latest.version', 'true', 'by their content'],
      ['use.schema.id', '7', 'by their content'],
      ['connect.meta.data', 'false', 'Schemas keep'],
      ['scrub.invalid.names', 'true', 'Rename the fields'],
      ['generalized.sum.type.support', 'true', 'Unions are structs'],
      ['ignore.default.for.nullables', 'false', 'never replaced'],
      ['allow.optional.map.keys', 'true', 'an array of entries'],
      ['discard.type.doc.default', 'true', 'keep the docs'],
      ['context.name.strategy', 'my.Strategy', '/contexts/'],
      ['value.schema.id.serializer', 'my.HeaderSchemaIdSerializer', 'first five bytes'],
      ['schema.registry.basic.auth.user.info', 'a:b', 'basic.auth.user.info'],
      ['proxy.host', 'proxy', 'without a proxy'],
      ['bearer.auth.token', 'SECRET', 'basic authentication'],
      ['request.header.X-Tenant', 'SECRET', 'cannot be added'],
    ]
    for (const [name, value, text] of cases) {
      const found = problems({ [name]: value })
      expect(
        found.map(({ path }) => path),
        name,
      ).to.eql([`value.converter.${name}`])
      expect(found[0]?.message).to.contain('is not supported').and.to.contain(text)
      expect(() => avroConverter.config.read({ ...URL, [name]: value })).to.throw('is not supported')
    }
    expect(problems({ 'bearer.auth.token': 'SECRET' })[0]?.message).to.not.contain('SECRET')
  })

  it('is accepted where it says what is so anyway', () => {
    const raw = {
      'use.latest.version': 'FALSE',
      'use.schema.id': '-1',
      'connect.meta.data': 'true',
      'ignore.default.for.nullables': 'true',
      'key.schema.id.deserializer': 'io.confluent.kafka.serializers.schema.id.DualSchemaIdDeserializer',
      'proxy.port': '-1',
    }
    expect(problems(raw)).to.eql([])
  })

  it('is named once in the task’s log, with the reason, where it is ignored', () => {
    const lines: unknown[][] = []
    const log: Logger = {
      debug: () => undefined,
      info: (...line) => lines.push(line),
      warn: () => undefined,
      error: () => undefined,
      child: () => log,
    }
    const raw = {
      'value.converter': 'AvroConverter',
      'value.converter.schema.registry.url': 'http://127.0.0.1:1',
      'value.converter.latest.cache.size': '5',
      'value.converter.flatten.singleton.unions': 'true',
    }
    openConverters(raw, { 'key.converter': 'JsonConverter', 'key.converter.converter.type': 'key' }, { log })
    expect(lines.map(([, fields]) => (fields as { key: string }).key)).to.eql([
      'key.converter.converter.type',
      'value.converter.latest.cache.size',
    ])
    expect((lines[1]?.[1] as { reason: string }).reason).to.contain('use.latest.version')
  })

  it('normalize.schemas asks the registry for normal forms', async () => {
    const registry = await RegistryStandIn.start()
    try {
      const unknown = { status: 404, body: { error_code: 40403 } }
      registry.override = ({ path }) =>
        path.includes('/versions') ? { status: 200, body: { id: 7 } } : unknown
      for (const on of ['true', 'false']) {
        registry.asked.length = 0
        const raw = { 'schema.registry.url': registry.url, 'normalize.schemas': on }
        const failures = new Failures()
        const side = recordsSide([{ type: 'STRUCT', optional: false, name: 'R', fields: [] }], [struct()])
        await openConverter(avroConverter, raw).encode('t', side, allRows(1), failures.fail)
        const query = on === 'true' ? '?normalize=true' : ''
        expect(registry.asked.map(({ path }) => path)).to.eql([
          `/subjects/t-value${query}`,
          `/subjects/t-value/versions${query}`,
        ])
      }
    } finally {
      await registry.stop()
    }
  })
})
