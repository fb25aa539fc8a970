import { Buffer } from 'node:buffer'
import { javaNumber } from '../../src/api/java-number.ts'
import { isDecimal } from '../../src/converters/decimals.ts'
import { stringifyExact } from '../../src/converters/exact-json.ts'
import { JsonReading } from '../../src/converters/json/json-reading.ts'
import { schemaFromJson, schemaToJson } from '../../src/converters/json/schema-json.ts'
import { isStruct, type Schema, struct, type Value } from '../../src/index.ts'

/** A value with the word of its type, as `ConverterGolden.java` reads and prints it: `{"int64": "7"}`. */
type Tagged = null | Readonly<Record<string, unknown>>

/** One question to a converter, in `converter-cases.json`. */
export interface Case {
  readonly case: string
  readonly class: string
  readonly config?: Readonly<Record<string, string>>
  readonly key?: boolean
  readonly header?: boolean
  readonly read?: Bytes
  readonly write?: { readonly schema: unknown; readonly value: Tagged }
}

type Bytes = null | {
  readonly hex?: string
  readonly text?: string
  /** Before, what is repeated, how often, after. */
  readonly repeat?: readonly [string, string, number, string]
}

/** What Kafka Connect answered, in `golden/converters.json`. */
export interface GoldenAnswer {
  case: string
}

export function bytesOfCase(given: Bytes): Buffer | null {
  if (given === null) return null
  if (given.hex !== undefined) return Buffer.from(given.hex, 'hex')
  if (given.text !== undefined) return Buffer.from(given.text)
  const [before, text, times, after] = given.repeat!
  return Buffer.from(before + text.repeat(times) + after)
}

export function schemaOfCase(json: unknown): Schema | null {
  return schemaFromJson(json, new JsonReading(true, 1 << 20))
}

export function valueOf(tagged: Tagged): Value {
  if (tagged === null) return null
  const [[word, data]] = Object.entries(tagged) as [[string, unknown]]
  const pairs = data as [unknown, Tagged][]
  switch (word) {
    case 'boolean':
    case 'string':
      return data as Value
    case 'int64':
      return BigInt(data as string)
    case 'bytes':
      return Buffer.from(data as string, 'hex')
    case 'float':
      return Math.fround(Number(data))
    case 'date':
      return new Date(data as number)
    case 'decimal':
      return { unscaled: BigInt((data as [string, number])[0]), scale: (data as [string, number])[1] }
    case 'array':
      return (data as Tagged[]).map(valueOf)
    case 'map':
      return new Map(pairs.map(([key, value]) => [valueOf(key as Tagged), valueOf(value)]))
    case 'struct':
      return struct(
        Object.fromEntries(pairs.map(([name, value]): [string, Value] => [name as string, valueOf(value)])),
      )
    default:
      return Number(data)
  }
}

/** An answer in the form of `ConverterGolden.java`. A schemaless struct is a map. */
export function answerOf(schema: Schema | null, value: Value): unknown {
  const depth = depthOf(value)
  return JSON.parse(
    stringifyExact({
      schema: schema === null ? null : schemaToJson(schema, 'BASE64'),
      value: depth > 50 ? { depth } : tagged(value, schema),
    }),
  )
}

function depthOf(value: Value | undefined): number {
  let depth = 0
  for (let item = value; Array.isArray(item); depth++) item = (item as readonly Value[])[0]
  return depth
}

const WORDS: Readonly<Record<string, string>> = {
  INT8: 'int8',
  INT16: 'int16',
  INT32: 'int32',
  FLOAT32: 'float',
}

function tagged(value: Value, schema: Schema | null): Tagged {
  if (value === null) return null
  if (typeof value === 'boolean') return { boolean: value }
  if (typeof value === 'string') return { string: value }
  if (typeof value === 'bigint') return { int64: String(value) }
  if (typeof value === 'number') return numberTag(value, WORDS[schema?.type ?? ''] ?? 'double')
  if (Buffer.isBuffer(value)) return { bytes: value.toString('hex') }
  if (value instanceof Date) return { date: value.getTime() }
  if (isDecimal(value)) return { decimal: [String(value.unscaled), value.scale] }
  if (Array.isArray(value))
    return { array: (value as readonly Value[]).map((item) => tagged(item, schema?.valueSchema ?? null)) }
  if (value instanceof Map) {
    const entries = [...(value as ReadonlyMap<Value, Value>)]
    return {
      map: entries.map(([key, item]) => [
        tagged(key, schema?.keySchema ?? null),
        tagged(item, schema?.valueSchema ?? null),
      ]),
    }
  }
  if (!isStruct(value)) throw new Error('no value of Connect')
  if (schema === null) {
    return { map: Object.entries(value).map(([name, item]) => [{ string: name }, tagged(item, null)]) }
  }
  return {
    struct: schema.fields!.map((field) => [field.name, tagged(value[field.name] ?? null, field.schema)]),
  }
}

function numberTag(value: number, word: string): Tagged {
  return { [word]: word.startsWith('int') ? String(value) : javaNumber(value, word === 'float') }
}
