import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { recordsSide } from '../../../src/converters/records-side.ts'
import { sameValue } from '../../../src/converters/same-schema.ts'
import {
  type Column,
  type Field,
  MISSING,
  OPTIONAL_STRING,
  type Schema,
  type Side,
} from '../../../src/index.ts'
import { runs } from '../../support/runs.ts'
import { Failures } from '../support.ts'
import { samples } from './arbitraries.ts'
import { columns, converterAtWork, FIELDS, FLIGHT, flight } from './flights.ts'
import { avscType, readBack, record, withHeader } from './support.ts'

/** The same rows as objects. */
function plainForm(side: Side, failures: Failures): Side {
  const rows = Array.from({ length: side.length }, (_, row) => row)
  return recordsSide(
    rows.map((row) => side.schema(row, failures.fail)),
    rows.map((row) => side.value(row, failures.fail)),
  )
}

describe('AvroConverter, encoding what it decoded,', () => {
  const at = converterAtWork()
  const { decode, encode } = at

  it('passes records on unchanged but for the id of the target subject', async () => {
    at.registry.add('"string"')
    const id = at.registry.add(FLIGHT)
    const encoded = await encode(await decode([withHeader(flight(1), id), null, withHeader(flight(-9), id)]))
    const registered = at.registry.subjects.get('scores-value') ?? []
    expect(registered).to.have.length(1)
    expect(encoded).to.deep.equal([
      withHeader(flight(1), registered[0]),
      null,
      withHeader(flight(-9), registered[0]),
    ])
    expect(JSON.parse(at.registry.ids.get(registered[0]!)!.schema)).to.deep.equal(FLIGHT)
  })

  it('validates what it passes on', async () => {
    const id = at.registry.add(FLIGHT)
    await encode(await decode([withHeader(flight(1), id), withHeader(flight(1).subarray(1), id)]))
    expect(at.failures.codes()).to.deep.equal({ 1: 'record.malformed' })
  })

  it('appends nullable fields at the end of the writer schema, whose own text it keeps', async () => {
    const id = at.registry.add(FLIGHT)
    const rows = Array.from({ length: 12 }, (_, i) => (i === 5 ? null : withHeader(flight(i), id)))
    const side = (await decode(rows)).append(FIELDS, columns(12), at.failures, at.failures.fail)
    const encoded = await encode(side)
    expect(at.failures.codes()).to.deep.equal({})
    const [outId] = at.registry.subjects.get('scores-value') ?? []
    const schema = JSON.parse(at.registry.ids.get(outId!)!.schema) as typeof FLIGHT
    expect(schema).to.deep.equal({
      ...FLIGHT,
      fields: [
        ...FLIGHT.fields,
        { name: 'prediction', type: ['null', 'string'], default: null },
        { name: 'p', type: ['null', 'double'], default: null },
      ],
    })
    const read = (bytes: Buffer | null | undefined) => readBack(schema, bytes!.subarray(5))
    expect(read(encoded[1])).to.deep.include({
      prediction: { string: 'NO' },
      p: { double: 1 / 8 },
    })
    expect(read(encoded[2])).to.deep.include({ prediction: { string: 'JÄ' } })
    expect(read(encoded[4])).to.deep.include({
      prediction: { string: 'NO' },
      p: null,
    })
    expect(encoded[5]).to.equal(null)
  })

  it('keeps defaults that a double cannot hold', async () => {
    const text =
      '{"type":"record","name":"Big","fields":[{"name":"n","type":"long","default":9223372036854775807}]}'
    const id = at.registry.add(text)
    const side = await decode([withHeader(Buffer.from([2]), id)])
    await encode(side.append([FIELDS[0]!], [columns(1)[0]!], at.failures, at.failures.fail))
    const [outId] = at.registry.subjects.get('scores-value') ?? []
    expect(at.registry.ids.get(outId!)!.schema).to.contain('9223372036854775807')
    expect(side.schema(0, at.failures.fail)?.fields?.[0]?.schema.default).to.equal(2n ** 63n - 1n)
  })

  it('registers an output schema once, for all batches and appends', async () => {
    const id = at.registry.add(FLIGHT)
    for (let i = 0; i < 3; i++) {
      const side = await decode([withHeader(flight(i), id)])
      await encode(side.append([...FIELDS], columns(1), at.failures, at.failures.fail))
    }
    expect(
      at.registry.asked.filter((asked) => asked.method === 'POST').map((asked) => asked.path),
    ).to.deep.equal(['/subjects/scores-value', '/subjects/scores-value/versions'])
  })

  it('splits mixed schemas: each row gets the output schema of its own', async () => {
    const other = record({ carrier: 'string' }, 'Other')
    const ids = [at.registry.add(FLIGHT), at.registry.add(other)]
    const rows = [
      withHeader(flight(1), ids[0]),
      withHeader(avscType(other).toBuffer({ carrier: 'B' }), ids[1]),
    ]
    const side = (await decode(rows)).append(FIELDS, columns(2), at.failures, at.failures.fail)
    const encoded = await encode(side)
    const outIds = at.registry.subjects.get('scores-value')!
    expect(encoded.map((bytes) => bytes!.readInt32BE(1))).to.deep.equal(outIds)
    const read = (bytes: Buffer | null | undefined) =>
      readBack(JSON.parse(at.registry.ids.get(outIds[1]!)!.schema), bytes!.subarray(5))
    expect(read(encoded[1])).to.deep.include({
      carrier: 'B',
      prediction: { string: 'NO' },
    })
  })

  it('fails the rows whose schema has a field of the name already, whether encoded or plain', async () => {
    const other = record({ prediction: 'string' }, 'Other')
    const ids = [at.registry.add(FLIGHT), at.registry.add(other)]
    const rows = [
      withHeader(flight(1), ids[0]),
      withHeader(avscType(other).toBuffer({ prediction: 'B' }), ids[1]),
    ]
    const side = await decode(rows)
    for (const form of [side, plainForm(side, new Failures())]) {
      const own = new Failures()
      form.append(FIELDS, columns(2), own, own.fail)
      expect(own.codes()).to.deep.equal({ 1: 'record.field' })
    }
    const twice = side.append(FIELDS, columns(2), at.failures, at.failures.fail)
    expect(at.failures.codes()).to.deep.equal({ 1: 'record.field' })
    twice.append(FIELDS, columns(2), at.failures, at.failures.fail)
    expect(at.failures.codes()).to.deep.equal({ 0: 'record.field', 1: 'record.field' })
  })

  it('gives spliced records that equal the plain ones, byte for byte, for any schema', async () => {
    await fc.assert(
      fc.asyncProperty(samples, async ({ schema, values }) => {
        const type = avscType(schema)
        const id = at.registry.add(schema)
        const side = await decode(values.map(({ avsc }) => withHeader(type.toBuffer(avsc), id)))
        const added = columns(values.length)
        const spliced = side.append(FIELDS, added, at.failures, at.failures.fail)
        const plain = plainForm(side, at.failures).append(FIELDS, added, at.failures, at.failures.fail)
        const bytes = await encode(spliced)
        expect(await encode(plain)).to.deep.equal(bytes)
        const [fromSpliced, again] = [spliced, await decode(bytes)].map((form) =>
          plainForm(form, at.failures),
        )
        for (let row = 0; row < values.length; row++) {
          const [a, b] = [fromSpliced!, again!].map((form) => form.value(row, at.failures.fail))
          expect(sameValue(a!, b!)).to.equal(true)
        }
        expect(at.failures.codes()).to.deep.equal({})
      }),
      { numRuns: runs(40, 100) },
    )
  })

  it('appends values of any type, and fails a row whose value does not fit', async () => {
    const id = at.registry.add(FLIGHT)
    const side = await decode([
      withHeader(flight(1), id),
      withHeader(flight(2), id),
      withHeader(flight(3), id),
    ])
    const tags: Schema = { type: 'ARRAY', optional: false, valueSchema: { type: 'INT32', optional: false } }
    const fields: Field[] = [
      { name: 'tags', schema: tags },
      { name: 'count', schema: { type: 'INT64', optional: true } },
    ]
    const added: Column[] = [
      { type: 'value', values: [[1, 2], [3], 'no array'] },
      { type: 'float64', values: Float64Array.of(7, 1.5, 9), present: Uint8Array.of(1, 1, 1) },
    ]
    const spliced = side.append(fields, added, at.failures, at.failures.fail)
    expect(at.failures.codes()).to.deep.equal({ 1: 'record.value' })
    const encoded = await encode(spliced)
    expect(at.failures.codes()).to.deep.equal({ 1: 'record.value', 2: 'record.value' })
    const [outId] = at.registry.subjects.get('scores-value') ?? []
    const read = (bytes: Buffer | null | undefined) =>
      readBack(JSON.parse(at.registry.ids.get(outId!)!.schema), bytes!.subarray(5))
    expect(read(encoded[0])).to.deep.include({ tags: [1, 2], count: { long: 7n } })
  })

  it('splices records of a nullable root, and makes tombstones of its nulls', async () => {
    const id = at.registry.add(['null', FLIGHT])
    const type = avscType(['null', FLIGHT])
    const some = type.toBuffer({ 'sluice.test.Flight': { dep: null, max: 1n, carrier: 'X' } })
    const side = await decode([withHeader(some, id), withHeader(Buffer.from([0]), id)])
    expect(side.column('carrier', 'string', at.failures, at.failures.fail).values).to.deep.equal(['X', null])
    const longer = side.append(FIELDS, columns(2), at.failures, at.failures.fail)
    const encoded = await encode(longer)
    expect(encoded[1]).to.equal(null)
    expect(await encode(plainForm(longer, at.failures))).to.deep.equal(encoded)
    expect(at.failures.codes()).to.deep.equal({})
  })

  it('fails the rows, not the task, for a field name that Avro does not allow', async () => {
    const id = at.registry.add(FLIGHT)
    const side = await decode([withHeader(flight(1), id)])
    const level: Column = { type: 'category', levels: Int32Array.of(MISSING), domain: [] }
    await encode(
      side.append([{ name: 'p-1', schema: OPTIONAL_STRING }], [level], at.failures, at.failures.fail),
    )
    expect(at.failures.codes()).to.deep.equal({ 0: 'schema.invalid' })
  })
})
