import {
  DataError,
  isStruct,
  type Model,
  type ModelInput,
  type RecordBatch,
  type Schema,
  type SideName,
  type Value,
} from 'sluice'
import { canHold, canHoldArray, mistyped, noArray, schemaOf, UNION_NAME } from './column-types.ts'
import type { FieldSource } from './model-inputs.ts'

/**
 * Fails the rows whose fields are of another type than the model's columns, before anything is read: by their schema,
 * or by what they hold where they have none. A null is a missing value, whatever type it is of.
 */
export function failMistyped(batch: RecordBatch, side: SideName, model: Model, source: FieldSource): void {
  const reading = { model, source }
  // What cannot be looked at fails where it is read, not here.
  const detached = batch.detached()
  let last: Schema | null = null
  let isFine = false
  for (let row = 0; row < batch.length; row++) {
    if (!batch.isLive(row) || batch.isNull(side, row)) continue
    const schema = detached.schema(side, row)
    if (schema !== null && schema !== last) [last, isFine] = [schema, fits(schema, reading)]
    if (schema !== null && isFine) continue
    const problem = problemOf(detached.value(side, row), schema, reading)
    if (problem === undefined) continue
    batch.fail(row, new DataError('record.field', `${problem[0]?.toUpperCase()}${problem.slice(1)}`))
  }
}

interface Reading {
  readonly model: Model
  readonly source: FieldSource
}

function fieldOf(column: string, source: FieldSource): string {
  return source.kind === 'array' ? source.field : (source.fieldOf.get(column) ?? column)
}

/** Whether all records of a schema hold what the model wants. */
function fits(schema: Schema, reading: Reading): boolean {
  const fields = schemasOf(schema)
  const isUnion = ({ name }: ModelInput) => fields.get(fieldOf(name, reading.source))?.name === UNION_NAME
  return (
    firstProblem((name) => fields.get(name), reading) === undefined && !reading.model.inputs.some(isUnion)
  )
}

function schemasOf({ fields = [] }: Schema): ReadonlyMap<string, Schema> {
  return new Map(fields.map(({ name, schema }) => [name, schema]))
}

/** What is wrong with the first field that is; `find` says what a field is, undefined where it is not there. */
function firstProblem(
  find: (field: string) => Schema | undefined,
  { model, source }: Reading,
): string | undefined {
  if (source.kind === 'array') {
    const { field, size } = source
    const schema = find(field)
    if (schema === undefined || canHoldArray(schema, size)) return undefined
    return noArray({ field, size, model: model.name, found: 'record' }, schema)
  }
  for (const input of model.inputs) {
    const field = fieldOf(input.name, source)
    const schema = find(field)
    if (schema !== undefined && !canHold(schema, input))
      return mistyped({ field, input, model: model.name, found: 'record' }, schema)
  }
  return undefined
}

function problemOf(value: Value, schema: Schema | null, reading: Reading): string | undefined {
  const schemas = schema === null ? undefined : schemasOf(schema)
  return firstProblem((name) => {
    const found = memberOf(value, name) ?? null
    if (found === null) return undefined
    if (schemas === undefined) return schemaOf(found)
    const known = schemas.get(name)
    return known?.name === UNION_NAME ? branchOf(found, known) : known
  }, reading)
}

function memberOf(value: Value, name: string): Value | undefined {
  if (value instanceof Map) return (value as ReadonlyMap<Value, Value>).get(name)
  return isStruct(value) && Object.hasOwn(value, name) ? value[name] : undefined
}

/** The branch of a union that a value is of. */
function branchOf(value: Value, union: Schema): Schema | undefined {
  const name = isStruct(value) ? Object.keys(value).find((key) => value[key] !== null) : undefined
  return union.fields?.find((branch) => branch.name === name)?.schema
}
