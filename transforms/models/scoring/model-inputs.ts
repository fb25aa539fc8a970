import {
  type Column,
  DataError,
  type Model,
  type ModelColumn,
  ModelError,
  type RecordBatch,
  type SideName,
  type TensorColumn,
  type Value,
} from 'sluice'
import { schemaOf, typeName } from './column-types.ts'
import { failMistyped } from './mistyped-rows.ts'
import { type ColumnSource, readColumns, readFields } from './model-fields.ts'

/** Where a model's inputs come from: a field each, or one field that holds an array of all numbers. */
export type FieldSource =
  | ({ readonly kind: 'columns' } & ColumnSource)
  | { readonly kind: 'array'; readonly field: string; readonly size: number }

/**
 * Reads the key `fields`. A single name for a model of several numbers is the field of an array; so is the one field of
 * a model that takes a tensor. Throws ConfigError where the fields do not fit; a pair may be for a shadow model alone.
 */
export function placeFields(
  model: Model,
  named: readonly string[],
  shadows: readonly Model[] = [],
): FieldSource {
  const has = ({ inputs }: Model, pair: string): boolean =>
    inputs.some(({ name }) => pair.startsWith(`${name}:`))
  const fields = named.filter((pair) => has(model, pair) || !shadows.some((shadow) => has(shadow, pair)))
  const [first] = model.inputs
  const [name] = fields
  if (first?.type === 'tensor') {
    const size = first.shape?.reduce((product, each) => product * each, 1) ?? 1
    const field = readFields(model, fields).get(first.name) ?? first.name
    if (model.inputs.length === 1) return { kind: 'array', field, size }
    const what = `The model ${model.name} takes several tensors at once, which records cannot hold. Merge its inputs into one.`
    throw new ModelError('model.unsupported', what)
  }
  const isArray = fields.length === 1 && name !== undefined && !name.includes(':') && model.inputs.length > 1
  if (isArray && model.inputs.every(({ type }) => type === 'numeric'))
    return { kind: 'array', field: name, size: model.inputs.length }
  return { kind: 'columns', fieldOf: readFields(model, fields) }
}

/**
 * Where a shadow model finds its inputs: in the same array, or in the fields that `fields` or the serving model's place
 * say, by the names of the columns.
 */
export function placeShadow(shadow: Model, fields: readonly string[], serving: FieldSource): FieldSource {
  const pairs = fields
    .filter((item) => item.includes(':'))
    .map((pair) => pair.split(/:(.*)/s, 2) as [string, string])
  const fieldOf = new Map([...(serving.kind === 'columns' ? serving.fieldOf : []), ...pairs])
  const [first, ...others] = shadow.inputs
  if (first?.type === 'tensor' && others.length === 0) {
    const field = serving.kind === 'array' ? serving.field : (fieldOf.get(first.name) ?? first.name)
    return placeFields(shadow, [`${first.name}:${field}`])
  }
  if (serving.kind === 'array' && shadow.inputs.every(({ type }) => type === 'numeric'))
    return { kind: 'array', field: serving.field, size: shadow.inputs.length }
  return { kind: 'columns', fieldOf }
}

/** The model's columns of a batch. A row whose field is of another type than its column, or whose array has another length, or holds something else, fails alone. */
export function readInputs(
  batch: RecordBatch,
  side: SideName,
  model: Model,
  source: FieldSource,
): readonly ModelColumn[] {
  failMistyped(batch, side, model, source)
  if (source.kind === 'columns') return readColumns(batch, side, model, source)
  const { field, size } = source
  const [first] = model.inputs
  const isLong = first?.datatype === 'INT64'
  const { data, exact } = readArrays(batch, side, { field, size, isLong })
  if (first?.type === 'tensor') {
    const tensor: TensorColumn = {
      type: 'tensor',
      datatype: 'FP64',
      shape: first.shape ?? [size],
      data,
      ...(isLong ? { exact } : {}),
    }
    return [tensor]
  }
  return model.inputs.map((_, k): Column => {
    const values = Float64Array.from({ length: batch.length }, (__, row) => data[row * size + k] ?? NaN)
    return {
      type: 'float64',
      values,
      present: Uint8Array.from(values, (value) => Number(!Number.isNaN(value))),
      ...(isLong
        ? { exact: BigInt64Array.from({ length: batch.length }, (__, row) => exact[row * size + k] ?? 0n) }
        : {}),
    }
  })
}

interface Arrays {
  readonly field: string
  readonly size: number
  /** Whether whole numbers are wanted to the last digit. */
  readonly isLong: boolean
}

interface Digits {
  readonly data: Float64Array
  /** Empty where it is not wanted. */
  readonly exact: BigInt64Array
}

/** The numbers of a field of arrays, nested or flat, row after row; NaN where a row has none. */
function readArrays(batch: RecordBatch, side: SideName, { field, size, isLong }: Arrays): Digits {
  const data = new Float64Array(batch.length * size).fill(NaN)
  const exact = new BigInt64Array(isLong ? batch.length * size : 0)
  const { values } = batch.column(side, field, 'value')
  values.forEach((value, row) => {
    if (value === null || !batch.isLive(row) || batch.isNull(side, row)) return
    const numbers: (number | bigint)[] = []
    const problem =
      flatten(value, numbers, size) ?? (numbers.length === size ? null : `${numbers.length} numbers`)
    if (problem === null)
      numbers.forEach((number, k) => {
        data[row * size + k] = Number(number)
        if (isLong && typeof number === 'bigint') exact[row * size + k] = number
      })
    else {
      const what = `The field ${field} must be an array of ${size} numbers, but has ${problem}.`
      batch.fail(row, new DataError('record.field', what))
    }
  })
  return { data, exact }
}

/** Appends the numbers of a value; returns what else was found. */
function flatten(value: Value, into: (number | bigint)[], size: number): string | null {
  if (Array.isArray(value)) {
    for (const each of value as readonly Value[]) {
      const problem = flatten(each, into, size)
      if (problem !== null) return problem
      if (into.length > size) return `more than ${size}`
    }
    return null
  }
  if (typeof value !== 'number' && typeof value !== 'bigint')
    return value === null ? 'a null' : typeName(schemaOf(value))
  into.push(value)
  return null
}
