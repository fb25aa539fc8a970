import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { sameSchema, sameValue } from '../../src/converters/same-schema.ts'
import { LOGICAL, type Schema, struct, type Value } from '../../src/index.ts'
import { samples } from './avro/arbitraries.ts'
import { parseSchema } from '../../src/converters/avro/parse-schema.ts'
import { toConnect } from '../../src/converters/avro/to-connect.ts'
import { payload, PLAIN, read, write } from './json-support.ts'

describe('JsonConverter with schemas', () => {
  it('takes exactly an envelope of schema and payload', async () => {
    for (const text of ['{}', '5', 'null', '[]', '{"schema":null}', '{"schema":null,"payload":1,"more":2}']) {
      expect((await read(text)).code, text).to.equal('record.malformed')
    }
    const none = await read('{"schema":null,"payload":{"a":1}}')
    expect([none.schema, none.value, none.code]).to.deep.equal([null, struct({ a: 1n }), undefined])
  })

  it('reads every type by its word', async () => {
    const cases: [object, string, Value][] = [
      [{ type: 'int8' }, '-128', -128],
      [{ type: 'int16' }, '32767', 32767],
      [{ type: 'int32' }, '5', 5],
      [{ type: 'int64' }, '9223372036854775807', 2n ** 63n - 1n],
      [{ type: 'float' }, '0.1', Math.fround(0.1)],
      [{ type: 'double' }, '1', 1],
      [{ type: 'double' }, '"NaN"', NaN],
      [{ type: 'boolean' }, 'true', true],
      [{ type: 'string' }, '"ü"', 'ü'],
      [{ type: 'bytes' }, '"AAH/"', Buffer.from([0, 1, 255])],
      [{ type: 'array', items: { type: 'int32' } }, '[1,2]', [1, 2]],
      [
        { type: 'map', keys: { type: 'string' }, values: { type: 'int32' } },
        '{"__proto__":1}',
        new Map([['__proto__', 1]]),
      ],
      [
        { type: 'map', keys: { type: 'int32' }, values: { type: 'string' } },
        '[[1,"a"]]',
        new Map([[1, 'a']]),
      ],
      [
        { type: 'bytes', name: LOGICAL.decimal, version: 1, parameters: { scale: '2' } },
        '"/zg="',
        { unscaled: -200n, scale: 2 },
      ],
      [
        { type: 'bytes', name: LOGICAL.decimal, parameters: { scale: '3' } },
        '-1.25',
        { unscaled: -1250n, scale: 3 },
      ],
      [{ type: 'int32', name: LOGICAL.date }, '2', new Date(172_800_000)],
      [{ type: 'int32', name: LOGICAL.time }, '5', new Date(5)],
      [{ type: 'int32', name: LOGICAL.time }, '0', new Date(0)],
      [{ type: 'int32', name: LOGICAL.time }, '86400000', new Date(86_400_000)],
      [{ type: 'int32', name: LOGICAL.date }, '-1', new Date(-86_400_000)],
      [
        { type: 'bytes', name: LOGICAL.decimal, parameters: { scale: '-1' } },
        '120',
        { unscaled: 12n, scale: -1 },
      ],
      [{ type: 'int64', name: LOGICAL.timestamp }, '1700000000000', new Date(1_700_000_000_000)],
    ]
    for (const [schema, json, value] of cases) {
      const found = await payload(schema, json)
      expect(found.code, json).to.equal(undefined)
      expect(sameValue(found.value, value), `${JSON.stringify(schema)} ${json}`).to.equal(true)
    }
  })

  it('fails values that do not fit, where Kafka Connect would make zeros of them', async () => {
    const cases: [object, string][] = [
      [{ type: 'int8' }, '128'],
      [{ type: 'int32' }, '1.5'],
      [{ type: 'int32' }, '1.0'],
      [{ type: 'int32' }, '"5"'],
      [{ type: 'int64' }, '9223372036854775808'],
      [{ type: 'double' }, '1e999'],
      [{ type: 'boolean' }, '1'],
      [{ type: 'string' }, '1'],
      [{ type: 'bytes' }, '"%%"'],
      [{ type: 'array', items: { type: 'int32' } }, '{}'],
      [{ type: 'map', keys: { type: 'int32' }, values: { type: 'string' } }, '[[1]]'],
      [{ type: 'struct', fields: [{ field: 'a', type: 'int32' }] }, '{}'],
      [{ type: 'struct', fields: [] }, '[]'],
      [{ type: 'bytes', name: LOGICAL.decimal, parameters: { scale: '1' } }, '1.25'],
      [{ type: 'int64', name: LOGICAL.timestamp }, '9000000000000000000'],
      [{ type: 'int32', name: LOGICAL.time }, '-1'],
      [{ type: 'int32', name: LOGICAL.time }, '86400001'],
      [{ type: 'int32' }, 'null'],
    ]
    for (const [schema, json] of cases)
      expect((await payload(schema, json)).code, json).to.equal('record.value')
  })

  it('names the field that does not fit', async () => {
    const inner = { field: 'b', type: 'struct', fields: [{ field: 'c', type: 'int32' }] }
    const { failures } = await payload({ type: 'struct', fields: [inner] }, '{"b":{"c":"x"}}')
    expect(failures.errors.get(0)?.message).to.contain('"b.c"')
  })

  it('says what does not fit, in words of JSON', async () => {
    const schema = { type: 'struct', fields: [{ field: 'a', type: 'int32' }] }
    const cases: [string, string][] = [
      ['1.9', 'a number with a fraction'],
      ['1.0', 'a number with a fraction'],
      ['1e3', 'a number with an exponent'],
      ['1.5e0', 'a number with a fraction'],
      ['12345678901234567890', 'a number'],
      ['300000000000', 'a number'],
      ['{}', 'an object'],
      ['[1]', 'an array'],
      ['"5"', 'a string'],
      ['true', 'a boolean'],
      ['null', 'null'],
    ]
    for (const [json, kind] of cases) {
      const { failures } = await payload(schema, `{"a":${json}}`)
      const message = `Field "a" is ${kind}, which does not fit its type INT32.`
      expect(failures.errors.get(0)?.message, json).to.equal(message)
    }
  })

  it('fails schemas that are none', async () => {
    for (const schema of [
      { type: 'int128' },
      { type: 'array' },
      { type: 'struct' },
      { type: 'struct', fields: [{ type: 'int32' }] },
      {
        type: 'struct',
        fields: [
          { field: 'a', type: 'int32' },
          { field: 'a', type: 'int32' },
        ],
      },
      { type: 'int32', optional: 'yes' },
      { type: 'int32', parameters: { a: 1 } },
      { type: 'bytes', name: LOGICAL.decimal },
    ]) {
      expect((await payload(schema, '"AA=="')).code, JSON.stringify(schema)).to.equal('schema.invalid')
    }
  })

  it('replaces a null by the default, unless told otherwise', async () => {
    const schema = { type: 'struct', fields: [{ field: 'a', type: 'int32', optional: true, default: 7 }] }
    expect((await payload(schema, '{"a":null}')).value).to.deep.equal(struct({ a: 7 }))
    expect((await payload(schema, '{}')).value).to.deep.equal(struct({ a: 7 }))
    const off = { 'replace.null.with.default': 'false' }
    expect((await payload(schema, '{"a":null}', off)).value).to.deep.equal(struct({ a: null }))
  })

  it('writes the envelope in the order of Kafka Connect', async () => {
    const schema: Schema = {
      type: 'STRUCT',
      optional: false,
      name: 'my.Row',
      version: 2,
      doc: 'd',
      parameters: { p: 'q' },
      fields: [
        { name: 'n', schema: { type: 'INT64', optional: false } },
        { name: 'x', schema: { type: 'FLOAT64', optional: true, default: 1 } },
        {
          name: 'm',
          schema: {
            type: 'MAP',
            optional: true,
            keySchema: { type: 'INT32', optional: false },
            valueSchema: { type: 'STRING', optional: false },
          },
        },
      ],
    }
    const value = struct({ n: 2n ** 60n, x: null, m: new Map([[1, 'a']]) })
    expect((await write(schema, value)).text).to.equal(
      '{"schema":{"type":"struct","fields":[{"type":"int64","optional":false,"field":"n"},' +
        '{"type":"double","optional":true,"default":1.0,"field":"x"},' +
        '{"type":"map","keys":{"type":"int32","optional":false},"values":{"type":"string","optional":false},"optional":true,"field":"m"}],' +
        '"optional":false,"name":"my.Row","version":2,"doc":"d","parameters":{"p":"q"}},' +
        '"payload":{"n":1152921504606846976,"x":1.0,"m":[[1,"a"]]}}',
    )
    expect((await write(null, null)).text).to.equal(null)
  })

  it('writes decimals in base64 or as numbers, and floats so that they are read as the same', async () => {
    const decimal: Schema = {
      type: 'BYTES',
      optional: false,
      name: LOGICAL.decimal,
      parameters: { scale: '2' },
    }
    const off = { ...PLAIN, 'decimal.format': 'numeric' }
    expect((await write(decimal, { unscaled: -200n, scale: 2 }, PLAIN)).text).to.equal('"/zg="')
    expect((await write(decimal, { unscaled: -5n, scale: 2 }, off)).text).to.equal('-0.05')
    expect((await write({ type: 'FLOAT32', optional: false }, Math.fround(0.1), PLAIN)).text).to.equal('0.1')
    expect((await write({ type: 'FLOAT64', optional: false }, 3, PLAIN)).text).to.equal('3.0')
    expect((await write({ type: 'FLOAT64', optional: false }, NaN, PLAIN)).text).to.equal('"NaN"')
    expect((await write({ type: 'INT8', optional: false }, 300, PLAIN)).code).to.equal('record.value')
  })

  it('reads back what it writes, for any schema and value', async () => {
    await fc.assert(
      fc.asyncProperty(samples, async (sample) => {
        const schema = toConnect(parseSchema(JSON.stringify(sample.schema)))
        for (const { connect } of sample.values) {
          const { text, code } = await write(schema, connect)
          expect(code).to.equal(undefined)
          const back = await read(text!)
          expect(back.code).to.equal(undefined)
          expect(sameSchema(back.schema!, schema)).to.equal(true)
          expect(sameValue(back.value, connect)).to.equal(true)
        }
      }),
      { numRuns: 100 },
    )
  })
})

