import { expect } from 'chai'
import { describe, it } from 'mocha'
import { expressionOf, LOGICAL, struct, type Value } from '../../../src/index.ts'
import { evaluate, evaluateOn, failure, problem, required, structOf } from './support.ts'

const MAX = 9223372036854775807n
const UTC = Date.UTC(2026, 0, 31, 12, 30, 15, 250)

describe('an expression', () => {
  it('reads the parts of a record', () => {
    const record = {
      topic: 'flights',
      timestamp: BigInt(UTC),
      key: 'k',
      value: struct({ a: struct({ b: 'deep' }), 'a b': 1n }),
      headers: [
        { key: 'h', value: Buffer.from('first') },
        { key: 'h', value: Buffer.from('é') },
        { key: 'n', value: null },
      ],
    }
    expect(evaluate('topic + ":" + key + ":" + headers.h', record)).to.equal('flights:k:é')
    expect(evaluate('[partition, offset] == [3, 17]', record)).to.equal(true)
    expect(evaluate('timestamp', record)).to.deep.equal(new Date(UTC))
    expect(evaluate('value.a.b', record)).to.equal('deep')
    expect(evaluate('value["a b"]', record)).to.equal(1n)
    expect(evaluate('value["a"]["b"] + value[topic == "x" ? "a" : "a"].b', record)).to.equal('deepdeep')
    expect(
      evaluate('[has(headers.n), "n" in headers, headers["n"] == null] == [false, true, true]', record),
    ).to.equal(true)
    expect(evaluate('timestamp == null', { timestamp: -1n })).to.equal(true)
    expect(evaluate('value.startsWith("pl")', { value: 'plain' })).to.equal(true)
    expect(evaluate('value == null && !has(value.a)', { value: null })).to.equal(true)
  })

  it('computes with ints of 64 bits to the last digit, and says where they end', () => {
    const n = 9007199254740993n
    expect(evaluateOn('value.n + 0', { n })).to.equal(n)
    expect(evaluateOn('value.n == 9007199254740992', { n })).to.equal(false)
    expect(evaluateOn('value.n > 9007199254740992.0', { n })).to.equal(true)
    expect(evaluateOn('-value.n', { n: -MAX })).to.equal(MAX)
    expect(evaluateOn('-9223372036854775808', {})).to.equal(-MAX - 1n)
    expect(evaluateOn('[7 / 2, -7 / 2, 7 % 3, -7 % 3] == [3, -3, 1, -1]', {})).to.equal(true)
    for (const text of [
      'value.n + 1',
      'value.n * 2',
      '-value.n - 2',
      '-(-value.n - 1)',
      '(-value.n - 1) / -1',
    ])
      expect(failure(text, { n: MAX }), text).to.include('beyond an int of 64 bits')
    expect(failure('1 / (value.n - value.n)', { n })).to.include(
      'Division by zero (character 1, at: 1 / (value.n',
    )
    expect(failure('1 % (value.n - value.n)', { n })).to.include('Division by zero')
  })

  it('tells ints from doubles by the schema', () => {
    const valueSchema = structOf({ i: required('INT32'), d: required('FLOAT64'), f: required('FLOAT32') })
    const record = { valueSchema, value: struct({ i: 7, d: 7, f: 0.5 }) }
    expect(evaluate('value.i / 2', record)).to.equal(3n)
    expect(evaluate('value.d / 2.0', record)).to.equal(3.5)
    expect(evaluate('value.i == value.d && value.f < value.i', record)).to.equal(true)
    expect(() => evaluate('value.i * value.d', record)).to.throw(
      'There is no int * double. Make both one kind',
    )
    const list = structOf({ l: required('ARRAY', { valueSchema: required('INT16') }) })
    expect(evaluate('value.l[1] / 2', { valueSchema: list, value: struct({ l: [5, 7] }) })).to.equal(3n)
    const map = structOf({
      m: required('MAP', { keySchema: required('INT32'), valueSchema: required('INT8') }),
    })
    const of = { valueSchema: map, value: struct({ m: new Map([[1, 5]]) }) }
    expect(evaluate('1 in value.m && !(2 in value.m) && value.m[1] / 2 == 2', of)).to.equal(true)
  })

  it('follows IEEE 754 with doubles', () => {
    expect(evaluateOn('1.0 / value.z', { z: 0 })).to.equal(Infinity)
    expect(evaluateOn('value.n == value.n || value.n < 1.0 || value.n > 1.0', { n: NaN })).to.equal(false)
    expect(evaluateOn('value.n != value.n', { n: NaN })).to.equal(true)
    expect(evaluateOn('0.1 + 0.2', {})).to.equal(0.1 + 0.2)
    expect(
      evaluateOn(
        '[math.round(2.5), math.round(-2.5), math.floor(-0.5), math.trunc(-1.7)]== [3, -3, -1, -1]',
        {},
      ),
    ).to.equal(true)
    expect(evaluateOn('math.greatest(2, 3) + math.least(2, 3) + math.abs(-1)', {})).to.equal(6n)
  })

  it('compares and computes with decimals exactly', () => {
    const price = { unscaled: 1250n, scale: 2 }
    expect(evaluateOn('value.p * 3 + decimal("0.005")', { p: price })).to.deep.equal({
      unscaled: 37505n,
      scale: 3,
    })
    expect(
      evaluateOn('value.p == 12.5 && value.p > 12 && value.p < 12.500000000000002', { p: price }),
    ).to.equal(true)
    expect(evaluateOn('value.p == 0.1', { p: { unscaled: 1n, scale: 1 } })).to.equal(false)
    expect(evaluateOn('double(value.p) / 2.0', { p: price })).to.equal(6.25)
    expect(evaluateOn('string(-value.p) + string(int(value.p))', { p: price })).to.equal('-12.5012')
    expect(evaluateOn('value.p < value.inf && value.p > -value.inf', { p: price, inf: Infinity })).to.equal(
      true,
    )
    const least = { unscaled: 5n, scale: 324 }
    expect(evaluateOn('value.p > 5e-324 && value.p < 1e-323', { p: least })).to.equal(true)
    expect(failure('value.p / 2', { p: price })).to.include('There is no decimal / int')
    const huge = { unscaled: 1n, scale: 2_000_000_000 }
    expect(failure('value.p > 1', { p: huge })).to.include('more than 1200 digits')
    expect(failure('value.p * value.p', { p: { unscaled: 10n ** 700n, scale: 0 } })).to.include(
      'more than 1200 digits',
    )
  })

  it('reads dates, times and timestamps as timestamps, in UTC', () => {
    const t = new Date(UTC)
    expect(evaluateOn('value.t > timestamp("2026-01-31T13:30:15.249+01:00")', { t })).to.equal(true)
    expect(
      evaluateOn('value.t - duration("1h15s250ms") == timestamp("2026-01-31T11:30:00Z")', { t }),
    ).to.equal(true)
    expect(evaluateOn('(value.t - timestamp("2026-01-31T00:00:00Z")).getHours()', { t })).to.equal(12n)
    expect(
      evaluateOn(
        '[value.t.getFullYear(), value.t.getMonth(), value.t.getDate(), value.t.getDayOfMonth(), value.t.getDayOfWeek(), value.t.getDayOfYear(), value.t.getHours(), value.t.getMinutes(), value.t.getSeconds(), value.t.getMilliseconds()] == [2026, 0, 31, 30, 6, 30, 12, 30, 15, 250]',
        { t },
      ),
    ).to.equal(true)
    expect(evaluateOn('int(value.t)', { t })).to.equal(BigInt(Math.floor(UTC / 1000)))
    expect(evaluateOn('string(timestamp(0))', {})).to.equal('1970-01-01T00:00:00.000Z')
    const valueSchema = structOf({ d: required('INT32', { name: LOGICAL.date }) })
    expect(evaluate('value.d.getMonth()', { valueSchema, value: struct({ d: t }) })).to.equal(0n)
    for (const text of ['2026-02-30T00:00:00Z', '2026-01-31', 'Jan 1 2026 00:00:00 (x)', ''])
      expect(failure('timestamp(value.t)', { t: text }), text).to.include('is no time like')
    for (const text of ['1x', '', '-', '1s1h', '1'.repeat(100_000)])
      expect(failure('duration(value.t)', { t: text }), text.slice(0, 9)).to.include('is no duration')
    expect(failure('timestamp(value.n)', { n: MAX })).to.include('beyond what a timestamp can be')
  })

  it('counts texts in characters, not in halves of them', () => {
    expect(evaluateOn('size(value.s)', { s: 'a😀b' })).to.equal(3n)
    expect(evaluateOn('value.s.substring(1, 2)', { s: 'a😀b' })).to.equal('😀')
    expect(evaluateOn('value.s.substring(1)', { s: 'a😀b' })).to.equal('😀b')
    expect(failure('value.s.substring(2, 1)', { s: 'abc' })).to.include('substring(2, 1) of a text of 3')
    expect(evaluateOn('"\uFFFF" < value.s', { s: '😀' })).to.equal(true)
    expect(evaluateOn('value.s.lowerAscii() + value.s.upperAscii()', { s: 'aÉB' })).to.equal('aÉbAÉB')
    expect(evaluateOn('value.s.trim().contains("b") && value.s.endsWith(" ")', { s: ' b ' })).to.equal(true)
    expect(evaluateOn('value.s.matches("a+$") && !value.s.matches("^a+$")', { s: 'baaa' })).to.equal(true)
  })

  it('converts what can be converted without loss, and fails otherwise', () => {
    expect(evaluateOn('[int("42"), int(2.9), int(-2.9), int("+7")] == [42, 2, -2, 7]', {})).to.equal(true)
    expect(evaluateOn('double("1e3") == 1000.0 && double("-.5") == -0.5 && bool("true")', {})).to.equal(true)
    expect(
      evaluateOn('string(value.b) == "é" && bytes("é") == value.b && size(value.b) == 2', {
        b: Buffer.from('é'),
      }),
    ).to.equal(true)
    for (const [text, fields] of [
      ['int(value.x)', { x: '9223372036854775808' }],
      ['int(value.x)', { x: '0x10' }],
      ['int(value.x)', { x: 1e300 }],
      ['int(value.x)', { x: NaN }],
      ['double(value.x)', { x: ' 1' }],
      ['decimal(value.x)', { x: '1e5' }],
      ['bool(value.x)', { x: 'yes' }],
      ['string(value.x)', { x: Buffer.from([0xff]) }],
    ] as readonly [string, Record<string, Value>][])
      expect(failure(text, fields), text).to.include('failed: ').and.include('character 1')
  })

  it('tells what is not there from what is null', () => {
    const fields = { n: null, s: struct({ n: null, x: 1n }) }
    expect(
      evaluateOn(
        '[has(value.n), has(value.m), has(value.s.x), has(value.s.y.z), has(value.n.x)] == [false, false, true, false, false]',
        fields,
      ),
    ).to.equal(true)
    expect(evaluateOn('value.n == null && value.s != null && value.n != 5', fields)).to.equal(true)
    expect(failure('value.m', fields)).to.equal(
      'The expression value.m failed: There is no field m. Ask before: has(value.m) && … (character 1, at: value.m).',
    )
    expect(failure('value.s.y', fields)).to.include('There is no field y')
    expect(failure('value.n.x', fields)).to.include('There is no field x in null')
    expect(failure('value.n > 5', fields)).to.include('There is no comparing null with an int')
    expect(failure('value.n + 5', fields)).to.include('There is no null + int')
  })

  it('fails where things are compared that have nothing to do with each other', () => {
    expect(failure('value.b == "true"', { b: true })).to.include(
      'There is no comparing a bool with a string. Convert one of them: string(…)',
    )
    expect(failure('value.s in [1, 2]', { s: '1' })).to.include('There is no comparing a string with an int')
    expect(failure('value.s < 1', { s: '1' })).to.include('There is no comparing a string with an int')
    expect(failure('[1] < value.l', { l: [2n] })).to.include('There is no comparing a list')
    expect(evaluateOn('[1, 2.0] == value.l && [[1]] != [[2]]', { l: [1n, 2] })).to.equal(true)
    expect(
      evaluateOn('value.a == value.b && value.a != value.c', {
        a: struct({ x: 1n }),
        b: new Map([['x', 1n]]),
        c: struct({ y: 1n }),
      }),
    ).to.equal(true)
    expect(evaluateOn('value.b < bytes("b") && false < true', { b: Buffer.from('a') })).to.equal(true)
  })

  it('lets one side of && and || decide where the other fails', () => {
    expect(evaluateOn('value.m > 1 || true', {})).to.equal(true)
    expect(evaluateOn('value.m > 1 && false', {})).to.equal(false)
    expect(evaluateOn('false && value.m > 1', {})).to.equal(false)
    expect(evaluateOn('true || value.m > 1', {})).to.equal(true)
    expect(failure('value.m > 1 || false', {})).to.include('There is no field m')
    expect(failure('value.m > 1 && true', {})).to.include('There is no field m')
    expect(failure('value.s && true', { s: 'x' })).to.include(
      'must be true or false, and is a string (character 1',
    )
    expect(failure('true && value.s', { s: 'x' })).to.include(
      'must be true or false, and is a string (character 9',
    )
    expect(evaluateOn('value.b ? 1 : 2', { b: false })).to.equal(2n)
    expect(failure('value.s ? 1 : 2', { s: null })).to.include('must be true or false, and is null')
  })

  it('loops over lists and the keys of maps', () => {
    const items = [struct({ p: 5n }), struct({ p: 15n }), struct({ q: 0n })]
    expect(evaluateOn('value.items.exists(i, i.p > 10)', { items })).to.equal(true)
    expect(evaluateOn('value.items.all(i, i.p > 5)', { items })).to.equal(false)
    expect(failure('value.items.exists(i, i.p > 20)', { items })).to.include('There is no field p')
    expect(failure('value.items.all(i, i.p > 0)', { items })).to.include('There is no field p')
    expect(evaluateOn('value.items.exists_one(i, has(i.p) && i.p > 10)', { items })).to.equal(true)
    expect(evaluateOn('value.items.exists_one(i, has(i.p))', { items })).to.equal(false)
    expect(evaluateOn('[].all(i, i > 1) && ![].exists(i, i > 1)', {})).to.equal(true)
    expect(evaluateOn('value.m.exists(k, k == "b")', { m: new Map([['b', 1]]) })).to.equal(true)
    expect(evaluateOn('value.all(name, name.startsWith("m"))', { m: 1n, mm: 2n })).to.equal(true)
    expect(failure('value.m.exists(k, true)', { m: 5n })).to.include(
      'exists loops over a list or a map, not an int',
    )
    expect(
      evaluateOn('size(value.m) + value.l.size() == 3 && value.l[1] == 2', {
        m: struct({ a: 1n }),
        l: [1n, 2n],
      }),
    ).to.equal(true)
    for (const place of ['-1', '2', '9223372036854775807'])
      expect(failure(`value.l[${place}]`, { l: [1n, 2n] })).to.include(
        `There is no item ${place} in a list of 2`,
      )
    expect(failure('value.l["a"]', { l: [1n] })).to.include('There is no field a in a list')
    expect(failure('value.l[1.0]', { l: [1n] })).to.include('is an int, not a double')
  })

  it('sees only the fields that a record has, whatever they are called', () => {
    const fields = { constructor: 'c', __proto__x: 1n, hasOwnProperty: 'h' }
    const own = struct(fields)
    own['__proto__'] = 'p'
    expect(
      evaluate('value.constructor + value["__proto__"] + value.hasOwnProperty', { value: own }),
    ).to.equal('cph')
    for (const name of ['constructor', '__proto__', 'toString', 'length', 'size', 'then']) {
      expect(failure(`value.${name}`, {}), name).to.include(`There is no field ${name}`)
      expect(failure(`value.t.${name}`, { t: 'text' }), name).to.include(
        `There is no field ${name} in a string`,
      )
      expect(failure(`value.l.${name}`, { l: [] }), name).to.include(`There is no field ${name} in a list`)
    }
    expect(failure('headers.constructor')).to.include('There is no field constructor')
  })

  it('knows from a schema what would fail every record', () => {
    const schema = structOf({
      n: required('INT32'),
      s: required('STRING'),
      inner: structOf({ d: required('FLOAT64') }),
      m: required('MAP', { keySchema: required('STRING'), valueSchema: required('BOOLEAN') }),
      l: required('ARRAY', { valueSchema: required('STRING') }),
    })
    const check = (text: string) => expressionOf(text).check(schema)
    expect(check('value.n > 1 && value.inner.d > 1.0 && value.m.x')).to.deep.equal({ kind: 'bool' })
    expect(check('value.l.exists(i, i.startsWith("x"))')).to.deep.equal({ kind: 'bool' })
    expect(check('value.n + 1')).to.deep.equal({ kind: 'int' })
    expect(check('has(value.unknown)')).to.deep.equal({ kind: 'bool' })
    expect(expressionOf('value.unknown').check(null)).to.deep.equal({ kind: 'dyn' })
    const wrong: Readonly<Record<string, string>> = {
      'value.unknown == 1': 'There is no field unknown in the schema (character 1, at: value.unknown)',
      '1 == value.inner.x': 'There is no field x in the schema (character 6, at: value.inner.x)',
      'value.n == value.s': 'There is no comparing an int with a string',
      'value.n + value.s': 'There is no int + string',
      'value.n + value.inner.d': 'There is no int + double',
      'value.s.x': 'There is no field x in a string',
      'value.l.exists(i, i > 1)': 'There is no comparing a string with an int',
      'value.m.a > 1': 'There is no comparing a bool with an int',
      'value.n && true': 'must be true or false, and is an int',
      'value.n.startsWith("a")': 'There is no int.startsWith(string). There is string.startsWith(string)',
      'value.n.matches("a")': 'There is no int.matches',
      'value.n.exists(i, true)': 'exists loops over a list or a map, not an int',
      'true ? value.n : value.s': 'Both results must be of one kind, and are int and string',
      'value.s[0]': 'There are no items in a string',
      '-value.s': 'There is no -string',
    }
    for (const [text, message] of Object.entries(wrong)) {
      const found = check(text)
      expect('problem' in found ? found.problem : '', text).to.include(message)
      expect(problem(text), text).to.equal('no problem')
    }
  })
})
