import { expect } from 'chai'
import { describe, it } from 'mocha'
import { encodeValue } from '../../src/converters/avro/encode.ts'
import { parseSchema } from '../../src/converters/avro/parse-schema.ts'
import { avroConverter } from '../../src/converters/avro/plugin.ts'
import { ByteWriter } from '../../src/converters/byte-writer.ts'
import { unscaledBytes } from '../../src/converters/decimals.ts'
import { jsonConverter } from '../../src/converters/json/converter.ts'
import { recordsSide } from '../../src/converters/records-side.ts'
import { formatString } from '../../transforms/text/format-string.ts'
import { lineParser } from '../../transforms/text/line-parser.ts'
import { type Converter, LOGICAL, type Schema, struct } from '../../src/index.ts'
import { avroSide, avscType, record, withHeader } from './avro/support.ts'
import { allRows, bytesOf, Failures, openConverter, RegistryStandIn, slicesOf } from './support.ts'

const PLAIN = { 'schemas.enable': 'false' }
const TRIES = 5
const FACTOR = 8
/** Of linear work it is 1, of quadratic work 8; caches and the collector of garbage take their share. */
const LINEAR = 5
/** What is shorter than this is taken for this: its ratio would be chance. */
const SHORT_MICROSECONDS = 1000

/** How much longer each byte takes where there are eight times as many; by the least CPU time of some tries in one run. */
async function ratio<T>(
  size: number,
  make: (size: number) => T,
  work: (made: T) => unknown,
): Promise<number> {
  const [small, large] = [make(size), make(FACTOR * size)]
  const timed = async (made: T) => {
    const start = process.cpuUsage()
    await work(made)
    return process.cpuUsage(start).user
  }
  await work(small)
  let [least, leastOfLarge] = [Infinity, Infinity]
  for (let i = 0; i < TRIES; i++) {
    least = Math.min(least, await timed(small))
    leastOfLarge = Math.min(leastOfLarge, await timed(large))
  }
  return leastOfLarge / FACTOR / Math.max(least, SHORT_MICROSECONDS)
}

function decimalSchema(precision: number): object {
  return { type: 'bytes', logicalType: 'decimal', precision, scale: 2 }
}

/** What a value of one converter becomes in another. */
async function through(from: Converter, to: Converter, bytes: Buffer) {
  const failures = new Failures()
  const side = await from.decode('t', slicesOf([bytes]), failures.fail)
  const encoded = await to.encode('t', side, allRows(1), failures.fail)
  return { code: failures.codes()[0], bytes: bytesOf(encoded, [0])[0] ?? null }
}

describe('a decimal of 900 KB', () => {
  let registry: RegistryStandIn
  let avro: Converter
  before(async () => {
    registry = await RegistryStandIn.start()
    registry.add(record({ d: decimalSchema(10) }))
    avro = openConverter(avroConverter, { 'schema.registry.url': registry.url })
  })
  after(() => registry.stop())

  const json = () => openConverter(jsonConverter, PLAIN)
  const encodedDecimal = (value: Buffer) =>
    withHeader(avscType(record({ d: 'bytes' })).toBuffer({ d: value }))

  it('is malformed beyond its precision of 10, and that is found out in linear time', async () => {
    const work = async (bytes: Buffer) => {
      const { code } = await through(avro, json(), bytes)
      expect(code).to.equal('record.malformed')
    }
    expect(await ratio(200_000, (n) => encodedDecimal(Buffer.alloc(n, 0x5a)), work)).to.be.below(LINEAR)
  })

  it('is read where all but its last bytes are its sign, in linear time', async () => {
    const work = async (given: Buffer) => {
      const { code, bytes } = await through(avro, json(), given)
      expect([code, bytes?.toString()]).to.eql([undefined, '{"d":"/w=="}'])
    }
    expect(await ratio(200_000, (n) => encodedDecimal(Buffer.alloc(n, 0xff)), work)).to.be.below(LINEAR)
  })

  it('is malformed in JSON where no precision is declared', async () => {
    const schema = { type: 'bytes', name: LOGICAL.decimal, parameters: { scale: '2' } }
    const envelope = (n: number) => {
      const payload = Buffer.alloc(n, 0x5a).toString('base64')
      return Buffer.from(JSON.stringify({ schema, payload }))
    }
    const work = async (bytes: Buffer) => {
      const { code } = await through(openConverter(jsonConverter), json(), bytes)
      expect(code).to.equal('record.malformed')
    }
    expect(await ratio(200_000, envelope, work)).to.be.below(LINEAR)
  })

  it('has its bytes in linear time', async () => {
    const work = (unscaled: bigint) => unscaledBytes(unscaled)
    expect(await ratio(200_000, (n) => 1n << BigInt(8 * n), work)).to.be.below(LINEAR)
  })
})