describe('JsonConverter without schemas', () => {
  it('tells integers from fractions, and keeps long ones exact', async () => {
    const { value, schema } = await read(
      '{"i":1,"d":1.0,"e":1e2,"big":9007199254740993,"s":"1.5","l":[1,2.5,null],"o":{"t":true}}',
      PLAIN,
    )
    expect(schema).to.equal(null)
    expect(value).to.deep.equal(
      struct({
        i: 1n,
        d: 1,
        e: 100,
        big: 9007199254740993n,
        s: '1.5',
        l: [1n, 2.5, null],
        o: struct({ t: true }),
      }),
    )
    const back = '{"i":1,"d":1.0,"e":100.0,"big":9007199254740993,"s":"1.5","l":[1,2.5,null],"o":{"t":true}}'
    expect((await write(null, value, PLAIN)).text).to.equal(back)
  })

  it('is safe against names of Object’s own', async () => {
    const { value } = await read('{"__proto__":{"polluted":1},"constructor":2}', PLAIN)
    expect(Object.keys(value as object)).to.deep.equal(['__proto__', 'constructor'])
    expect(({} as { polluted?: unknown }).polluted).to.equal(undefined)
    expect((await write(null, value, PLAIN)).text).to.equal('{"__proto__":{"polluted":1},"constructor":2}')
  })

  it('reads leading zeros, but changes no digits behind a point and none in a text', async () => {
    const text = '{"a":007.007,"b":-00.10,"c":"01 \\" 02","0007":[00,1.05e007]}'
    const right = struct({ a: 7.007, b: -0.1, c: '01 " 02', '0007': [0n, 1.05e7] })
    expect((await read(text, PLAIN)).value).to.deep.equal(right)
    for (const wrong of ['[01', '["01]', '[0 1]', '[01,]', '[01 "02]'])
      expect((await read(wrong, PLAIN)).code, wrong).to.equal('record.malformed')
  })

  it('fails what is no JSON, no UTF-8, too deep or out of range', async () => {
    expect((await read('')).code).to.equal('record.malformed')
    for (const text of [
      '{',
      '{"a":}',
      'NaN',
      Buffer.from([0x22, 0xff, 0x22]),
      '['.repeat(200_000) + ']'.repeat(200_000),
    ]) {
      expect((await read(text, PLAIN)).code).to.equal('record.malformed')
      expect((await read(text)).code).to.equal('record.malformed')
    }
    const deep = '{"a":'.repeat(200_000) + '1' + '}'.repeat(200_000)
    expect((await read(`{"schema":${deep},"payload":1}`)).code).to.equal('record.malformed')
    expect((await read('9223372036854775808', PLAIN)).code).to.equal('record.value')
    expect((await read('1e999', PLAIN)).code).to.equal('record.value')
  })

  it('gives columns, and takes appended fields', async () => {
    const { side, failures } = await read('{"a":5,"b":"x"}', PLAIN)
    expect([...side.column('a', 'float64', failures, failures.fail).values]).to.deep.equal([5])
    expect(side.column('a', 'string', failures, failures.fail).values).to.deep.equal(['5'])
    const longer = side.append(
      [{ name: 'c', schema: { type: 'STRING', optional: true } }],
      [{ type: 'string', values: ['y'] }],
      failures,
      failures.fail,
    )
    expect(longer.value(0, failures.fail)).to.deep.equal(struct({ a: 5n, b: 'x', c: 'y' }))
    expect(failures.codes()).to.deep.equal({})
    side.column('missing', 'float64', failures, failures.fail)
    expect(failures.codes()).to.deep.equal({ 0: 'record.field' })
  })
})
