import { expect } from 'chai'
import { describe, it } from 'mocha'
import { expressionOf, struct, toJson, type Value } from '../../../src/index.ts'
import { batchOf } from '../../support/example-batch.ts'
import { evaluateOn, failure, problem } from './support.ts'

const TOO_DEEP = 'It has more than 2000 parts, or they nest more than 250 deep'

/** A list in a list in a list. */
function nested(depth: number): Value {
  let value: Value = 1n
  for (let i = 0; i < depth; i++) value = [value]
  return value
}

describe('an expression that is refused', () => {
  it('says what is wrong and where, counted from 1', () => {
    const wrong: Readonly<Record<string, string>> = {
      '': 'Unexpected token: EOF (character 1)',
      'value.a >': 'Unexpected token: EOF (character 10)',
      'value.a == "x': 'Unterminated string (character 12, at: "x)',
      'value.a = 1': 'Unexpected character: = (character 9, at: =)',
      'value.a == 1 1': "Unexpected character: '1' (character 14, at: 1)",
      '1 + "a"': 'There is no int + string. Convert one of them: string(…)',
      'Distance > 5':
        'There is no Distance: a record has key, value, headers, topic, partition, offset, timestamp. A field is value.Distance (character 1, at: Distance)',
      'value.a.startWith("x")': 'There is no function startWith. The nearest names: .startsWith',
      'value.a.startsWith("x", "y")': 'There is string.startsWith(string) (character 1',
      'size(1)': 'There is no size(int). There is size(string), size(bytes), size(list), size(map)',
      '{"a": 1}': 'A map cannot be written out',
      '1u': 'There are no unsigned numbers',
      '9223372036854775808': 'An int is at most 9223372036854775807',
      'has(value)': 'has takes a field',
      'has(1)': 'has',
      'value.l.exists(1, true)': 'invalid predicate iteration variable (character 16, at: 1)',
      'value.l.exists(value, true)': "value is the record's already",
      'value.l.exists(i, "x")': 'must be true or false, and is a string (character 19',
    }
    for (const [text, message] of Object.entries(wrong)) expect(problem(text), text).to.include(message)
  })

  it('is too long, too deep or has too many parts', () => {
    expect(problem('('.repeat(1_000_000))).to.equal(
      'An expression has at most 4096 characters, this one 1000000',
    )
    const texts = [
      '('.repeat(4000),
      '['.repeat(4000),
      '!'.repeat(4000) + 'true',
      '-'.repeat(4000) + '1',
      `1${'+1'.repeat(2000)}`,
      `true${'?true:true'.repeat(400)}`,
      `value${'.b'.repeat(2000)}`,
      `value${'[0]'.repeat(1300)}`,
      'size('.repeat(800),
      `true${' || true'.repeat(500)}`,
    ]
    for (const text of texts) expect(problem(text), text.slice(0, 12)).to.include(TOO_DEEP)
    expect(problem(`true${' || true'.repeat(249)}`)).to.equal('no problem')
    expect(problem(`true${' || true'.repeat(250)}`)).to.include(TOO_DEEP)
    expect(problem(`value.a in [${'1,'.repeat(900)}1]`)).to.equal('no problem')
  })

  it('reaches for what is behind the language', () => {
    const reaching: Readonly<Record<string, string>> = {
      'constructor.constructor("return process")()': 'Unexpected character',
      'constructor.constructor("return process")': 'There is no function constructor',
      'value.constructor("x")': 'There is no function constructor',
      'this.process': 'There is no this',
      'process.exit()': 'There is no function exit',
      __proto__: 'Reserved identifier: __proto__',
      'toString()': 'There is no function toString',
      'value.a.__proto__()': 'There is no function __proto__',
      'hasOwnProperty("a")': 'There is no function hasOwnProperty',
      'import("fs")': 'Reserved identifier: import',
    }
    for (const [text, message] of Object.entries(reaching)) expect(problem(text), text).to.include(message)
    for (const name of ['constructor', '__proto__', 'prototype', 'toString'])
      expect(failure(`value["${name}"]`), name).to.include(`There is no field ${name}`)
    expect(failure('value["a"]["__proto__"]["polluted"]', { a: struct() })).to.include(
      'There is no field __proto__',
    )
  })

  it('could grow beyond the record: loops within loops, lists and texts that are built', () => {
    const growing: Readonly<Record<string, string>> = {
      'value.l.exists(i, value.l.exists(j, j == i))': 'A loop reads its own variable, i',
      'value.l.exists(i, i.exists(j, j > 1))': 'A loop within a loop is not supported',
      'value.l.exists(i, value.s.contains(i))': 'A loop reads its own variable, i',
      'value.l.exists(i, has(key.a))': 'A loop reads its own variable, i',
      'value.l.exists(i, topic == i)': 'A loop reads its own variable, i',
      'value.l.exists(i, i in headers)': 'A loop reads its own variable, i',
      'value.l.map(i, [i, i])': 'map is left out of this CEL',
      'value.l.filter(i, i > 1)': 'filter is left out',
      'cel.bind(x, "aa", x + x)': 'bind is left out',
      'value.s.split("").join(value.s)': 'join is left out',
      'value.s.replace("a", value.s)': 'replace is left out',
    }
    for (const [text, message] of Object.entries(growing)) expect(problem(text), text).to.include(message)
    expect(problem('value.l.exists(i, i > partition || i > offset)')).to.equal('no problem')
  })

  it('has a pattern that no linear engine matches, or one that a record would bring', () => {
    expect(problem('value.s.matches("(a)\\\\1")')).to.include('Pattern')
    expect(problem('value.s.matches("(?=a)")')).to.include('Pattern')
    expect(problem('value.s.matches("[")')).to.include('(character 17, at: "[")')
    expect(problem('value.s.matches(value.p)')).to.include('matches takes a pattern that is written out')
    expect(problem('value.s.matches(".{0,249}.{0,249}.{0,249}.{0,249}.{0,249}z")')).to.include(
      'more than 1000 steps',
    )
  })
})

