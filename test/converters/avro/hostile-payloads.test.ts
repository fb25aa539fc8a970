import { expect } from 'chai'
import { describe, it } from 'mocha'
import { runs } from '../../support/runs.ts'
import { Failures } from '../support.ts'
import { avroSide, avscType, record } from './support.ts'

const long = (n: bigint) => avscType('long').toBuffer(n)
const bytes = (...parts: (number[] | Uint8Array)[]) => Buffer.concat(parts.map((part) => Buffer.from(part)))

const RICH = record({
  n: 'int',
  when: ['null', 'long'],
  s: 'string',
  tags: { type: 'array', items: 'string' },
  scores: { type: 'map', values: 'double' },
  kind: { type: 'enum', name: 'Kind', symbols: ['A', 'B', 'C'] },
  id: { type: 'fixed', name: 'Id', size: 4 },
  inner: record({ flag: 'boolean', raw: 'bytes', either: ['int', 'string', 'null'] }, 'Inner'),
  f: 'float',
})

function richPayload(): Buffer {
  return avscType(RICH).toBuffer({
    n: -70_000,
    when: { long: 1n << 60n },
    s: 'grüße',
    tags: ['a', 'bb', ''],
    scores: { x: 1.5, y: -2 },
    kind: 'C',
    id: Buffer.from([1, 2, 3, 4]),
    inner: { flag: true, raw: Buffer.from('raw'), either: { string: 'text' } },
    f: 0.5,
  })
}

/** The code with which a lone payload fails, read as a column and as a whole value; both must agree. */
function codeOf(schema: unknown, payload: Uint8Array): string | undefined {
  const columns = new Failures()
  avroSide(schema, [payload]).column('anything', 'value', columns, columns.fail, true)
  const values = new Failures()
  avroSide(schema, [payload]).value(0, values.fail)
  const found = columns.codes()[0]
  if (columns.errors.size !== values.errors.size) throw new Error('column and value disagree')
  return found
}

