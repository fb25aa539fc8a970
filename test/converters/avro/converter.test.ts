import { expect } from 'chai'
import { describe, it } from 'mocha'
import { avroConverter } from '../../../src/converters/avro/plugin.ts'
import { recordsSide } from '../../../src/converters/records-side.ts'
import { ConfigError, type Schema, struct } from '../../../src/index.ts'
import { allRows, openConverter, slicesOf } from '../support.ts'
import { columns, converterAtWork, FIELDS, FLIGHT, flight } from './flights.ts'
import { readBack, withHeader } from './support.ts'

describe('AvroConverter', () => {
  const at = converterAtWork()
  const { decode, encode } = at

  it('fails records that are short, of another magic byte, or of an unknown id; the others and nulls go on', async () => {
    const id = at.registry.add(FLIGHT)
    const rows = [
      withHeader(flight(1), id),
      Buffer.from([0, 0, 0, 0]),
      Buffer.concat([Buffer.from([1]), withHeader(flight(1), id).subarray(1)]),
      withHeader(flight(1), 77),
      null,
      Buffer.alloc(0),
      withHeader(flight(2), 0x80000001 | 0),
    ]
    const side = await decode(rows)
    expect(at.failures.codes()).to.deep.equal({
      1: 'record.malformed',
      2: 'record.malformed',
      3: 'schema.unknown',
      5: 'record.malformed',
      6: 'schema.unknown',
    })
    expect(side.isNull(4)).to.equal(true)
    expect([
      ...side.column('dep', 'float64', at.failures, at.failures.fail).values.slice(0, 1),
    ]).to.deep.equal([1])
    expect(side.value(4, at.failures.fail)).to.equal(null)
    expect(at.failures.errors.size).to.equal(5)
  })

  it('asks the registry once per id, also of batches under way at once, and not again for an unknown one', async () => {
    const id = at.registry.add(FLIGHT)
    const batch = [withHeader(flight(1), id), withHeader(flight(2), id), withHeader(flight(3), 99)]
    await Promise.all([decode(batch), decode(batch), decode(batch)])
    await decode(batch)
    expect(at.registry.asked.map((asked) => asked.path).sort()).to.deep.equal([
      '/schemas/ids/1',
      '/schemas/ids/99',
    ])
  })

  it('resolves references of references, and keeps them in the output schema', async () => {
    const kind = { type: 'enum', name: 'Kind', namespace: 'ref', symbols: ['A', 'B'] }
    const inner = {
      type: 'record',
      name: 'Inner',
      namespace: 'ref',
      fields: [{ name: 'kind', type: 'ref.Kind' }],
    }
    const outer = {
      type: 'record',
      name: 'Outer',
      fields: [
        { name: 'inner', type: 'ref.Inner' },
        { name: 'k', type: 'ref.Kind' },
      ],
    }
    at.registry.add(kind, { subject: 'kind' })
    const toKind = { name: 'ref.Kind', subject: 'kind', version: 1 }
    at.registry.add(inner, { subject: 'inner', references: [toKind] })
    const references = [{ name: 'ref.Inner', subject: 'inner', version: 1 }, toKind]
    const id = at.registry.add(outer, { references })
    const side = await decode([withHeader(Buffer.from([2, 0]), id)])
    expect(side.value(0, at.failures.fail)).to.deep.equal(struct({ inner: struct({ kind: 'B' }), k: 'A' }))
    const encoded = await encode(side.append([FIELDS[0]!], [columns(1)[0]!], at.failures, at.failures.fail))
    const [outId] = at.registry.subjects.get('scores-value') ?? []
    expect(at.registry.ids.get(outId!)?.references).to.deep.equal(references)
    expect(encoded[0]?.subarray(5)).to.deep.equal(Buffer.from([2, 0, 0]))
    expect(at.failures.codes()).to.deep.equal({})
  })

  it('fails records of an unusable, foreign or badly referenced schema, not the task', async () => {
    const ids = [
      at.registry.add({ type: 'record', name: 'R' }),
      at.registry.add('syntax = "proto3";', { schemaType: 'PROTOBUF' }),
      at.registry.add('"x.Y"', { references: [{ name: 'x.Y', subject: 'gone', version: 3 }] }),
      at.registry.add(`${'['.repeat(20_000)}${']'.repeat(20_000)}`),
    ]
    await decode(ids.map((id) => withHeader(Buffer.from([0]), id)))
    expect(at.failures.codes()).to.deep.equal({
      0: 'schema.invalid',
      1: 'schema.invalid',
      2: 'schema.unknown',
      3: 'schema.invalid',
    })
  })

  it('names subjects by the strategy it is given, and by the side', async () => {
    const id = at.registry.add(FLIGHT)
    const subjectsOf = async (strategy: string, side: 'key' | 'value') => {
      const own = openConverter(
        avroConverter,
        { 'schema.registry.url': at.registry.url, [`${side}.subject.name.strategy`]: strategy },
        side,
      )
      const decoded = await own.decode('t', slicesOf([withHeader(flight(1), id)]), at.failures.fail)
      at.registry.subjects.clear()
      await own.encode('out', decoded, allRows(1), at.failures.fail)
      return [...at.registry.subjects.keys()]
    }
    expect(await subjectsOf('TopicNameStrategy', 'key')).to.deep.equal(['out-key'])
    expect(await subjectsOf('RecordNameStrategy', 'value')).to.deep.equal(['sluice.test.Flight'])
    expect(
      await subjectsOf('io.confluent.kafka.serializers.subject.TopicRecordNameStrategy', 'value'),
    ).to.deep.equal(['out-sluice.test.Flight'])
  })

  it('writes plain records by their Connect schema, and fails those without a schema', async () => {
    const schema: Schema = {
      type: 'STRUCT',
      optional: false,
      name: 'my.Row',
      fields: [
        { name: 'n', schema: { type: 'INT64', optional: false } },
        { name: 's', schema: { type: 'STRING', optional: true, default: 'x' } },
      ],
    }
    const side = recordsSide(
      [schema, { ...schema }, null, null, schema],
      [
        struct({ n: 2n ** 60n, s: 'a' }),
        struct({ n: 1n, s: null }),
        null,
        struct({ n: 1n }),
        struct({ n: 1, s: 'a' }),
      ],
    )
    const encoded = await encode(side)
    expect(at.failures.codes()).to.deep.equal({ 3: 'record.schema', 4: 'record.value' })
    expect(at.failures.errors.get(4)?.message).to.contain('"n"')
    expect(encoded[2]).to.equal(null)
    const [outId] = at.registry.subjects.get('scores-value') ?? []
    const json = JSON.parse(at.registry.ids.get(outId!)!.schema) as { 'connect.name': string }
    expect(json['connect.name']).to.equal('my.Row')
    const read = (bytes: Buffer | null | undefined) => readBack(json, bytes!.subarray(5))
    expect(read(encoded[0])).to.deep.equal({ n: 2n ** 60n, s: { string: 'a' } })
    expect(read(encoded[1])).to.deep.equal({ n: 1n, s: null })
    expect(at.registry.subjects.get('scores-value')).to.have.length(1)
  })

  it('refuses USER_INFO without credentials when it is opened, not when the registry does', () => {
    const source = { 'basic.auth.credentials.source': 'USER_INFO' }
    expect(() => openConverter(avroConverter, { 'schema.registry.url': 'http://x', ...source })).to.throw(
      ConfigError,
      'basic.auth.user.info',
    )
  })

  it('takes its configuration by Confluent names and refuses what it cannot do', () => {
    const problems = (raw: Record<string, string>) =>
      avroConverter.config.parse({ 'schema.registry.url': 'http://x', ...raw }).problems.map((p) => p.path)
    expect(problems({})).to.deep.equal([])
    expect(problems({ 'schema.registry.url': 'http://a:1, https://b/c' })).to.deep.equal([])
    expect(problems({ 'schema.registry.url': 'mock://a' }), 'a registry in memory').to.deep.equal([])
    expect(problems({ 'schema.registry.url': 'ftp://a' })).to.deep.equal(['schema.registry.url'])
    expect(problems({ 'schema.registry.url': '' })).to.deep.equal(['schema.registry.url'])
    expect(problems({ 'basic.auth.credentials.source': 'SASL_INHERIT' })).to.deep.equal([
      'basic.auth.credentials.source',
    ])
    expect(problems({ 'value.subject.name.strategy': 'Mine' })).to.deep.equal(['value.subject.name.strategy'])
    expect(problems({ 'use.latest.version': 'true' })).to.deep.equal(['use.latest.version'])
  })
})
