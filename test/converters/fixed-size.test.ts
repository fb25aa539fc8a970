import { expect } from 'chai'
import { describe, it } from 'mocha'
import { findConverterPlugin } from '../../src/converters/index.ts'
import { kindOf } from '../../src/converters/value-columns.ts'
import { recordsSide } from '../../src/converters/records-side.ts'
import { type Value } from '../../src/index.ts'
import { allRows, bytesOf, Failures, openConverter, slicesOf } from './support.ts'

const open = (name: string) =>
  openConverter(findConverterPlugin(`org.apache.kafka.connect.converters.${name}`)!)

describe('a converter of one number', () => {
  it('passes its own bytes on, tombstones included, and fails others alone', async () => {
    const failures = new Failures()
    const converter = open('ShortConverter')
    const rows = [Buffer.from([0, 5]), null, Buffer.from([1]), Buffer.from([0xff, 0xfe])]
    const side = await converter.decode('t', slicesOf(rows), failures.fail)
    const encoded = await converter.encode('t', side, allRows(4), failures.fail)
    expect(failures.codes()).to.eql({ 2: 'record.malformed' })
    expect(bytesOf(encoded, [0, 1, 3])).to.eql([rows[0], null, rows[3]])
  })

  it('does not pass on what another one has read, though it has as many bytes', async () => {
    const failures = new Failures()
    const side = await open('IntegerConverter').decode(
      't',
      slicesOf([Buffer.from([0, 0, 0, 5])]),
      failures.fail,
    )
    await open('FloatConverter').encode('t', side, allRows(1), failures.fail)
    expect(failures.codes()).to.eql({ 0: 'record.schema' })
  })

  it('refuses what does not fit, at the very edge', async () => {
    const cases: [string, Value, boolean][] = [
      ['ShortConverter', 32_767, true],
      ['ShortConverter', 32_768, false],
      ['ShortConverter', -32_768, true],
      ['ShortConverter', -32_769, false],
      ['IntegerConverter', 1.5, false],
      ['LongConverter', 2n ** 63n - 1n, true],
      ['LongConverter', 2n ** 63n, false],
      ['LongConverter', 5, false],
      ['BooleanConverter', 1, false],
    ]
    for (const [name, value, isRight] of cases) {
      const failures = new Failures()
      await open(name).encode('t', recordsSide([null], [value]), allRows(1), failures.fail)
      expect(failures.codes()[0], `${name} ${kindOf(value)}`).to.equal(isRight ? undefined : 'record.schema')
    }
  })
})