describe('a hostile Avro payload', function () {
  this.timeout(60_000)
  it('passes where it is well-formed', () => {
    expect(codeOf(RICH, richPayload())).to.equal(undefined)
  })

  it('of six bytes that claims 5·10⁸ nulls fails at once', () => {
    const schema = record({ a: { type: 'array', items: 'null' } })
    expect(codeOf(schema, bytes(long(500_000_000n), [0]))).to.equal('record.malformed')
  })

  it('of ten bytes that claims 2⁵⁰ empty items, also in a block with a size, fails at once', () => {
    const schema = record({ a: { type: 'array', items: { type: 'record', name: 'Nothing', fields: [] } } })
    expect(codeOf(schema, bytes(long(1n << 50n), [0]))).to.equal('record.malformed')
    expect(codeOf(schema, bytes(long(-(1n << 50n)), [0, 0]))).to.equal('record.malformed')
    expect(codeOf(schema, bytes(long(-(1n << 63n)), [0, 0]))).to.equal('record.malformed')
  })

  it('cannot repeat small blocks of empty items without end', () => {
    const schema = record({ a: { type: 'array', items: { type: 'array', items: 'null' } } })
    const inner = bytes(long(9_000n), [0])
    expect(codeOf(schema, bytes(long(1n), inner, [0]))).to.equal(undefined)
    expect(codeOf(schema, bytes(long(2n), inner, inner, [0]))).to.equal('record.malformed')
  })

  it('cannot multiply a wide record of nulls by a few bytes', () => {
    const wide = record(
      Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`f${i}`, 'null'])),
      'Wide',
    )
    const items = record({ n: 'int', w: wide }, 'Item')
    const schema = record({ a: { type: 'array', items } })
    expect(codeOf(schema, bytes(long(10_000n), new Array<number>(10_000).fill(2), [0]))).to.equal(
      'record.malformed',
    )
  })

  it('that claims more items, or longer strings, than it has bytes fails', () => {
    const array = record({ a: { type: 'array', items: 'long' } })
    expect(codeOf(array, bytes(long(3n), [2, 2]))).to.equal('record.malformed')
    expect(codeOf(record({ s: 'string' }), bytes(long(5n), Buffer.from('four')))).to.equal('record.malformed')
    expect(codeOf(record({ s: 'string' }), bytes(long(-5n), Buffer.from('four')))).to.equal(
      'record.malformed',
    )
    expect(codeOf(record({ s: 'bytes' }), bytes(long((1n << 63n) - 1n)))).to.equal('record.malformed')
  })

  it('fails for a varint that is too wide', () => {
    const wide = (n: number, last: number) => [...new Array<number>(n).fill(0xff), last]
    expect(codeOf(record({ n: 'int' }), bytes(wide(4, 0x0f)))).to.equal(undefined)
    expect(codeOf(record({ n: 'int' }), bytes(wide(4, 0x1f)))).to.equal('record.malformed')
    expect(codeOf(record({ n: 'int' }), bytes(wide(5, 0)))).to.equal('record.malformed')
    expect(codeOf(record({ n: 'long' }), bytes(wide(9, 1)))).to.equal(undefined)
    expect(codeOf(record({ n: 'long' }), bytes(wide(9, 2)))).to.equal('record.malformed')
    expect(codeOf(record({ n: 'long' }), bytes(wide(10, 0)))).to.equal('record.malformed')
  })

  it('fails for a boolean of 2, and for indexes outside of an enum or a union', () => {
    const kinds = { type: 'enum', name: 'Kind', symbols: ['A', 'B'] }
    expect(codeOf(record({ b: 'boolean' }), bytes([2]))).to.equal('record.malformed')
    for (const index of [2n, -1n, 1n << 40n]) {
      expect(codeOf(record({ e: kinds }), long(index))).to.equal('record.malformed')
      expect(codeOf(record({ u: ['null', 'int'] }), bytes(long(index), [0]))).to.equal('record.malformed')
      expect(codeOf(record({ u: ['int', 'string', 'null'] }), bytes(long(index), [0]))).to.equal(
        'record.malformed',
      )
    }
  })

  it('fails for a string or a map key that is not UTF-8, short or long', () => {
    const long64 = Buffer.alloc(64, 0x61)
    long64[63] = 0xff
    expect(codeOf(record({ s: 'string' }), bytes(long(2n), [0xc3, 0x28]))).to.equal('record.malformed')
    expect(codeOf(record({ s: 'string' }), bytes(long(64n), long64))).to.equal('record.malformed')
    const map = record({ m: { type: 'map', values: 'null' } })
    expect(codeOf(map, bytes(long(1n), long(1n), [0xff], [0]))).to.equal('record.malformed')
  })

  it('fails where a block does not end where it says', () => {
    const schema = record({ a: { type: 'array', items: 'int' } })
    expect(codeOf(schema, bytes(long(-2n), long(2n), [2, 4, 0]))).to.equal(undefined)
    expect(codeOf(schema, bytes(long(-2n), long(3n), [2, 4, 0, 0]))).to.equal('record.malformed')
  })

  it('nested 10⁵ levels deep by a recursive schema fails', () => {
    const list = { type: 'record', name: 'List', fields: [{ name: 'next', type: ['null', 'List'] }] }
    expect(codeOf(list, bytes(new Array<number>(20).fill(2), [0]))).to.equal(undefined)
    expect(codeOf(list, Buffer.concat([Buffer.alloc(100_000, 2), Buffer.from([0])]))).to.equal(
      'record.malformed',
    )
  })

  it('fails for every truncation, and for a byte behind its end', () => {
    const whole = richPayload()
    for (let length = 0; length < whole.length; length++) {
      expect(codeOf(RICH, whole.subarray(0, length)), `${length} bytes`).to.equal('record.malformed')
    }
    expect(codeOf(RICH, bytes(whole, [0]))).to.equal('record.malformed')
  })

  it('hurts only its own row', () => {
    const good = richPayload()
    const failures = new Failures()
    const side = avroSide(RICH, [good, bytes(good, [9]), null, good, good.subarray(3)])
    const column = side.column('n', 'float64', failures, failures.fail)
    expect(failures.codes()).to.deep.equal({ 1: 'record.malformed', 4: 'record.malformed' })
    expect([...column.values]).to.deep.equal([-70_000, NaN, NaN, -70_000, NaN])
    expect([...column.present]).to.deep.equal([1, 0, 0, 1, 0])
  })

  const mutations = runs(10_000, 100_000)
  it(`of ${mutations} random mutations neither crashes nor hangs nor gets past the walk and fails to decode`, () => {
    const whole = richPayload()
    let seed = 12_345
    const random = (n: number) => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0) % n
    const payloads = Array.from({ length: mutations }, () => {
      const mutant = Buffer.from(whole)
      for (let i = random(3); i >= 0; i--) mutant[random(mutant.length)] = random(256)
      return random(4) === 0 ? mutant.subarray(0, random(mutant.length)) : mutant
    })
    const side = avroSide(RICH, payloads)
    const failures = new Failures()
    side.column('n', 'float64', failures, failures.fail)
    expect(failures.errors.size).to.be.within(mutations / 10, 0.99 * mutations)
    const values = new Failures()
    for (let row = 0; row < side.length; row++) side.value(row, values.fail)
    const codes = (row: number) => values.errors.get(row)?.code ?? 'decoded'
    for (let row = 0; row < side.length; row++) {
      const walked = failures.errors.get(row)?.code ?? 'decoded'
      if (walked !== codes(row)) expect.fail(`row ${row}: ${walked} by the walk, ${codes(row)} decoded`)
    }
  })
})