describe('a decimal', () => {
  it('fails for its precision alike in a column, a value and a record that is only passed on', () => {
    for (const type of [decimalSchema(3), { ...decimalSchema(3), type: 'fixed', name: 'F', size: 4 }]) {
      const schema = record({ d: type })
      const isFixed = (type as { type: string }).type === 'fixed'
      const payload = (unscaled: number) => {
        const value = Buffer.alloc(4)
        value.writeInt32BE(unscaled)
        return isFixed ? value : Buffer.concat([Buffer.from([8]), value])
      }
      for (const [unscaled, code] of [
        [999, undefined],
        [-999, undefined],
        [1000, 'record.malformed'],
        [-1000, 'record.malformed'],
      ] as const) {
        const failures = new Failures()
        avroSide(schema, [payload(unscaled)]).value(0, failures.fail)
        expect(failures.codes()[0], `value ${unscaled}`).to.equal(code)
        const walked = new Failures()
        avroSide(schema, [payload(unscaled)]).rows.walk(0, walked.fail)
        expect(walked.codes()[0], `walk ${unscaled}`).to.equal(code)
      }
    }
  })

  it('is not written with more digits than its Avro schema declares', () => {
    for (const type of [decimalSchema(3), { ...decimalSchema(3), type: 'fixed', name: 'F', size: 4 }]) {
      const node = parseSchema(JSON.stringify(type))
      const write = (unscaled: bigint) => {
        encodeValue(new ByteWriter(), node, { unscaled, scale: 2 }, 'd')
      }
      write(999n)
      write(-999n)
      for (const unscaled of [1000n, -1000n])
        expect(() => {
          write(unscaled)
        }).to.throw('Field "d" is a decimal, which does not fit its Avro type decimal.')
    }
  })

  it('of any scale is written in as many characters as it has digits', async () => {
    for (const scale of ['1000000000', '-1000000000']) {
      const schema = { type: 'bytes', name: LOGICAL.decimal, parameters: { scale } }
      const text = Buffer.from(`{"schema":${JSON.stringify(schema)},"payload":"BQ=="}`)
      const numeric = openConverter(jsonConverter, { ...PLAIN, 'decimal.format': 'NUMERIC' })
      const { bytes } = await through(openConverter(jsonConverter), numeric, text)
      expect(bytes?.toString()).to.equal(scale.startsWith('-') ? '5E+1000000000' : '5E-1000000000')
    }
  })
})

