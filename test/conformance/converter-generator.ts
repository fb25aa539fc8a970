import { stringifyExact } from '../../src/converters/exact-json.ts'
import { schemaToJson } from '../../src/converters/json/schema-json.ts'
import { toJson } from '../../src/converters/json/to-json.ts'
import { isStruct, type Schema, type Value } from '../../src/index.ts'
import { jsonText, mangled } from './json-texts.ts'
import { data, present, text, typeOf, valueFor, withDefault } from './transform-data.ts'
import { Dice } from './transform-dice.ts'
import { literal } from './transform-literals.ts'

/** Bytes to read, or data to write. */
export type ConverterCase = {
  readonly class: string
  readonly config: Readonly<Record<string, string>>
  readonly key: boolean
} & ({ readonly read: Buffer | null } | { readonly write: Written })

interface Written {
  readonly schema: Schema | null
  readonly value: Value
}

const PACKAGE = 'org.apache.kafka.connect.'
/** With the type that each writes. */
export const CONVERTERS: Readonly<Record<string, Schema['type'] | undefined>> = {
  'json.JsonConverter': undefined,
  'storage.StringConverter': 'STRING',
  'converters.ByteArrayConverter': 'BYTES',
  'converters.BooleanConverter': 'BOOLEAN',
  'converters.ShortConverter': 'INT16',
  'converters.IntegerConverter': 'INT32',
  'converters.LongConverter': 'INT64',
  'converters.FloatConverter': 'FLOAT32',
  'converters.DoubleConverter': 'FLOAT64',
  'storage.SimpleHeaderConverter': undefined,
}
const JSON_NAME = 'json.JsonConverter'

export function* converterCases(name: string, way: 'read' | 'write', count: number, seed: number) {
  const dice = new Dice(
    seed * 1000 + 500 + 2 * Object.keys(CONVERTERS).indexOf(name) + (way === 'read' ? 0 : 1),
  )
  for (let i = 0; i < count; i++) {
    const config = name === JSON_NAME ? jsonConfig(dice) : {}
    const base = { class: PACKAGE + name, config, key: dice.chance(0.3) }
    const made: ConverterCase =
      way === 'read' ? { ...base, read: bytes(dice, name, config) } : { ...base, write: written(dice, name) }
    yield made
  }
}

function jsonConfig(dice: Dice): Record<string, string> {
  return {
    ...(dice.chance(0.6) && { 'schemas.enable': dice.of(['false', 'true', 'false']) }),
    ...(dice.chance(0.4) && { 'decimal.format': dice.of(['BASE64', 'NUMERIC', 'numeric']) }),
    ...(dice.chance(0.4) && { 'replace.null.with.default': dice.of(['true', 'false', 'false']) }),
  }
}

function bytes(dice: Dice, name: string, config: Record<string, string>): Buffer | null {
  if (dice.chance(0.03)) return null
  if (name === JSON_NAME) return Buffer.from(json(dice, config))
  if (name === 'storage.SimpleHeaderConverter') return Buffer.from(literal(dice))
  if (name === 'storage.StringConverter' && dice.chance(0.8)) return Buffer.from(text(dice))
  const sizes = [0, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8, 3, 5, 7, 9, 16]
  const odd = dice.chance(0.3) ? [0, 1, 2, 0x7f, 0x80, 0xff] : undefined
  return Buffer.from(Array.from({ length: dice.of(sizes) }, () => odd?.[dice.below(6)] ?? dice.below(256)))
}

function json(dice: Dice, config: Record<string, string>): string {
  if (config['schemas.enable'] === 'false' || dice.chance(0.05))
    return dice.chance(0.15) ? mangled(dice, jsonText(dice, 3)) : jsonText(dice, 3)
  const schema = dice.chance(0.03) ? null : withDefault(dice, typeOf(dice, 2))
  const value = schema === null || (schema.optional && dice.chance(0.1)) ? null : present(dice, schema)
  const format = dice.chance(0.5) ? 'BASE64' : 'NUMERIC'
  const payload = dice.chance(0.05) ? jsonText(dice, 2) : plain(schema, value, format)
  const described = schema === null ? 'null' : stringifyExact(schemaToJson(schema, 'BASE64'))
  const envelope = dice.chance(0.9)
    ? `{"schema":${described},"payload":${payload}}`
    : `{"payload":${payload},"schema":${described}${dice.of(['', '', ',"a":1'])}}`
  return dice.chance(0.2) ? mangled(dice, envelope) : envelope
}

function plain(schema: Schema | null, value: Value, format: 'BASE64' | 'NUMERIC'): string {
  return stringifyExact(toJson(value, schema, format, true))
}

function written(dice: Dice, name: string): Written {
  const type = CONVERTERS[name]
  if (type === undefined || dice.chance(0.25)) return anything(dice)
  const schema: Schema = { type, optional: dice.chance(0.5) }
  const value = dice.chance(0.1) ? anything(dice).value : valueFor(dice, schema)
  return fits(value, schema) ? { schema: dice.chance(0.15) ? null : schema, value } : { schema, value: null }
}

/** Data of any kind; now and then a value that is not of its schema. */
function anything(dice: Dice): Written {
  if (dice.chance(0.5)) return data(dice)
  const schema = withDefault(dice, typeOf(dice, 2))
  if (dice.chance(0.9)) return { schema, value: valueFor(dice, schema) }
  const other = typeOf(dice, 1)
  const value = valueFor(dice, other)
  return fits(value, schema) ? { schema, value } : { schema, value: null }
}

/** Whether the Java program can make the value: a number or struct is told by its schema there. */
function fits(value: Value, schema: Schema): boolean {
  if (typeof value === 'number') return schema.type === 'FLOAT64' || schema.type === 'FLOAT32'
  return !isStruct(value) && !Array.isArray(value) && !(value instanceof Map)
}
