import {
  DataError,
  eachRecord,
  type Field,
  isStruct,
  type RecordBatch,
  type Schema,
  type SideName,
  struct,
  type Struct,
  toJson,
  type Transform,
  type Value,
} from 'sluice'

/** A key or value with its schema; null for schemaless data. */
export interface Data {
  readonly schema: Schema | null
  readonly value: Value
}

/** A transform that changes the keys or values of records, one by one. What `map` throws fails that record alone. */
export function mapSide(
  side: SideName,
  map: (data: Data, batch: RecordBatch, row: number) => Data,
): Transform {
  return {
    apply(batch) {
      const schemas = new Array<Schema | null>(batch.length).fill(null)
      const values = new Array<Value>(batch.length).fill(null)
      eachRecord(batch, (row) => {
        const data = { schema: batch.schema(side, row), value: batch.value(side, row) }
        if (!batch.isLive(row)) return
        const { schema, value } = map(data, batch, row)
        schemas[row] = schema
        values[row] = value
      })
      return batch.withData(side, schemas, values)
    },
  }
}

/** Keeps what was made of a schema, as long as that schema lives: most records of a batch share one. */
export function perSchema<T>(make: (schema: Schema) => T): (schema: Schema) => T {
  const made = new WeakMap<Schema, { readonly result: T }>()
  return (schema) => {
    let known = made.get(schema)
    if (known === undefined) made.set(schema, (known = { result: make(schema) }))
    return known.result
  }
}

export function wrongType(value: Value, wanted: string, purpose: string): DataError {
  return new DataError('record.schema', `Only ${wanted} supported for [${purpose}], found: ${kindOf(value)}`)
}

/** What a value is, in a word for an error. */
export function kindOf(value: Value): string {
  if (value === null) return 'null'
  if (typeof value !== 'object') return value.constructor.name.toLowerCase()
  if (Buffer.isBuffer(value)) return 'bytes'
  if (value instanceof Date) return 'date'
  if (Array.isArray(value)) return 'array'
  if (value instanceof Map) return 'map'
  return isStruct(value) ? 'struct' : 'decimal'
}

/** The fields of schemaless data, in order. */
export function entriesOf(value: Value, purpose: string): Map<string, Value> {
  if (value instanceof Map) {
    const map = value as ReadonlyMap<Value, Value>
    return new Map([...map].map(([key, item]) => [typeof key === 'string' ? key : toJson(key), item]))
  }
  if (isStruct(value)) return new Map(Object.entries(value))
  throw wrongType(value, 'maps in the absence of a schema', purpose)
}

/** Schemaless data of fields. */
export function mapOf(entries: ReadonlyMap<string, Value>): Data {
  const value = struct()
  for (const [name, item] of entries) value[name] = item
  return { schema: null, value }
}

export function requireStruct(value: Value, purpose: string): Struct {
  if (!isStruct(value)) throw wrongType(value, 'structs', purpose)
  return value
}

/** The fields of a struct's schema. */
export function fieldsOf(schema: Schema): readonly Field[] {
  if (schema.fields === undefined) {
    if (schema.type === 'STRUCT') return []
    throw new DataError('record.schema', 'Cannot list fields on non-struct type')
  }
  return schema.fields
}

export function fieldOf(schema: Schema, name: string): Field | undefined {
  return fieldsOf(schema).find((field) => field.name === name)
}

/** A field's value; with `useDefault` a null becomes the default of its schema. */
export function valueOf(record: Struct, { name, schema }: Field, useDefault: boolean): Value {
  const value = record[name] ?? null
  return value === null && useDefault ? (schema.default ?? null) : value
}

/** A value that a field takes. @throws DataError where it is null and must not be */
export function fitting({ name, schema }: Field, value: Value): Value {
  if (value !== null || schema.optional) return value
  const message = `Invalid value: null used for required field: "${name}", schema type: ${schema.type}`
  throw new DataError('record.value', message)
}

/** Name, version, doc and parameters of a schema, for another type. */
export function basicsOf({ name, version, doc, parameters }: Schema): Partial<Schema> {
  return {
    ...(name !== undefined && { name }),
    ...(version !== undefined && { version }),
    ...(doc !== undefined && { doc }),
    ...(parameters !== undefined && { parameters }),
  }
}

/** A struct's schema with the basics of another. @throws DataError where two fields have one name, or one has none */
export function structSchema(basics: Schema | null, fields: readonly Field[], optional = false): Schema {
  const names = new Set(fields.map(({ name }) => name))
  if (names.size !== fields.length) {
    const twice = fields.find(({ name }, i) => fields.findIndex((each) => each.name === name) !== i)
    const message = `Cannot create field because of field name duplication ${twice?.name ?? ''}`
    throw new DataError('record.field', message)
  }
  if (names.has('')) throw new DataError('record.field', 'fieldName cannot be null.')
  return { type: 'STRUCT', optional, ...(basics === null ? {} : basicsOf(basics)), fields }
}

/** A copy of a struct's fields for a schema that has them too; each is made by `make` where given. */
export function copied(
  record: Struct,
  { from, to }: { readonly from: Schema; readonly to: Schema },
  useDefault: boolean,
  make: (field: Field, value: Value) => Value = (_, value) => value,
): Struct {
  const copy = struct()
  const targets = fieldsOf(to)
  for (const [i, field] of fieldsOf(from).entries())
    copy[field.name] = fitting(targets[i] ?? field, make(field, valueOf(record, field, useDefault)))
  return copy
}