describe('JSON', () => {
  const read = async (text: string, raw: Record<string, string> = PLAIN) =>
    (await through(openConverter(jsonConverter, raw), openConverter(jsonConverter, PLAIN), Buffer.from(text)))
      .code

  it('has numbers of up to 1000 digits, as in Kafka Connect', async () => {
    expect(await read(`[0.${'1'.repeat(999)}]`)).to.equal(undefined)
    expect(await read(`[0.${'1'.repeat(1000)}]`)).to.equal('record.malformed')
    expect(await read(`[${'1'.repeat(1001)}]`)).to.equal('record.malformed')
    expect(await ratio(200_000, (n) => `[${'1'.repeat(n)}]`, read)).to.be.below(LINEAR)
  })

  it('cannot multiply a wide struct by a few bytes', async () => {
    const fields = Array.from({ length: 500 }, (_, i) => ({
      field: `f${i}`,
      type: 'int8',
      optional: true,
    }))
    const schema = { type: 'array', items: { type: 'struct', fields } }
    const text = (n: number) =>
      `{"schema":${JSON.stringify(schema)},"payload":[${new Array(n).fill('{}').join(',')}]}`
    expect(await read(text(100), {})).to.equal(undefined)
    expect(await read(text(20_000), {})).to.equal('record.malformed')
  })

  it('cannot multiply a long default by a few bytes', async () => {
    for (const fallback of ['x'.repeat(100_000), new Array(20_000).fill('x')]) {
      const type = Array.isArray(fallback) ? { type: 'array', items: { type: 'string' } } : { type: 'string' }
      const schema = { type: 'array', items: { ...type, optional: true, default: fallback } }
      const text = (n: number) =>
        `{"schema":${JSON.stringify(schema)},"payload":[${new Array(n).fill('null').join(',')}]}`
      expect(await read(text(5), {})).to.equal(undefined)
      expect(await read(text(10_000), {})).to.equal('record.malformed')
    }
  })
})

describe('Avro', () => {
  it('cannot multiply a union of many branches by a few bytes', () => {
    const branches = Array.from({ length: 5000 }, (_, i) => record({}, `R${i}`))
    const schema = record({ a: { type: 'array', items: branches } })
    const items = 100_000
    const payload = Buffer.concat([avscType('int').toBuffer(items), Buffer.alloc(items + 1)])
    for (const look of ['value', 'walk'] as const) {
      const failures = new Failures()
      const side = avroSide(schema, [payload])
      if (look === 'value') side.value(0, failures.fail)
      else side.rows.walk(0, failures.fail)
      expect(failures.codes()[0], look).to.equal('record.malformed')
    }
  })

  it('writes the symbols of a long enum in the time of a short one', async () => {
    const registry = await RegistryStandIn.start()
    try {
      const converter = openConverter(avroConverter, { 'schema.registry.url': registry.url })
      const encodeAll = async (symbols: number) => {
        const prefix = 'io.confluent.connect.avro.Enum'
        const names = Array.from({ length: symbols }, (_, i) => `S${i}`)
        const parameters = {
          [prefix]: 'E',
          ...Object.fromEntries(names.map((name) => [`${prefix}.${name}`, name])),
        }
        const symbol: Schema = { type: 'STRING', optional: false, name: 'E', parameters }
        const schema: Schema = {
          type: 'STRUCT',
          optional: false,
          name: 'Row',
          fields: [{ name: 'a', schema: { type: 'ARRAY', optional: false, valueSchema: symbol } }],
        }
        const side = recordsSide([schema], [struct({ a: new Array<string>(50_000).fill(names.at(-1)!) })])
        const run = async () => {
          const failures = new Failures()
          const start = performance.now()
          await converter.encode('t', side, allRows(1), failures.fail)
          expect(failures.codes()).to.eql({})
          return performance.now() - start
        }
        await run()
        return Math.min(await run(), await run(), await run())
      }
      expect((await encodeAll(20_000)) / (await encodeAll(20))).to.be.below(50)
    } finally {
      await registry.stop()
    }
  })
})

describe('a text', () => {
  it('that is nearly a number is no cell of a number, in linear time', async () => {
    const parser = lineParser({ fields: ['a:float64'], delimiter: ',', missing: new Set() })
    const work = (cell: string) => expect(() => parser.parse(cell, 'The value')).to.throw('no float64')
    expect(await ratio(200_000, (n) => `${'1'.repeat(n)}x`, work)).to.be.below(LINEAR)
  })

  it('that is the template of FormatString has a limit', () => {
    const template = '${'.repeat(5000)
    expect(() => formatString.config.read({ template })).to.throw('at most 8192 characters')
  })
})