describe('a record that is hostile', () => {
  it('fails alone where its texts together become too long', () => {
    const s = 'x'.repeat(2 ** 20)
    const text = Array<string>(17).fill('value.s').join(' + ')
    expect(failure(text, { s })).to.include('longer than 16777216 characters')
    expect(evaluateOn(`size(${text.slice(' + value.s'.length)})`, { s })).to.equal(BigInt(2 ** 24))
  })

  it('may nest a thousand deep', () => {
    const [a, b] = [nested(1000), nested(1000)]
    expect(evaluateOn('value.a == value.b', { a, b })).to.equal(true)
    expect(evaluateOn('value.a in [value.b]', { a, b })).to.equal(true)
  })

  it('leaves nothing behind, whatever shapes its values have', () => {
    const run = (i: number) => {
      let value: Value = 1n
      for (let bit = 0; bit < 16; bit++)
        value = (i >> bit) % 2 === 0 ? [value] : new Map<Value, Value>([['k', value]])
      const record = { value: struct({ a: value, b: value }) }
      return expressionOf('value.a == value.b').over(batchOf([record]))(0)
    }
    for (let i = 0; i < 500; i++) run(i)
    global.gc?.()
    const before = process.memoryUsage().heapUsed
    for (let i = 500; i < 5000; i++) expect(run(i)).to.equal(true)
    global.gc?.()
    // what a cache of the types of 4,500 shapes would hold is several times as much
    if (global.gc !== undefined) expect(process.memoryUsage().heapUsed - before).to.be.lessThan(2 ** 22)
  })
})

const FACTOR = 16
/** Of linear work the ratio is 1, of quadratic work 16. */
const LINEAR = 8
const TRIES = 5
/** What is shorter than this is taken for this: its ratio would be chance. */
const SHORT_MICROSECONDS = 1000

/** How much longer each character takes where there are sixteen times as many; by the least CPU time of some tries. */
function ratio(text: string, size: number, make: (size: number) => Readonly<Record<string, Value>>): number {
  const prepared = [size, size * FACTOR].map((each) =>
    expressionOf(text).over(batchOf([{ value: struct(make(each)) }])),
  )
  const least = prepared.map((run) => {
    let shortest = Infinity
    for (let i = 0; i < TRIES; i++) {
      const start = process.cpuUsage()
      try {
        run(0)
      } catch (error) {
        if (!(error instanceof Error)) throw error
      }
      shortest = Math.min(shortest, process.cpuUsage(start).user)
    }
    return Math.max(shortest, SHORT_MICROSECONDS)
  })
  return least[1]! / FACTOR / least[0]!
}

describe('the time of an expression grows with the record, not with its square', () => {
  const a = (length: number) => 'a'.repeat(length)
  const cases: readonly [string, number, (size: number) => Readonly<Record<string, Value>>][] = [
    ['value.s.contains(value.p)', 40_000, (n) => ({ s: a(2 * n), p: `b${a(n)}` })],
    ['value.s.contains(value.p)', 40_000, (n) => ({ s: a(2 * n), p: `${a(n)}b` })],
    ['value.s.contains(value.p)', 40_000, (n) => ({ s: `${a(n)}b`.repeat(2), p: `${a(n >> 1)}b${a(n)}c` })],
    ['value.s.matches("(a+)+(a+)+$")', 40_000, (n) => ({ s: `${a(n)}b` })],
    ['value.s.matches("(a|aa|aaa)*b$")', 20_000, (n) => ({ s: a(n) })],
    ['int(value.s) + int(value.s)', 100_000, (n) => ({ s: '1'.repeat(n) })],
    ['double(value.s) > 1.0', 100_000, (n) => ({ s: `${'1'.repeat(n)}x` })],
    ['decimal(value.s) > 1', 100_000, (n) => ({ s: '1'.repeat(n) })],
    ['timestamp(value.s) > timestamp', 100_000, (n) => ({ s: '1'.repeat(n) })],
    ['duration(value.s) > duration("1s")', 100_000, (n) => ({ s: '1'.repeat(n) })],
    ['value.s.trim() == value.s.lowerAscii()', 50_000, (n) => ({ s: ` ${' '.repeat(n)}A${' '.repeat(n)}x` })],
    ['size(value.s) > 0 && value.s.substring(1) != ""', 100_000, (n) => ({ s: '😀'.repeat(n) })],
    [
      'value.d > 1.5 && value.d * value.d > 1',
      100_000,
      (n) => ({ d: { unscaled: 10n ** BigInt(n >> 3), scale: 3 } }),
    ],
    [
      'value.l.all(i, i.startsWith("a") && i.matches("^a+$"))',
      2000,
      (n) => ({ l: Array<string>(n).fill(a(20)) }),
    ],
    ['"b" in value.l', 50_000, (n) => ({ l: Array<string>(n).fill('a') })],
    ['value.l == value.m', 50_000, (n) => ({ l: Array<bigint>(n).fill(1n), m: Array<bigint>(n).fill(1n) })],
  ]
  for (const [text, size, make] of cases)
    it(`${text} of ${toJson(struct(make(6))).slice(0, 60)}`, () => {
      expect(ratio(text, size, make)).to.be.lessThan(LINEAR)
    })
})
