import { LOGICAL, type Schema, type SchemaType, struct, type Struct, type Value } from '../../src/index.ts'
import type { Dice } from './transform-dice.ts'

export const NAMES = ['a', 'b', 'c', 'd', 'e', 'a.b', 'x`y'] as const
export const TEXTS = [
  ...[
    '',
    'x',
    'true',
    'False',
    '12',
    '-7',
    '+3',
    ' 5 ',
    '1.5',
    '1e3',
    'NaN',
    '300',
    '99999999999',
    '0x1',
    '1f',
  ],
  ...[
    '2020-02-29',
    '2020-02-30 25:61:00',
    '2020-02-29T12:34:56.789Z',
    '1/2/03',
    'Mon, 3 Mar 2014',
    '20200229',
  ],
  ...[
    '2020-02-29 01:02:03+0130',
    '2020-02-29 01:02:03-08',
    'ü€😀',
    'null',
    '-5-5',
    '12:30 pm',
    '1969-12-31 23:59:59Z',
  ],
]
/** Of a number, with what Java takes for one and what it does not. */
export function numeral(dice: Dice): string {
  const digits = (most: number): string => String(dice.below(10 ** dice.below(most + 1)))
  const parts = [
    dice.of(['', '', '', '-', '+', ' ', '0', '--']),
    digits(10) + (dice.chance(0.2) ? digits(10) : ''),
    dice.chance(0.4) ? `.${dice.chance(0.9) ? digits(6) : ''}` : '',
    dice.chance(0.2) ? `${dice.of(['e', 'E'])}${dice.of(['', '-', '+'])}${digits(2)}` : '',
    dice.of(['', '', '', '', ' ', 'f', 'D', 'L', '_1', 'x']),
  ]
  return parts.join('')
}

const LETTERS = [...Array.from('ab1 .,:;"\\{}[]\n\t=-_/ü€\u00a0\u0000\u2028'), '😀', 'null', 'true']

export function text(dice: Dice): string {
  const roll = dice.roll()
  if (roll < 0.6) return dice.of(TEXTS)
  if (roll < 0.8) return numeral(dice)
  return Array.from({ length: dice.below(7) }, () => dice.of(LETTERS)).join('')
}

const TIMES = [
  0, 1, -1, 86_400_000, 1_582_934_400_000, 1_582_979_696_789, -62_135_596_800_000, -12_219_292_800_000,
  -12_219_292_800_001, 4_102_444_799_999,
]

function integer(dice: Dice, bits: number): bigint {
  if (dice.chance(0.2)) return dice.of([0n, 1n, -1n, 2n ** BigInt(bits - 1) - 1n, -(2n ** BigInt(bits - 1))])
  const raw =
    BigInt(Math.floor(dice.roll() * 2 ** 32)) * 4_294_967_296n + BigInt(Math.floor(dice.roll() * 2 ** 32))
  return BigInt.asIntN(bits, raw) >> BigInt(dice.below(bits))
}

/** Mostly few digits: Java before 19 writes more than it must of some doubles (JDK-4511638). */
function double(dice: Dice): number {
  if (dice.chance(0.05)) return (dice.roll() - 0.5) * 10 ** (dice.below(40) - 20)
  if (dice.chance(0.15))
    return dice.of([0, -0, NaN, Infinity, -Infinity, 0.5, -1.5, 1e10, 1e-5, 3e9, -3e9, 1e20])
  return Number(`${dice.below(20_000) - 10_000}e${dice.below(16) - 8}`)
}

export function time(dice: Dice): number {
  return dice.chance(0.5) ? dice.of(TIMES) : Math.floor(dice.roll() * 4e12) - 1e12
}

const SIMPLE: readonly SchemaType[] = [
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'FLOAT32',
  'FLOAT64',
  'BOOLEAN',
  'STRING',
  'BYTES',
]

export function typeOf(dice: Dice, depth: number): Schema {
  const base = { optional: dice.chance(0.5) }
  const roll = dice.roll()
  if (roll < 0.12) {
    const name = dice.of([LOGICAL.date, LOGICAL.time, LOGICAL.timestamp])
    return { ...base, type: name === LOGICAL.timestamp ? 'INT64' : 'INT32', name, version: 1 }
  }
  if (roll < 0.17)
    return {
      ...base,
      type: 'BYTES',
      name: LOGICAL.decimal,
      version: 1,
      parameters: { scale: String(dice.below(4)) },
    }
  if (depth > 0 && roll < 0.35) return structType(dice, depth - 1, base.optional)
  if (depth > 0 && roll < 0.41) return { ...base, type: 'ARRAY', valueSchema: typeOf(dice, 0) }
  if (depth > 0 && roll < 0.45)
    return {
      ...base,
      type: 'MAP',
      keySchema: { type: 'STRING', optional: false },
      valueSchema: typeOf(dice, 0),
    }
  return { ...base, type: dice.of(SIMPLE) }
}

