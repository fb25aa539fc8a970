import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { valuesOf } from './support.ts'

const decimal = { type: 'bytes', logicalType: 'decimal', precision: 6, scale: 2 }
const date = { type: 'int', logicalType: 'date' }
const time = { type: 'int', logicalType: 'time-millis' }
const timestamp = { type: 'long', logicalType: 'timestamp-millis' }

describe('Datagen makes numbers', () => {
  it('from min to before max, each of them as often as the others', () => {
    const counts = new Map<unknown, number>()
    for (const value of valuesOf('int', { range: { min: -2, max: 3 } }, 50_000))
      counts.set(value, (counts.get(value) ?? 0) + 1)
    expect([...counts.keys()].toSorted((a, b) => Number(a) - Number(b))).to.deep.equal([-2, -1, 0, 1, 2])
    for (const [value, count] of counts) expect(count, String(value)).to.be.within(9500, 10_500)
  })

  it('of the range that any two numbers span, in steps', () => {
    const bound = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    fc.assert(
      fc.property(bound, bound, fc.bigInt({ min: 1n, max: 2n ** 40n }), (a, b, step) => {
        fc.pre(a !== b)
        const [min, max] = a < b ? [a, b] : [b, a]
        for (const value of valuesOf('long', { range: { min, max, step } }, 20) as bigint[]) {
          expect(value >= min && value < max, `${value} in ${min}…${max}`).to.equal(true)
          expect((value - min) % step).to.equal(0n)
        }
      }),
    )
  })

  it('of the whole range of their type where nothing is said, beyond 2^53 too', () => {
    const ints = valuesOf('int', {}, 5000) as number[]
    expect(Math.min(...ints)).to.be.below(-2_100_000_000)
    expect(Math.max(...ints)).to.be.above(2_100_000_000)
    const longs = valuesOf('long', {}, 5000) as bigint[]
    expect(longs.some((n) => n > 9n * 10n ** 18n)).to.equal(true)
    expect(longs.some((n) => n < -9n * 10n ** 18n)).to.equal(true)
    expect(new Set(longs.map((n) => n & 0xffn)).size, 'down to the last bits').to.equal(256)
    const small = valuesOf({ type: 'int', 'connect.type': 'int8' }, {}, 5000) as number[]
    expect([Math.min(...small), Math.max(...small)]).to.deep.equal([-128, 127])
  })

  it('with one end where one is given, the other being that of the type', () => {
    expect(Math.min(...(valuesOf('int', { range: { min: 0 } }, 1000) as number[]))).to.be.at.least(0)
    const longs = valuesOf('long', { range: { max: 0 } }, 1000) as bigint[]
    expect(longs.every((n) => n < 0n)).to.equal(true)
    expect(valuesOf('int', { range: { min: 2 ** 31 - 1 } }, 3)).to.deep.equal([
      2147483647, 2147483647, 2147483647,
    ])
  })

  it('with a fraction, from min to before max', () => {
    const bound = fc.double({ noNaN: true, noDefaultInfinity: true })
    fc.assert(
      fc.property(fc.constantFrom('double', 'float'), bound, bound, (type, a, b) => {
        const round = type === 'float' ? Math.fround : Number
        fc.pre(round(a) !== round(b) && Number.isFinite(round(a)) && Number.isFinite(round(b)))
        const [min, max] = a < b ? [a, b] : [b, a]
        for (const value of valuesOf(type, { range: { min, max } }, 20) as number[]) {
          expect(value).to.be.at.least(round(min)).and.below(round(max))
          expect(round(value)).to.equal(value)
        }
      }),
    )
    for (const type of ['double', 'float']) {
      const values = valuesOf(type, {}, 5000) as number[]
      expect(Math.min(...values)).to.be.within(0, 0.01)
      expect(Math.max(...values))
        .to.be.within(0.99, 1)
        .and.below(1)
      expect(values.reduce((sum, value) => sum + value, 0) / 5000).to.be.within(0.48, 0.52)
    }
  })

  it('in steps that add no digits', () => {
    const values = valuesOf('double', { range: { min: 0.1, max: 0.8, step: 0.1 } }, 2000)
    const found = [...new Set(values)].toSorted((a, b) => Number(a) - Number(b))
    expect(found).to.deep.equal([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])
    const large = new Set(valuesOf('double', { range: { min: 1e6, max: 1e6 + 1, step: 0.25 } }, 500))
    expect(large).to.deep.equal(new Set([1e6, 1e6 + 0.25, 1e6 + 0.5, 1e6 + 0.75]))
  })

  it('as decimals of the scale of their type', () => {
    const values = valuesOf(decimal, { range: { min: 9.95, max: '10.10', step: 0.05 } }, 500)
    const unscaled = new Set(values.map((value) => (value as { unscaled: bigint }).unscaled))
    expect([...unscaled].toSorted()).to.deep.equal([1000n, 1005n, 995n])
    for (const value of valuesOf(decimal, {}, 500) as { unscaled: bigint; scale: number }[]) {
      expect(value.scale).to.equal(2)
      expect(value.unscaled > -1_000_000n && value.unscaled < 1_000_000n).to.equal(true)
    }
    const tiny = { type: 'fixed', name: 'F', size: 1, logicalType: 'decimal', precision: 9, scale: 0 }
    for (const value of valuesOf(tiny, {}, 500) as { unscaled: bigint }[])
      expect(value.unscaled >= -128n && value.unscaled <= 127n, 'one byte holds it').to.equal(true)
  })

  it('as days and times, of which a person may write the ends', () => {
    const days = valuesOf(date, { range: { min: '2026-01-30', max: '2026-02-02' } }, 200) as Date[]
    expect(new Set(days.map((day) => day.toISOString()))).to.deep.equal(
      new Set(['30', '31'].map((d) => `2026-01-${d}T00:00:00.000Z`)).add('2026-02-01T00:00:00.000Z'),
    )
    for (const [type, latest] of [
      [date, Date.UTC(2100, 0, 1)],
      [time, 86_400_000],
      [timestamp, Date.UTC(2100, 0, 1)],
    ] as const)
      for (const value of valuesOf(type, {}, 300) as Date[])
        expect(value.getTime()).to.be.at.least(0).and.below(latest)
  })
})

