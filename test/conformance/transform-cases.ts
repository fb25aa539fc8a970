import { LOGICAL, type Schema, struct, type Value } from '../../src/index.ts'
import { CONFIGS } from './transform-configs.ts'
import { data, present, time, valueFor, withDefault } from './transform-data.ts'
import { dateText } from './transform-dates.ts'
import { Dice } from './transform-dice.ts'
import { Picks } from './transform-picks.ts'

export interface Case {
  /** As Apache names it, below its package: `Cast$Value`, `predicates.HasHeaderKey`. */
  readonly class: string
  readonly config: Readonly<Record<string, string>>
  readonly record: CaseRecord
}

export interface CaseRecord {
  readonly topic: string
  readonly timestamp: number | null
  readonly key: Data
  readonly value: Data
  readonly headers: readonly (readonly [string, string | null])[]
}

interface Data {
  readonly schema: Schema | null
  readonly value: Value
}

/** A timestamp of each kind, alone or as a field, with a pattern that its text is in. */
function timed(dice: Dice, field: string | undefined, pattern: string): Data {
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
  const isText = schema.type === 'STRING' && dice.chance(0.85)
  const item = isText ? dateText(dice, pattern) : valueFor(dice, schema)
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

const TOPICS = [
  'dev-1',
  'flights',
  'dev-x-2',
  'aab',
  'Dev',
  'a.b',
  'dev-',
  '_dev-12',
  'DEV.x',
  'p-$1',
  'n-1-2',
] as const

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

/** A configuration, and data that it is fit for, mostly. */
function made(
  dice: Dice,
  className: string,
): { readonly config: Record<string, string>; readonly main: Data } {
  const main = data(dice)
  const config = CONFIGS[className]!(dice, new Picks(dice, main.schema, main.value))
  if (className !== 'TimestampConverter' || dice.chance(0.25)) return { config, main }
  return { config, main: timed(dice, config['field'], config['format'] ?? 'yyyy-MM-dd') }
}

export const CLASSES: readonly string[] = Object.keys(CONFIGS)

/** Cases of a class; the same for the same seed. */
export function* casesOf(className: string, count: number, seed: number): Generator<Case> {
  const dice = new Dice(seed * 1000 + CLASSES.indexOf(className))
  for (let i = 0; i < count; i++) {
    const isKey = SIDES.has(className) && dice.chance(0.3)
    const { config, main } = made(dice, className)
    const other = { schema: null, value: dice.chance(0.5) ? null : 'other' }
    yield {
      class: className + (SIDES.has(className) ? (isKey ? '$Key' : '$Value') : ''),
      config,
      record: {
        topic: dice.of(TOPICS),
        timestamp: dice.chance(0.1) ? null : Math.abs(time(dice)),
        key: isKey ? main : other,
        value: isKey ? other : main,
        headers: dice.chance(0.5)
          ? []
          : dice
              .some(['h', 'i', 'j', 'H', 'ü'])
              .map((each) => [each, dice.of(['x', 'y z', 'ü', null])] as const),
      },
    }
  }
}
