import { expect } from 'chai'
import { describe, it } from 'mocha'
import { findConverterPlugin } from '../../src/converters/index.ts'
import { recordsSide } from '../../src/converters/records-side.ts'
import { type Schema, struct, type Value } from '../../src/index.ts'
import { avscType, withHeader } from './avro/support.ts'
import { allRows, bytesOf, Failures, openConverter, RegistryStandIn, slicesOf } from './support.ts'

const OPTIONAL: Schema = { type: 'STRUCT', optional: true, name: 'Row', fields: [] }
const REQUIRED: Schema = { ...OPTIONAL, optional: false }
const ENVELOPE = '{"schema":{"type":"struct","fields":[],"optional":true,"name":"Row"},"payload":'

describe('a null in a batch of other records', () => {
  let registry: RegistryStandIn
  beforeEach(async () => (registry = await RegistryStandIn.start()))
  afterEach(() => registry.stop())

  const open = (name: string, raw: Record<string, string> = {}) => {
    const url: Record<string, string> =
      name === 'AvroConverter' ? { 'schema.registry.url': registry.url } : {}
    return openConverter(findConverterPlugin(name)!, { ...url, ...raw })
  }

  async function write(
    name: string,
    rows: readonly [Schema | null, Value][],
    raw: Record<string, string> = {},
  ) {
    const failures = new Failures()
    const side = recordsSide(
      rows.map(([schema]) => schema),
      rows.map(([, value]) => value),
    )
    const encoded = await open(name, raw).encode('t', side, allRows(rows.length), failures.fail)
    const good = rows.flatMap((_, row) => (failures.isLive(row) ? [row] : []))
    return {
      codes: failures.codes(),
      texts: bytesOf(encoded, good).map((bytes) => bytes?.toString() ?? null),
    }
  }

  const ROWS: [Schema | null, Value][] = [
    [null, null],
    [OPTIONAL, null],
    [REQUIRED, null],
    [OPTIONAL, struct()],
  ]

  it('is null in Avro and registers nothing, whatever its schema is', async () => {
    const { codes, texts } = await write('AvroConverter', [
      [null, null],
      [OPTIONAL, null],
      [null, null],
    ])
    expect([codes, texts, registry.asked.length]).to.eql([{}, [null, null, null], 0])
    const mixed = await write('AvroConverter', ROWS)
    expect(mixed.codes).to.eql({ 2: 'record.value' })
    expect(mixed.texts.slice(0, 2)).to.eql([null, null])
    expect(registry.subjects.get('t-value')).to.have.length(1)
  })

  it('registers nothing in Avro where it was read from JSON with a schema', async () => {
    const failures = new Failures()
    const bytes = [Buffer.from(`${ENVELOPE}null}`), null, Buffer.from('{"schema":null,"payload":null}')]
    const side = await open('JsonConverter').decode('t', slicesOf(bytes), failures.fail)
    const encoded = await open('AvroConverter').encode('t', side, allRows(3), failures.fail)
    expect([failures.codes(), bytesOf(encoded, allRows(3)), registry.asked]).to.eql([
      {},
      [null, null, null],
      [],
    ])
  })

  it('is null in Avro where it was an Avro null, and registers nothing', async () => {
    const id = registry.add(['null', { type: 'record', name: 'Row', fields: [] }], { subject: 'in-value' })
    const failures = new Failures()
    const converter = open('AvroConverter')
    const nothing = withHeader(avscType('null').toBuffer(null), id)
    const side = await converter.decode(
      'in',
      slicesOf([Buffer.concat([nothing, Buffer.from([0])]), null]),
      failures.fail,
    )
    const encoded = await converter.encode('t', side, allRows(2), failures.fail)
    expect([failures.codes(), bytesOf(encoded, allRows(2))]).to.eql([{}, [null, null]])
    expect(registry.subjects.get('t-value')).to.equal(undefined)
  })

  it('is an envelope in JSON where it has a schema, and a tombstone where it has none', async () => {
    const { codes, texts } = await write('JsonConverter', ROWS)
    expect(codes).to.eql({ 2: 'record.value' })
    expect(texts).to.eql([null, `${ENVELOPE}null}`, `${ENVELOPE}{}}`])
    const plain = await write('JsonConverter', ROWS, { 'schemas.enable': 'false' })
    expect([plain.codes, plain.texts]).to.eql([{ 2: 'record.value' }, [null, 'null', '{}']])
  })

  it('stays what it was from JSON to JSON', async () => {
    const texts = [`${ENVELOPE}null}`, null, `${ENVELOPE}{}}`]
    const failures = new Failures()
    const converter = open('JsonConverter')
    const slices = slicesOf(texts.map((text) => (text === null ? null : Buffer.from(text))))
    const side = await converter.decode('t', slices, failures.fail)
    const encoded = await converter.encode('t', side, allRows(3), failures.fail)
    expect(bytesOf(encoded, allRows(3)).map((bytes) => bytes?.toString() ?? null)).to.eql(texts)
  })

  it('is null in text, bytes and numbers', async () => {
    const cases: [string, Schema, Value, string][] = [
      ['StringConverter', { type: 'STRING', optional: true }, 'a', 'a'],
      ['ByteArrayConverter', { type: 'BYTES', optional: true }, Buffer.from('b'), 'b'],
      ['BooleanConverter', { type: 'BOOLEAN', optional: true }, true, '\u0001'],
      ['IntegerConverter', { type: 'INT32', optional: true }, 1, '\0\0\0\u0001'],
    ]
    for (const [name, schema, value, text] of cases) {
      const rows: [Schema | null, Value][] = [
        [schema, null],
        [null, null],
        [schema, value],
      ]
      expect(await write(name, rows), name).to.eql({ codes: {}, texts: [null, null, text] })
    }
  })

  it('of no bytes is read as a tombstone without a schema by each converter', async () => {
    for (const name of [
      'AvroConverter',
      'JsonConverter',
      'StringConverter',
      'ByteArrayConverter',
      'LongConverter',
    ]) {
      const failures = new Failures()
      const side = await open(name).decode('t', slicesOf([null]), failures.fail)
      const found = [
        side.isNull(0),
        side.value(0, failures.fail),
        side.schema(0, failures.fail),
        failures.codes(),
      ]
      expect(found, name).to.eql([true, null, null, {}])
    }
  })
})
