import { LOGICAL, type Schema, struct, type Value } from '../../src/index.ts'
import { data, Dice, NAMES, PATTERNS, present, TEXTS, time, valueFor, withDefault } from './transform-data.ts'

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
