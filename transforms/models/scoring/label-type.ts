import {
  type CategoryColumn,
  type Column,
  ConfigError,
  key,
  type Model,
  OPTIONAL_STRING,
  type Schema,
  type Value,
} from 'sluice'
import { shorten } from './model-fields.ts'

/** Key of the transforms that add a label. */
export const LABELS_TYPE = key.string({
  doc: 'What the label of a classifier is in the record: `string`, or `integer` where all its labels are whole numbers, as of a classifier that was trained on 0 and 1. `integer` gives INT32, INT64 where a label is beyond that. The fields of the probabilities are called by the labels either way.',
  importance: 'LOW',
  group: 'Output',
  default: 'string',
  check: (value) => (value === 'string' || value === 'integer' ? undefined : 'Expected string or integer'),
})

/** How labels stand in a record. */
export interface LabelType {
  readonly schema: Schema
  columnOf(prediction: CategoryColumn): Column
}

const TEXTS: LabelType = { schema: OPTIONAL_STRING, columnOf: (prediction) => prediction }

/** Throws ConfigError where labels are to be integers, and the model has none, or others. */
export function labelType(type: string, { name, task, labels }: Model): LabelType {
  if (type === 'string') return TEXTS
  if (task !== 'classification') throw wrong(`The model ${name} is for ${task}, so that it has no labels.`)
  const odd = labels.filter((label) => !isInteger(label))
  if (odd.length > 0) {
    const said = shorten(odd.map((label) => JSON.stringify(label)))
    throw wrong(`The model ${name} has labels that are no whole numbers of 64 bits: ${said}. Use string.`)
  }
  const isLong = labels.some((label) => BigInt.asIntN(32, BigInt(label)) !== BigInt(label))
  const values: readonly Value[] = labels.map((label) => (isLong ? BigInt(label) : Number(label)))
  return {
    schema: { type: isLong ? 'INT64' : 'INT32', optional: true, default: null },
    columnOf: ({ levels }) => ({
      type: 'value',
      values: Array.from(levels, (level) => values[level] ?? null),
    }),
  }
}

/** Digits as a number of 64 bits is written, so that no two labels become one: not 01, +1 or -0. */
function isInteger(label: string): boolean {
  return /^(0|-?[1-9]\d{0,18})$/.test(label) && BigInt.asIntN(64, BigInt(label)) === BigInt(label)
}

function wrong(message: string): ConfigError {
  return new ConfigError([{ path: 'labels.type', message }])
}