function structType(dice: Dice, depth: number, optional: boolean): Schema {
  const names = NAMES.filter(() => dice.chance(0.6))
  const fields = names.map((name) => ({ name, schema: withDefault(dice, typeOf(dice, depth)) }))
  return {
    ...{ type: 'STRUCT', optional, fields },
    ...(dice.chance(0.3) && { name: 'com.example.Row' }),
    ...(dice.chance(0.2) && { version: 2 }),
    ...(dice.chance(0.2) && { doc: 'A row.' }),
    ...(dice.chance(0.1) && { parameters: { p: 'q' } }),
  }
}

export function withDefault(dice: Dice, schema: Schema): Schema {
  if (!dice.chance(schema.type === 'STRUCT' ? 0 : 0.25)) return schema
  return { ...schema, default: present(dice, schema) }
}

export function valueFor(dice: Dice, schema: Schema): Value {
  const mayBeNull = schema.optional || (schema.default ?? null) !== null
  return mayBeNull && dice.chance(0.25) ? null : present(dice, schema)
}

export function present(dice: Dice, schema: Schema): Value {
  if (schema.name === LOGICAL.decimal)
    return { unscaled: integer(dice, 48), scale: Number(schema.parameters?.['scale'] ?? 0) }
  if (schema.name === LOGICAL.date) return new Date(Math.floor(time(dice) / 86_400_000) * 86_400_000)
  if (schema.name === LOGICAL.time) return new Date(dice.below(86_400_000))
  if (schema.name === LOGICAL.timestamp) return new Date(time(dice))
  switch (schema.type) {
    case 'INT64':
      return dice.chance(0.3) ? BigInt(time(dice)) : integer(dice, 64)
    case 'FLOAT32':
      return Math.fround(double(dice))
    case 'FLOAT64':
      return double(dice)
    case 'BOOLEAN':
      return dice.chance(0.5)
    case 'STRING':
      return text(dice)
    case 'BYTES':
      return Buffer.from(text(dice))
    case 'ARRAY':
      return Array.from({ length: dice.below(3) }, () => valueFor(dice, schema.valueSchema!))
    case 'MAP':
      return new Map(dice.some(NAMES, 2).map((name) => [name, valueFor(dice, schema.valueSchema!)]))
    case 'STRUCT': {
      const value: Struct = struct()
      for (const field of schema.fields ?? []) value[field.name] = valueFor(dice, field.schema)
      return value
    }
    default:
      return Number(integer(dice, Number(schema.type.slice(3))))
  }
}

/** Without a schema, as JSON gives it: integers are longs, other numbers doubles. */
function loose(dice: Dice, depth: number): Value {
  const roll = dice.roll()
  if (roll < 0.1) return null
  if (depth > 0 && roll < 0.25) return looseMap(dice, depth - 1)
  if (depth > 0 && roll < 0.32) return Array.from({ length: dice.below(3) }, () => loose(dice, 0))
  if (roll < 0.5) return dice.chance(0.3) ? BigInt(time(dice)) : integer(dice, 64)
  if (roll < 0.65) return double(dice)
  if (roll < 0.72) return dice.chance(0.5)
  return roll < 0.76 ? Buffer.from(text(dice)) : text(dice)
}

function looseMap(dice: Dice, depth: number): Value {
  const value = struct()
  for (const name of NAMES) if (dice.chance(0.5)) value[name] = loose(dice, depth)
  return value
}

export function data(dice: Dice): { schema: Schema | null; value: Value } {
  const roll = dice.roll()
  if (roll < 0.05) return { schema: null, value: null }
  if (roll < 0.28) return { schema: null, value: looseMap(dice, 2) }
  if (roll < 0.34) return { schema: null, value: loose(dice, 1) }
  const schema = roll < 0.46 ? withDefault(dice, typeOf(dice, 1)) : structType(dice, 2, dice.chance(0.3))
  return { schema, value: schema.optional && dice.chance(0.1) ? null : present(dice, schema) }
}
