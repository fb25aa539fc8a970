import { expect } from 'chai'
import { describe, it } from 'mocha'
import { byteArrayConverter } from '../../src/converters/bytes.ts'
import { converters, findConverterPlugin } from '../../src/converters/index.ts'
import { recordsSide } from '../../src/converters/records-side.ts'
import { stringConverter } from '../../src/converters/string.ts'
import { struct, type Value } from '../../src/index.ts'
import { allRows, bytesOf, Failures, openConverter, slicesOf } from './support.ts'

const ROWS = [Buffer.from('grüße'), null, Buffer.from([0xff, 0xfe]), Buffer.alloc(0)]

describe('ByteArrayConverter', () => {
  it('passes any bytes on as they are', async () => {
    const failures = new Failures()
    const converter = openConverter(byteArrayConverter)
    const side = await converter.decode('t', slicesOf(ROWS), failures.fail)
    expect(bytesOf(await converter.encode('t', side, allRows(4), failures.fail), allRows(4))).to.deep.equal(
      ROWS,
    )
    expect([0, 1, 2, 3].map((row) => side.value(row, failures.fail))).to.deep.equal(ROWS)
    expect(side.schema(0, failures.fail)?.type).to.equal('BYTES')
    expect(failures.codes()).to.deep.equal({})
  })

  it('writes bytes of other converters, and fails rows that are none', async () => {
    const failures = new Failures()
    const side = recordsSide([null, null, null], [Buffer.from([1]), 'text', null])
    const encoded = await openConverter(byteArrayConverter).encode('t', side, allRows(3), failures.fail)
    expect(bytesOf(encoded, [0, 2])).to.deep.equal([Buffer.from([1]), null])
    expect(failures.codes()).to.deep.equal({ 1: 'record.schema' })
  })
})

describe('StringConverter', () => {
  it('reads text, and fails bytes that are not UTF-8', async () => {
    const failures = new Failures()
    const converter = openConverter(stringConverter)
    const side = await converter.decode('t', slicesOf(ROWS), failures.fail)
    expect([0, 1, 2, 3].map((row) => side.value(row, failures.fail))).to.deep.equal(['grüße', null, null, ''])
    expect(failures.codes()).to.deep.equal({ 2: 'record.malformed' })
  })

  it('passes text on, but nothing that it has not validated', async () => {
    const failures = new Failures()
    const converter = openConverter(stringConverter)
    const side = await converter.decode('t', slicesOf(ROWS), failures.fail)
    const encoded = await converter.encode('t', side, allRows(4), failures.fail)
    expect(bytesOf(encoded, [0, 1, 3])).to.deep.equal([ROWS[0], null, ROWS[3]])
    expect(failures.codes()).to.deep.equal({ 2: 'record.malformed' })
  })

  it('writes other values as Java would', async () => {
    const values: Value[] = [
      5n,
      2n ** 60n,
      true,
      { unscaled: -5n, scale: 2 },
      [1, 'a', null],
      new Map([['k', 1n]]),
      struct({ a: 1n, b: null, c: struct({ d: 'x' }) }),
    ]
    const failures = new Failures()
    const side = recordsSide(
      values.map(() => null),
      values,
    )
    const encoded = await openConverter(stringConverter).encode('t', side, allRows(7), failures.fail)
    expect(bytesOf(encoded, allRows(7)).map(String)).to.deep.equal([
      '5',
      '1152921504606846976',
      'true',
      '-0.05',
      '[1.0, a, null]',
      '{k=1}',
      '{a=1, b=null, c={d=x}}',
    ])
  })

  it('has no fields to read', async () => {
    const failures = new Failures()
    const side = await openConverter(stringConverter).decode('t', slicesOf(ROWS.slice(0, 2)), failures.fail)
    side.column('a', 'string', failures, failures.fail)
    expect(failures.codes()).to.deep.equal({ 0: 'record.schema' })
  })
})

describe('The converters', () => {
  it('are found by simple name and by Java class name', () => {
    for (const [name, alias] of [
      ['AvroConverter', 'io.confluent.connect.avro.AvroConverter'],
      ['JsonConverter', 'org.apache.kafka.connect.json.JsonConverter'],
      ['StringConverter', 'org.apache.kafka.connect.storage.StringConverter'],
      ['ByteArrayConverter', 'org.apache.kafka.connect.converters.ByteArrayConverter'],
    ] as const) {
      expect(findConverterPlugin(name)?.name).to.equal(name)
      expect(findConverterPlugin(alias)?.name).to.equal(name)
    }
    expect(findConverterPlugin('__proto__')).to.equal(undefined)
    expect(new Set(converters.map((c) => c.name)).size).to.equal(converters.length)
  })
})