describe('Datagen counts', () => {
  it('from start by step, and again from start where restart is reached', () => {
    const count = (type: unknown, iteration: unknown, n = 6) => valuesOf(type, { iteration }, n)
    expect(count('int', { start: 1 }, 3)).to.deep.equal([1, 2, 3])
    expect(count('int', { start: 0, restart: 3 })).to.deep.equal([0, 1, 2, 0, 1, 2])
    expect(count('int', { start: 3, restart: 0 })).to.deep.equal([3, 2, 1, 3, 2, 1])
    expect(count('int', { start: 0, restart: 5, step: 3 })).to.deep.equal([0, 3, 1, 4, 2, 0])
    expect(count('int', { start: 0, step: -5 }, 3)).to.deep.equal([0, -5, -10])
    expect(count('int', { start: 5, restart: 8, initial: 7 }, 3)).to.deep.equal([7, 5, 6])
    expect(count('int', { start: 8, restart: 5, initial: 7 }, 3)).to.deep.equal([7, 6, 8])
    expect(count('int', { start: 2 ** 31 - 2 }, 3)).to.deep.equal([2147483646, 2147483647, 2147483646])
    expect(count('long', { start: 2n ** 62n, step: 2n ** 61n }, 3)).to.deep.equal([
      2n ** 62n,
      2n ** 62n + 2n ** 61n,
      2n ** 62n,
    ])
    expect(count('boolean', { start: true }, 3)).to.deep.equal([true, false, true])
    expect(count(date, { start: '2026-02-28' }, 2)).to.deep.equal([
      new Date('2026-02-28'),
      new Date('2026-03-01'),
    ])
    expect(count(decimal, { start: '0.50' }, 2)).to.deep.equal(
      [50n, 150n].map((unscaled) => ({ unscaled, scale: 2 })),
    )
  })

  it('in decimals without the errors of doubles', () => {
    expect(valuesOf('double', { iteration: { start: 0, step: 0.1, restart: 0.35 } }, 6)).to.deep.equal([
      0, 0.1, 0.2, 0.3, 0.05, 0.15,
    ])
    expect(valuesOf('double', { iteration: { start: -0.5, step: -0.25 } }, 3)).to.deep.equal([
      -0.5, -0.75, -1,
    ])
    expect(valuesOf('float', { iteration: { start: 0.1 } }, 2)).to.deep.equal([0.1, 1.1].map(Math.fround))
  })

  it('the same from a later record on, also where a double no longer holds the count', () => {
    const cycle = fc.record({
      start: fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
      length: fc.bigInt({ min: 1n, max: 2n ** 62n - 1n }),
      step: fc.bigInt({ min: 1n, max: 2n ** 50n }),
      down: fc.boolean(),
      from: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER - 10 }),
    })
    fc.assert(
      fc.property(cycle, ({ start, length, step, down, from }) => {
        const sign = down ? -1n : 1n
        const iteration = { start, restart: start + sign * length, step: sign * step }
        const values = valuesOf('long', { iteration }, 3, { from }) as bigint[]
        const expected = [0n, 1n, 2n].map((i) => start + sign * (((BigInt(from) + i) * step) % length))
        expect(values).to.deep.equal(expected)
      }),
    )
  })

  it('by a step that is a number of milliseconds from a time on, or gives the present', () => {
    const at = (of: unknown, stamp: unknown, n = 2, options = {}) =>
      valuesOf(of, { timestamp: stamp }, n, options)
    const start = '2026-01-01T00:00:00Z'
    const first = Date.parse(start)
    expect(at(timestamp, { start, step: 250 })).to.deep.equal([new Date(first), new Date(first + 250)])
    expect(at(timestamp, { start }, 2, { from: 10 })[0], 'a second a record').to.deep.equal(
      new Date(first + 10_000),
    )
    expect(at('long', { start: first, step: -1 })).to.deep.equal([BigInt(first), BigInt(first - 1)])
    expect(at({ type: 'long', logicalType: 'timestamp-micros' }, { start })[0]).to.equal(
      BigInt(first) * 1000n,
    )
    expect(at({ type: 'long', logicalType: 'timestamp-nanos' }, { start })[0]).to.equal(
      BigInt(first) * 1_000_000n,
    )
    expect(at('string', { start })).to.deep.equal(['2026-01-01T00:00:00.000Z', '2026-01-01T00:00:01.000Z'])
    expect(at(date, { start, step: 43_200_000 }, 3)[2]).to.deep.equal(new Date(first + 86_400_000))
    expect(at(date, 'now', 1, { now: first + 5 })).to.deep.equal([new Date(first)])
    expect(at(timestamp, 'now', 1, { now: 12_345 })).to.deep.equal([new Date(12_345)])
    const late = at(timestamp, { start, step: 10 ** 15 }, 50) as Date[]
    expect(
      late.every((each) => !Number.isNaN(each.getTime())),
      'never beyond what a date holds',
    ).to.equal(true)
  })
})
