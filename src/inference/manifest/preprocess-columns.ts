import { type Float64Column, MISSING, type ModelColumn } from '../../api/batch.ts'
import type { ModelInput, Scores } from '../../api/models.ts'
import type { LoadedModel } from '../loaded-model.ts'
import type { EncodedField } from './manifest-preprocess.ts'

/** The fields in the order of the network's numbers. */
export function inOrder(fields: readonly EncodedField[]): readonly EncodedField[] {
  return fields.toSorted((a, b) => a.index - b.index)
}

/** Why fields cannot be the numbers that a model takes; undefined where they can. */
export function columnsMisfit(
  fields: readonly EncodedField[],
  inputs: readonly ModelInput[],
): string | undefined {
  const isTensor = inputs.some(({ type }) => type === 'tensor')
  if (isTensor) return 'preprocess.columns: the model takes a tensor, which is not made of fields'
  const names = inOrder(fields).map(({ field }) => field)
  const wrong = inputs.find(({ name, type }, i) => name !== names[i] || type !== 'numeric')
  if (wrong === undefined && names.length === inputs.length) return undefined
  const own = inputs.map(({ name, type }) => `${name} (${type})`).join(', ')
  return `preprocess.columns: the model has columns of its own, ${own}: only numbers of these names, in this order, can be made`
}

/** The model with fields for inputs: categories are texts, and what is missing or unseen is what the manifest says. */
export function encodeColumns(
  loaded: LoadedModel,
  columns: readonly EncodedField[],
  missing: readonly string[],
): LoadedModel {
  const fields = inOrder(columns)
  const inputs = fields.map(({ domain, field }, i): ModelInput => {
    // What its numbers are, the file says: whole ones are read to the last digit.
    if (domain === undefined) return { type: 'numeric', ...loaded.inputs[i], name: field, required: true }
    // Texts that are missing are levels behind the others: who reads a column need not know of them.
    return { name: field, type: 'categorical', domain: [...domain, ...missing], required: true }
  })
  return {
    ...loaded,
    inputs,
    namesColumns: true,
    async score(given, length, decision) {
      const problems = new Map<number, string>()
      const refuse = (row: number, { field }: EncodedField) =>
        problems.set(row, `${field} is a category that preprocess.columns of its manifest does not have`)
      const encoded = given.map((column, i) => encode(column, fields[i]!, refuse))
      const scores = await loaded.score(encoded, length, decision)
      for (const row of problems.keys()) poison(scores, row)
      return problems.size === 0
        ? scores
        : { ...scores, problems: new Map([...(scores.problems ?? []), ...problems]) }
    },
  }
}

function encode(
  column: ModelColumn,
  field: EncodedField,
  refuse: (row: number, field: EncodedField) => void,
): Float64Column {
  const { domain, fill = NaN, unseen = 'missing' } = field
  if (column.type === 'float64') {
    const values = column.values.map((value, row) =>
      column.present[row] === 1 && !Number.isNaN(value) ? value : fill,
    )
    // Only digits that a double rounds are looked up there, which no number in the place of a missing one needs.
    return { ...columnOf(values), ...(column.exact === undefined ? {} : { exact: column.exact }) }
  }
  if (column.type !== 'category' || domain === undefined)
    throw new TypeError(`a column of type ${column.type} for the field ${field.field}`)
  const other = typeof unseen === 'number' ? unseen : fill
  const values = Float64Array.from(column.levels, (level, row) => {
    if (level >= domain.length || level === MISSING) return fill
    if (level >= 0) return level
    if (unseen === 'error') refuse(row, field)
    return other
  })
  return columnOf(values)
}

function columnOf(values: Float64Array): Float64Column {
  return {
    type: 'float64',
    values,
    present: Uint8Array.from(values, (value) => Number(!Number.isNaN(value))),
  }
}

function poison({ prediction, outputs }: Scores, row: number): void {
  if (prediction.type === 'float64') prediction.values[row] = NaN
  for (const { values } of outputs) values[row] = NaN
}
