import { LOGICAL, type Schema, type SchemaType, struct, type Struct, type Value } from '../../src/index.ts'

export interface Case {
  /** As Apache names it, below its package: `Cast$Value`, `predicates.HasHeaderKey`. */
  readonly class: string
  readonly config: Readonly<Record<string, string>>
  readonly record: CaseRecord
}

export interface CaseRecord {
  readonly topic: string
  readonly timestamp: number | null
  readonly key: { readonly schema: Schema | null; readonly value: Value }
  readonly value: { readonly schema: Schema | null; readonly value: Value }
  readonly headers: readonly (readonly [string, string | null])[]
}

/** Numbers that are the same in every run of the same seed. */
class Dice {
  #state: number
  constructor(seed: number) {
    this.#state = seed
  }
  /** From 0 to 1. */
  roll(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  below(n: number): number {
    return Math.floor(this.roll() * n)
  }
  chance(p: number): boolean {
    return this.roll() < p
  }
  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }
  some<T>(items: readonly T[], most = 3): T[] {
    return Array.from({ length: 1 + this.below(most) }, () => this.of(items))
  }
}

const NAMES = ['a', 'b', 'c', 'd', 'e', 'a.b', 'x`y'] as const
const TEXTS = [
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
const PATTERNS = [
  ...[
    'yyyy-MM-dd',
    'yyyy-MM-dd HH:mm:ss',
    'yyyy-MM-dd HH:mm:ssX',
    "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'",
    'yyyyMMdd',
  ],
  ...[
    'M/d/yy',
    'EEE, d MMM yyyy',
    'EEEE d MMMM yyyy G',
    'hh:mm a',
    'yyyy-MM-dd HH:mm:ssXX',
    'D yyyy',
    'kk:mm K',
  ],
  ...[
    'yyyy-MM-dd HH:mm:ssXXX',
    'yyyy-MM-dd HH:mm:ss Z',
    "''yy''",
    'H:m:s.S',
    'YYYY-ww-u',
    'yyyy W F',
    'yyyyMMddHHmmss z',
    'q',
    "'",
  ],
]
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

/** Few digits: Java before 19 writes more than it must of some doubles (JDK-4511638). */
function double(dice: Dice): number {
  if (dice.chance(0.15))
    return dice.of([0, -0, NaN, Infinity, -Infinity, 0.5, -1.5, 1e10, 1e-5, 3e9, -3e9, 1e20])
  return Number(`${dice.below(20_000) - 10_000}e${dice.below(16) - 8}`)
}

function time(dice: Dice): number {
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

function typeOf(dice: Dice, depth: number): Schema {
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

function withDefault(dice: Dice, schema: Schema): Schema {
  if (schema.type === 'STRUCT' || !dice.chance(0.25)) return schema
  return { ...schema, default: present(dice, schema) }
}

function valueFor(dice: Dice, schema: Schema): Value {
  const mayBeNull = schema.optional || (schema.default ?? null) !== null
  return mayBeNull && dice.chance(0.25) ? null : present(dice, schema)
}

function present(dice: Dice, schema: Schema): Value {
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
      return dice.of(TEXTS)
    case 'BYTES':
      return Buffer.from(dice.of(TEXTS))
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
  return roll < 0.76 ? Buffer.from(dice.of(TEXTS)) : dice.of(TEXTS)
}

function looseMap(dice: Dice, depth: number): Value {
  const value = struct()
  for (const name of NAMES) if (dice.chance(0.5)) value[name] = loose(dice, depth)
  return value
}

function data(dice: Dice): { schema: Schema | null; value: Value } {
  const roll = dice.roll()
  if (roll < 0.05) return { schema: null, value: null }
  if (roll < 0.28) return { schema: null, value: looseMap(dice, 2) }
  if (roll < 0.34) return { schema: null, value: loose(dice, 1) }
  const schema = roll < 0.46 ? withDefault(dice, typeOf(dice, 1)) : structType(dice, 2, dice.chance(0.3))
  return { schema, value: schema.optional && dice.chance(0.1) ? null : present(dice, schema) }
}

const name = (dice: Dice): string => dice.of(NAMES.slice(0, 6))
const names = (dice: Dice): string => dice.some(NAMES.slice(0, 6)).join(',')
const nulls = (dice: Dice): Record<string, string> =>
  dice.chance(0.4) ? { 'replace.null.with.default': String(dice.chance(0.3)) } : {}
const LITERALS = [
  ...[
    'x',
    '',
    ' ',
    'null',
    'true',
    'true}',
    '12',
    '1.50',
    '+7',
    '1e3',
    '300',
    '70000',
    '3000000000',
    '12345678901234567890',
  ],
  ...[
    '0.1',
    '1e40',
    '-0.0',
    '5.0',
    '2020-02-29',
    '12:34:56.789Z',
    '2020-02-29T12:34:56.789Z',
    '[1,2,3]',
    '[1, 2.5]',
    '[]',
  ],
  ...[
    '["a","b"]',
    '["a\\"b"]',
    '[1,null]',
    '[1,"a"]',
    '{"a":1,"b":300}',
    '{"a":[1,2],"b":[]}',
    '{1:2}',
    '[1,,2]',
    '[1',
    '{"a"}',
  ],
  ...[
    '{"a":null}',
    '["2020-02-29"]',
    '[true,false]',
    '[ "x y" , "z" ]',
    'a:b',
    '{"a":1,}',
    '1.5.5',
    '-',
    '12abc',
    '[[1],[2.5]]',
  ],
  ...[
    '"x"',
    '"',
    '[1000, 1e2]',
    '[5, 12:34:56.789Z]',
    '{"k":"v", "k":"w"}',
    '1E5',
    '.5',
    '5.',
    'ü€',
    '\\"',
    '[9.5, 3000000000]',
  ],
]
const TYPES = [
  'int8',
  'int16',
  'int32',
  'int64',
  'float32',
  'float64',
  'boolean',
  'string',
  'INT32',
  'bytes',
  'xint',
]

/** A configuration of each class; some are wrong. */
const CONFIGS: Readonly<Record<string, (dice: Dice) => Record<string, string>>> = {
  Cast: (dice) => ({
    spec: dice.chance(0.3)
      ? dice.of(TYPES)
      : dice
          .some(NAMES.slice(0, 6), 4)
          .map((each) => `${each}:${dice.of(TYPES.slice(0, 9))}`)
          .join(','),
    ...nulls(dice),
  }),
  DropHeaders: (dice) => ({ headers: dice.some(['h', 'i', 'j']).join(',') }),
  ExtractField: (dice) => ({
    field: dice.of([
      ...NAMES,
      'a.a',
      'b.c',
      '`a.b`.c',
      '`a.b`',
      'a.',
      '.a',
      '`x`y`',
      '`a',
      'c.d.e',
      '`x\\`y`',
    ]),
    ...(dice.chance(0.7) && { 'field.syntax.version': dice.of(['V2', 'v2', 'V1', 'V2', 'V3']) }),
    ...nulls(dice),
  }),
  Filter: () => ({}),
  Flatten: (dice) => (dice.chance(0.5) ? {} : { delimiter: dice.of(['_', '.', '', '::']) }),
  HeaderFrom: (dice) => {
    const fields = [...new Set(dice.some(NAMES.slice(0, 6)))]
    const headers = fields.map(() => dice.of(['h', 'i', 'k']))
    return {
      fields: fields.join(','),
      headers: (dice.chance(0.05) ? ['h', ...headers] : headers).join(','),
      operation: dice.of(['move', 'copy', 'move', 'copy', 'x']),
      ...nulls(dice),
    }
  },
  HoistField: (dice) => ({ field: name(dice) }),
  InsertField: (dice) => {
    const spec = () => `${dice.of(['t', 'p', 'o', 's', 'a'])}${dice.of(['', '!', '?'])}`
    return {
      ...(dice.chance(0.4) && { 'topic.field': spec() }),
      ...(dice.chance(0.4) && { 'partition.field': spec() }),
      ...(dice.chance(0.4) && { 'offset.field': spec() }),
      ...(dice.chance(0.4) && { 'timestamp.field': spec() }),
      ...(dice.chance(0.4) && { 'static.field': spec() }),
      ...(dice.chance(0.5) && { 'static.value': dice.of(TEXTS) }),
      ...nulls(dice),
    }
  },
  InsertHeader: (dice) => ({
    header: dice.of(['h', 'i', '']),
    'value.literal': dice.chance(0.8) ? dice.of(LITERALS) : mixed(dice),
  }),
  MaskField: (dice) => ({
    fields: names(dice),
    ...(dice.chance(0.5) && {
      replacement: dice.of(['x', '12', '300', '-1.5', '1e3', '1e40', '99999999999999999999', '', ' 7']),
    }),
    ...nulls(dice),
  }),
  RegexRouter: (dice) => ({
    regex: dice.of([
      '.*',
      'dev-(.*)',
      '(\\w+)-(\\d+)',
      '(?<n>[a-z]+).*',
      '(?i)DEV.*',
      '[^-]*',
      'x?',
      '(',
      'a{2,}b*',
      '\\p{Alpha}+',
      '\\Qdev\\E.*',
    ]),
    replacement: dice.of(['$1', 'p-$0', '${n}-x', '$2_$1', '\\$1', 'plain', '', '$', '$9', '${m}', 'a\\']),
  }),
  ReplaceField: (dice) => ({
    ...(dice.chance(0.5) && { exclude: names(dice) }),
    ...(dice.chance(0.4) && { include: names(dice) }),
    ...(dice.chance(0.6) && {
      renames:
        dice
          .some(NAMES.slice(0, 6))
          .map((each) => `${each}:${dice.of(['z', 'y', 'a', 'b', 'c'])}`)
          .join(',') + dice.of(['', '', '', '', ':w', ',q']),
    }),
    ...nulls(dice),
  }),
  SetSchemaMetadata: (dice) => ({
    ...(dice.chance(0.7) && { 'schema.name': dice.of(['x.Y', 'Z']) }),
    ...(dice.chance(0.5) && { 'schema.version': dice.of(['1', '7', '-2', 'x']) }),
    ...nulls(dice),
  }),
  TimestampConverter: (dice) => ({
    'target.type': dice.of(['string', 'unix', 'Date', 'Time', 'Timestamp', 'string', 'unix', 'unixx']),
    ...(dice.chance(0.7) && { field: name(dice) }),
    ...(dice.chance(0.85) && { format: dice.of(PATTERNS) }),
    ...(dice.chance(0.4) && {
      'unix.precision': dice.of(['seconds', 'milliseconds', 'microseconds', 'nanoseconds', 'minutes']),
    }),
    ...nulls(dice),
  }),
  TimestampRouter: (dice) => ({
    ...(dice.chance(0.7) && {
      'topic.format': dice.of([
        '${topic}',
        '${timestamp}',
        '${topic}-${timestamp}-${topic}',
        '$1${timestamp}',
        'x',
      ]),
    }),
    ...(dice.chance(0.8) && { 'timestamp.format': dice.of(PATTERNS.slice(0, -2)) }),
  }),
  ValueToKey: (dice) => ({ fields: names(dice), ...nulls(dice) }),
  'predicates.HasHeaderKey': (dice) => ({ name: dice.of(['h', 'i', 'j', '', 'H']) }),
  'predicates.RecordIsTombstone': () => ({}),
  'predicates.TopicNameMatches': (dice) => ({
    pattern: dice.of(['.*', 'dev-.*', '\\w+', '(?i)DEV.*', '', '(', '[a-z]+-\\d+']),
  }),
}

/** A literal out of pieces. */
function mixed(dice: Dice): string {
  return Array.from({ length: 1 + dice.below(9) }, () =>
    dice.of(['[', ']', '{', '}', ',', ':', '"', '1', '2.5', 'a', 'true', 'null', ' ', '\\', '300']),
  ).join('')
}

/** Most values are fit for the class, so that not every case is an error. */
const FIELD_TIMES = new Set(['TimestampConverter'])

function aimed(
  dice: Dice,
  className: string,
  config: Record<string, string>,
): { schema: Schema | null; value: Value } {
  if (!FIELD_TIMES.has(className) || dice.chance(0.3)) return data(dice)
  const types: readonly Schema[] = [
    { type: 'STRING', optional: true },
    { type: 'INT64', optional: false },
    ...[LOGICAL.date, LOGICAL.time, LOGICAL.timestamp].map((each): Schema => ({
      type: each === LOGICAL.timestamp ? 'INT64' : 'INT32',
      optional: true,
      name: each,
      version: 1,
    })),
  ]
  const schema = withDefault(dice, dice.of(types))
  const item = valueFor(dice, schema)
  const field = config['field']
  if (dice.chance(0.3) && !(item instanceof Date)) {
    return { schema: null, value: field === undefined ? item : struct({ [field]: item, z: 'z' }) }
  }
  if (field === undefined) return { schema, value: schema.optional ? item : present(dice, schema) }
  const row: Schema = {
    type: 'STRUCT',
    optional: false,
    fields: [
      { name: field, schema },
      { name: 'z', schema: { type: 'STRING', optional: true } },
    ],
  }
  return { schema: row, value: struct({ [field]: item, z: 'z' }) }
}

const SIDES = new Set([
  ...[
    'Cast',
    'ExtractField',
    'Flatten',
    'HeaderFrom',
    'HoistField',
    'InsertField',
    'MaskField',
    'ReplaceField',
  ],
  ...['SetSchemaMetadata', 'TimestampConverter'],
])

export const CLASSES: readonly string[] = Object.keys(CONFIGS)

/** Cases of a class; the same for the same seed. */
export function* casesOf(className: string, count: number, seed: number): Generator<Case> {
  const dice = new Dice(seed * 1000 + CLASSES.indexOf(className))
  for (let i = 0; i < count; i++) {
    const config = CONFIGS[className]!(dice)
    const isKey = SIDES.has(className) && dice.chance(0.3)
    const main = aimed(dice, className, config)
    const other = { schema: null, value: dice.chance(0.5) ? null : 'other' }
    yield {
      class: className + (SIDES.has(className) ? (isKey ? '$Key' : '$Value') : ''),
      config,
      record: {
        topic: dice.of(['dev-1', 'flights', 'dev-x-2', 'aab', 'Dev', 'a.b']),
        timestamp: dice.chance(0.1) ? null : Math.abs(time(dice)),
        key: isKey ? main : other,
        value: isKey ? other : main,
        headers: dice.chance(0.5)
          ? []
          : dice.some(['h', 'i', 'j']).map((each) => [each, dice.of(['x', 'y z', null])] as const),
      },
    }
  }
}
