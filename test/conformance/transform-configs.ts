import { numeral, text } from './transform-data.ts'
import { datePattern } from './transform-dates.ts'
import type { Dice } from './transform-dice.ts'
import { literal } from './transform-literals.ts'
import type { Picks } from './transform-picks.ts'

const nulls = (dice: Dice): Record<string, string> =>
  dice.chance(0.4) ? { 'replace.null.with.default': String(dice.chance(0.3)) } : {}
const COLONS = [':', ':', ':', ':', ':', ' : ', ': '] as const
const KINDS = [
  'string',
  'unix',
  'Date',
  'Time',
  'Timestamp',
  'string',
  'unix',
  'Date',
  'Time',
  'unixx',
] as const
const UNITS = ['seconds', 'milliseconds', 'microseconds', 'nanoseconds'] as const
const PATHS = [
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
  'x`y',
  '',
] as const
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
export const CONFIGS: Readonly<Record<string, (dice: Dice, picks: Picks) => Record<string, string>>> = {
  Cast: (dice, picks) => ({
    spec: dice.chance(picks.isStruct ? 0.05 : 0.6)
      ? dice.of(TYPES)
      : picks
          .some(4)
          .map((each) => `${each}${dice.of(COLONS)}${dice.of(dice.chance(0.95) ? TYPES.slice(0, 9) : TYPES)}`)
          .join(dice.of([',', ',', ', '])),
    ...nulls(dice),
  }),
  DropHeaders: (dice) => ({
    headers: [...new Set(dice.some(['h', 'i', 'j', 'H', 'ü', ' m', dice.chance(0.2) ? '' : 'k']))].join(','),
  }),
  ExtractField: (dice, picks) => ({
    field: dice.chance(0.6) ? picks.path() : dice.of(PATHS),
    ...(dice.chance(0.8) && { 'field.syntax.version': dice.of(['V2', 'v2', 'V2', 'V2', 'V1', 'V2', 'V3']) }),
    ...nulls(dice),
  }),
  Filter: () => ({}),
  Flatten: (dice) => (dice.chance(0.5) ? {} : { delimiter: dice.of(['_', '.', '', '::']) }),
  HeaderFrom: (dice, picks) => {
    const fields = [...new Set(dice.chance(0.05) ? ['', ...picks.some()] : picks.some())]
    const headers = fields.map(() => dice.of(['h', 'i', 'k']))
    return {
      fields: fields.join(','),
      headers: (dice.chance(0.05) ? ['h', ...headers] : headers).join(','),
      operation: dice.of(['move', 'copy', 'move', 'copy', 'move', 'copy', 'x']),
      ...nulls(dice),
    }
  },
  HoistField: (dice, picks) => ({ field: dice.chance(0.9) ? picks.one() : dice.of(['', ' ', 'ü', 'a.b.c']) }),
  InsertField: (dice) => {
    const spec = () => `${dice.of(['t', 'p', 'o', 's', 'a'])}${dice.of(['', '', '!', '?', '!?'])}`
    return {
      ...(dice.chance(0.4) && { 'topic.field': spec() }),
      ...(dice.chance(0.4) && { 'partition.field': spec() }),
      ...(dice.chance(0.4) && { 'offset.field': spec() }),
      ...(dice.chance(0.4) && { 'timestamp.field': spec() }),
      ...(dice.chance(0.4) && { 'static.field': spec() }),
      ...(dice.chance(0.5) && { 'static.value': text(dice) }),
      ...nulls(dice),
    }
  },
  InsertHeader: (dice) => ({
    header: dice.of(['h', 'i', '', 'ü']),
    'value.literal': literal(dice),
  }),
  MaskField: (dice, picks) => ({
    fields: picks.list(),
    ...(dice.chance(0.5) && {
      replacement: dice.of([
        'x',
        '12',
        '300',
        '-1.5',
        '1e3',
        '1e40',
        '99999999999999999999',
        '',
        ' 7',
        numeral(dice),
        numeral(dice),
      ]),
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
  ReplaceField: (dice, picks) => ({
    ...(dice.chance(0.4) && { exclude: picks.list() }),
    ...(dice.chance(0.3) && { include: picks.list() }),
    ...(dice.chance(0.15) && { blacklist: [...new Set(picks.some())].join(',') }),
    ...(dice.chance(0.1) && { whitelist: [...new Set(picks.some())].join(',') }),
    ...(dice.chance(0.6) && {
      renames:
        picks
          .some()
          .map((each) => `${each}:${dice.of(['z', 'y', 'x', 'w', 'a', 'b', 'c'])}`)
          .join(',') + dice.of(['', '', '', '', '', '', '', ':w', ',q']),
    }),
    ...nulls(dice),
  }),
  SetSchemaMetadata: (dice) => ({
    ...(dice.chance(0.7) && { 'schema.name': dice.of(['x.Y', 'Z']) }),
    ...(dice.chance(0.5) && { 'schema.version': dice.of(['1', '7', '-2', 'x']) }),
    ...nulls(dice),
  }),
  TimestampConverter: (dice, picks) => ({
    'target.type': dice.of(KINDS),
    ...(dice.chance(0.7) && { field: picks.one() }),
    ...(dice.chance(0.85) && { format: datePattern(dice) }),
    ...(dice.chance(0.4) && {
      'unix.precision': dice.of(dice.chance(0.97) ? UNITS : ['minutes']),
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
    ...(dice.chance(0.8) && { 'timestamp.format': datePattern(dice) }),
  }),
  ValueToKey: (dice, picks) => ({ fields: picks.list(), ...nulls(dice) }),
  'predicates.HasHeaderKey': (dice) => ({ name: dice.of(['h', 'i', 'j', '', 'H']) }),
  'predicates.RecordIsTombstone': () => ({}),
  'predicates.TopicNameMatches': (dice) => ({
    pattern: dice.of(['.*', 'dev-.*', '\\w+', '(?i)DEV.*', '', '(', '[a-z]+-\\d+']),
  }),
}
