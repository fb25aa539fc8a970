import {
  checkExpression,
  expressionOf,
  type ExampleRecord,
  type Schema,
  struct,
  type Value,
} from '../../../src/index.ts'
import type { CelValue } from '../../../src/api/expression/values.ts'
import { batchOf } from '../../support/example-batch.ts'

/** What an expression gives for a record; throws what fails it. */
export function evaluate(text: string, record: ExampleRecord = {}): CelValue {
  const batch = batchOf([record], { partition: 3, offset: 17n })
  const run = expressionOf(text).over(batch)
  return run(0)
}

/** The same for a value without a schema. */
export const evaluateOn = (text: string, fields: Readonly<Record<string, Value>>): CelValue =>
  evaluate(text, { value: struct(fields) })

/** The message of what fails it for a value of these fields. */
export function failure(text: string, fields: Readonly<Record<string, Value>> = {}): string {
  try {
    evaluateOn(text, fields)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  return 'nothing failed'
}

/** What is wrong with an expression before there is any record. */
export const problem = (text: string): string => checkExpression(text) ?? 'no problem'

export function structOf(fields: Readonly<Record<string, Schema>>): Schema {
  return {
    type: 'STRUCT',
    optional: false,
    fields: Object.entries(fields).map(([name, schema]) => ({ name, schema })),
  }
}

export const required = (type: Schema['type'], more: Partial<Schema> = {}): Schema => ({
  type,
  optional: false,
  ...more,
})
