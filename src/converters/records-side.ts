import type { Column, ColumnFor, ColumnRequest, FailRow, LiveRows, Side } from '../api/batch.ts'
import { ConnectError } from '../api/errors.ts'
import { type Field, isStruct, type Schema, struct, type Value } from '../api/schema.ts'
import { extendSchema } from './schema-extension.ts'
import {
  columnValue,
  draftColumn,
  fieldExists,
  finishColumn,
  kindOf,
  missingField,
  notAStruct,
  setColumn,
} from './value-columns.ts'

/**
 * The plain form of a side: an array of schemas (null for schemaless data) and one of values. It does everything
 * that an encoded side does, from objects.
 */
export function recordsSide(schemas: readonly (Schema | null)[], values: readonly Value[]): Side {
  return new RecordsSide(schemas, values)
}

class RecordsSide implements Side {
  readonly length: number
  readonly #schemas: readonly (Schema | null)[]
  readonly #values: readonly Value[]

  constructor(schemas: readonly (Schema | null)[], values: readonly Value[]) {
    this.length = values.length
    this.#schemas = schemas
    this.#values = values
  }

  isNull(row: number): boolean {
    return (this.#values[row] ?? null) === null
  }

  schema(row: number): Schema | null {
    return this.#schemas[row] ?? null
  }

  value(row: number): Value {
    return this.#values[row] ?? null
  }

  column<R extends ColumnRequest>(
    field: string,
    request: R,
    rows: LiveRows,
    fail: FailRow,
    optional = false,
  ): ColumnFor<R> {
    const draft = draftColumn(field, request, this.length)
    for (let row = 0; row < this.length; row++) {
      const value = this.value(row)
      if (value === null || !rows.isLive(row)) continue
      guarded(row, fail, () => {
        const found = fieldOf(value, this.schema(row), field)
        if (found !== undefined) setColumn(draft, row, found.value, found.schema)
        else if (!optional) throw missingField(field)
      })
    }
    return finishColumn<R>(draft)
  }

  append(fields: readonly Field[], columns: readonly Column[], rows: LiveRows, fail: FailRow): Side {
    const schemas: (Schema | null)[] = this.#schemas.slice()
    const values = this.#values.slice()
    for (let row = 0; row < this.length; row++) {
      const value = this.value(row)
      if (value === null || !rows.isLive(row)) continue
      guarded(row, fail, () => {
        const schema = this.schema(row)
        values[row] = appendTo(value, schema, row, fields, columns)
        if (schema !== null) schemas[row] = extendSchema(schema, fields)
      })
    }
    return new RecordsSide(schemas, values)
  }
}

/** Runs `work` for a row; what it throws fails that row alone (invariant 6). */
export function guarded(row: number, fail: FailRow, work: () => void): void {
  try {
    work()
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error
    fail(row, error)
  }
}

const fieldSchemas = new WeakMap<Schema, ReadonlyMap<string, Schema>>()

function schemaOfField(schema: Schema, field: string): Schema | undefined {
  let known = fieldSchemas.get(schema)
  if (known === undefined) {
    known = new Map((schema.fields ?? []).map((f) => [f.name, f.schema]))
    fieldSchemas.set(schema, known)
  }
  return known.get(field)
}

function fieldOf(
  value: Value,
  schema: Schema | null,
  field: string,
): { value: Value; schema: Schema | null } | undefined {
  if (schema !== null) {
    if (schema.type !== 'STRUCT' || !isStruct(value)) throw notAStruct(schema.name ?? schema.type)
    const fieldSchema = schemaOfField(schema, field)
    return fieldSchema === undefined ? undefined : { value: value[field] ?? null, schema: fieldSchema }
  }
  if (value instanceof Map) {
    const map = value as ReadonlyMap<Value, Value>
    return map.has(field) ? { value: map.get(field) ?? null, schema: null } : undefined
  }
  if (!isStruct(value)) throw notAStruct(kindOf(value))
  return Object.hasOwn(value, field) ? { value: value[field] ?? null, schema: null } : undefined
}

/** A copy of a record with one row of the columns at its end. */
export function appendTo(
  value: Value,
  schema: Schema | null,
  row: number,
  fields: readonly Field[],
  columns: readonly Column[],
): Value {
  const added = fields.map((field, i): [string, Value] => {
    if (fieldOf(value, schema, field.name) !== undefined) throw fieldExists(field.name)
    return [field.name, columnValue(columns[i] as Column, row, field.name, field.schema)]
  })
  if (value instanceof Map) return new Map([...(value as ReadonlyMap<Value, Value>), ...added])
  const copy = struct(value as Readonly<Record<string, Value>>)
  for (const [name, item] of added) copy[name] = item
  return copy
}
