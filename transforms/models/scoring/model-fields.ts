import {
  type Column,
  ConfigError,
  DataError,
  isStruct,
  MISSING,
  type Model,
  type ModelColumn,
  type ModelInput,
  type RecordBatch,
  type Scores,
  type SideName,
  UNSEEN,
  type Value,
} from 'sluice'

/** Where a model's columns are, and whether they must be there; see `FieldSource`. */
export interface ColumnSource {
  readonly fieldOf: ReadonlyMap<string, string>
  /** Columns that must be there where `missing.fields` lets a record lack all others; undefined: it does not. */
  readonly needs?: ReadonlySet<string>
}

/** Whether a record may lack the field of a column: `missing.fields` decides, else the model, but for what `fields` names. */
export function mayLack({ name, required }: ModelInput, { fieldOf, needs }: ColumnSource): boolean {
  return needs === undefined ? !required && !fieldOf.has(name) : !needs.has(name)
}

/** The columns that a model reads, from the fields of a side. */
export function readColumns(
  batch: RecordBatch,
  side: SideName,
  model: Model,
  source: ColumnSource,
): Column[] {
  const { fieldOf } = source
  const columns = model.inputs.map((input): Column => {
    const field = fieldOf.get(input.name) ?? input.name
    const optional = mayLack(input, source)
    if (input.type === 'numeric')
      return batch.column(side, field, input.datatype === 'INT64' ? 'int64' : 'float64', optional)
    const request = input.domain === undefined ? 'string' : { domain: input.domain }
    return batch.column(side, field, request, optional)
  })
  const fields = new Set(model.inputs.map(({ name }) => fieldOf.get(name) ?? name))
  failStrangers(batch, side, { columns, fields, model: model.name })
  return columns
}

interface Read {
  readonly columns: readonly Column[]
  readonly fields: ReadonlySet<string>
  readonly model: string
}

/** A record that has none of the model's columns is not one of its rows, even where each column may be absent. */
function failStrangers(batch: RecordBatch, side: SideName, { columns, fields, model }: Read): void {
  for (let row = 0; row < batch.length; row++) {
    if (!batch.isLive(row) || batch.isNull(side, row) || !columns.every((c) => isMissing(c, row))) continue
    if (namesOf(batch, side, row).some((name) => fields.has(name))) continue
    const message = `The record has none of the columns of the model ${model}: ${shorten([...fields])}. Is it the right topic, or does the transform need fields?`
    batch.fail(row, new DataError('record.field', message))
  }
}

/** The names of a record's fields; those of its schema where it has one. */
function namesOf(batch: RecordBatch, side: SideName, row: number): readonly string[] {
  const schema = batch.schema(side, row)
  if (schema !== null) return (schema.fields ?? []).map(({ name }) => name)
  const value = batch.value(side, row)
  if (value instanceof Map)
    return [...(value as ReadonlyMap<Value, Value>).keys()].filter((key) => typeof key === 'string')
  return isStruct(value) ? Object.keys(value) : []
}

function isMissing(column: Column, row: number): boolean {
  if (column.type === 'float64') return column.present[row] === 0
  return column.type === 'category' ? column.levels[row] === MISSING : column.values[row] === null
}

/** A row without a number was not scored: an offset is missing, or a number where the model has nothing in its place. */
export function isScored({ prediction, outputs }: Scores, row: number): boolean {
  const numbers = prediction.type === 'float64' ? prediction : outputs[0]
  return !Number.isNaN(numbers?.values[row])
}

/** Who scored a row, and what it was given. */
export interface Unscored {
  readonly modelOf: (row: number) => Model
  readonly columnsOf: (model: Model) => readonly ModelColumn[]
}

/** Fails rows without a number, each with what the engine said, or with what its columns hold. */
export function failUnscored(
  batch: RecordBatch,
  side: SideName,
  scores: Scores,
  { modelOf, columnsOf }: Unscored,
): void {
  const read = new Map<Model, readonly ModelColumn[]>()
  for (let row = 0; row < batch.length; row++) {
    if (isScored(scores, row) || !batch.isLive(row) || batch.isNull(side, row)) continue
    const model = modelOf(row)
    let why = scores.problems?.get(row)
    if (why === undefined) {
      const columns = read.get(model) ?? columnsOf(model)
      read.set(model, columns)
      why = whyUnscored(model, columns, row)
    }
    const what = `The model ${model.name} gives no number for the record: ${why}.`
    batch.fail(row, new DataError('record.value', what))
  }
}

/** What a row holds that a model may have no number for. */
function whyUnscored({ inputs }: Model, columns: readonly ModelColumn[], row: number): string {
  const found = columns.flatMap((column, i) => {
    const what = oddity(column, row)
    return what === null ? [] : [`${inputs[i]?.name ?? i} ${what}`]
  })
  if (found.length > 0) return shorten(found)
  return 'what it computes is not a number, though every column has a value'
}

function oddity(column: ModelColumn, row: number): string | null {
  if (column.type === 'float64') {
    const value = column.values[row]!
    if (column.present[row] === 0) return 'is missing'
    return Number.isNaN(value) ? 'is NaN' : Number.isFinite(value) ? null : 'is infinite'
  }
  if (column.type === 'category') {
    const level = column.levels[row]!
    if (level === MISSING) return 'is missing'
    return level === UNSEEN ? 'is a category that the model does not know' : null
  }
  if (column.type !== 'tensor') return column.values[row] === null ? 'is missing' : null
  const size = column.shape.reduce((product, each) => product * each, 1)
  const numbers = [...column.data.subarray(row * size, (row + 1) * size)].map(Number)
  if (numbers.some((value) => Number.isNaN(value))) return 'is missing, or has a NaN'
  return numbers.every((value) => Number.isFinite(value)) ? null : 'has an infinite number'
}

/** `column:field` pairs, or the fields of all columns in order, as a map. */
export function readFields(model: Model, pairs: readonly string[]): Map<string, string> {
  const names = model.inputs.map((input) => input.name)
  if (pairs.length > 0 && pairs.every((item) => !item.includes(':'))) {
    if (pairs.length === names.length) return new Map(names.map((name, i) => [name, pairs[i] ?? name]))
    const message = `${pairs.length} fields are named, but the model ${model.name} has ${names.length} columns: ${shorten(names)}.`
    throw new ConfigError([{ path: 'fields', message }])
  }
  const fieldOf = new Map(pairs.map((pair) => pair.split(/:(.*)/s, 2) as [string, string]))
  const unknown = [...fieldOf.keys()].filter((column) => !names.includes(column))
  if (unknown.length === 0) return fieldOf
  const message = `The model ${model.name} has no column ${unknown.join(', ')}. It has: ${shorten(names)}.`
  throw new ConfigError([{ path: 'fields', message }])
}

/** As many columns are named in a message. */
export const SHOWN = 30

export function shorten(names: readonly string[]): string {
  return names.length > SHOWN ? `${names.slice(0, SHOWN).join(', ')}, …` : names.join(', ')
}
