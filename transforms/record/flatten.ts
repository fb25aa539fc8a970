import {
  DataError,
  defineConfig,
  type Field,
  isStruct,
  key,
  type Schema,
  type Struct,
  struct,
  type TransformPlugin,
  type Value,
} from 'sluice'
import {
  basicsOf,
  entriesOf,
  fieldsOf,
  fitting,
  kindOf,
  mapOf,
  mapSide,
  perSchema,
  requireStruct,
  structSchema,
  valueOf,
} from './data.ts'
import { APACHE } from './keys.ts'

const config = defineConfig({
  delimiter: key.string({
    doc: 'What stands between the names of a field and of the field within it.',
    importance: 'MEDIUM',
    default: '.',
  }),
})

const PURPOSE = 'flattening'
type Join = (prefix: string, name: string) => string

function unsupported(what: string, where: string, name: string): DataError {
  const message = `Flatten transformation does not support ${what} for record ${where} (for field ${name}).`
  return new DataError('record.schema', message)
}

function flatMap(value: Value, prefix: string, join: Join, into: Map<string, Value>): Map<string, Value> {
  for (const [key, item] of entriesOf(value, PURPOSE)) {
    const name = join(prefix, key)
    if (item instanceof Map || isStruct(item)) flatMap(item, name, join, into)
    else if (item instanceof Date || kindOf(item) === 'decimal')
      throw unsupported(kindOf(item), 'without schemas', name)
    else into.set(name, item)
  }
  return into
}

interface Within {
  readonly prefix: string
  readonly optional: boolean
  /** Of the struct that the fields are in. */
  readonly fallback: Struct | null
}

/** The fields of a schema and of the structs in it, in one row. */
function flatFields(schema: Schema, { prefix, optional, fallback }: Within, join: Join): Field[] {
  return fieldsOf(schema).flatMap((field): Field[] => {
    const name = join(prefix, field.name)
    const isOptional = optional || field.schema.optional
    const given = field.schema.default ?? (fallback === null ? null : valueOf(fallback, field, true))
    if (field.schema.type === 'STRUCT') {
      const inner = { prefix: name, optional: isOptional, fallback: given as Struct | null }
      return flatFields(field.schema, inner, join)
    }
    if (field.schema.type === 'MAP') throw unsupported('MAP', 'with schemas', name)
    const { type, valueSchema } = field.schema
    const made: Schema = {
      ...{ type, optional: isOptional, ...basicsOf(field.schema) },
      ...(given !== null && { default: given }),
      ...(valueSchema !== undefined && { valueSchema }),
    }
    return [{ name, schema: made }]
  })
}

function flatStruct(record: Struct, schema: Schema, prefix: string, join: Join, into: Struct): void {
  for (const field of fieldsOf(schema)) {
    const name = join(prefix, field.name)
    const value = valueOf(record, field, true)
    if (field.schema.type !== 'STRUCT') into[name] = value
    else if (value !== null) flatStruct(requireStruct(value, PURPOSE), field.schema, name, join, into)
  }
}

export const flatten: TransformPlugin<typeof config.keys> = {
  kind: 'transform',
  name: 'Flatten',
  aliases: [`${APACHE}.Flatten`],
  version: '1.0.0',
  summary:
    'Puts the fields of structs and maps within a record beside its own, under joined names; arrays stay.',
  config,
  examples: [
    {
      summary: 'a field of a field gets both names',
      config: { delimiter: '_' },
      have: [{ value: struct({ a: struct({ b: 1n, c: struct({ d: 'x' }) }), e: [1n] }) }, { value: null }],
      want: [{ value: struct({ a_b: 1n, a_c_d: 'x', e: [1n] }) }, { value: null }],
    },
  ],
  open({ delimiter }, { side }) {
    const join: Join = (prefix, name) => (prefix === '' ? name : prefix + delimiter + name)
    const flat = perSchema((schema) => {
      const fallback = (schema.default ?? null) as Struct | null
      return structSchema(
        schema,
        flatFields(schema, { prefix: '', optional: schema.optional, fallback }, join),
      )
    })
    return mapSide(side, (data) => {
      if (data.value === null) return data
      if (data.schema === null) return mapOf(flatMap(data.value, '', join, new Map()))
      const record = requireStruct(data.value, PURPOSE)
      const schema = flat(data.schema)
      const found = struct()
      flatStruct(record, data.schema, '', join, found)
      const value = struct()
      for (const field of schema.fields ?? [])
        value[field.name] = Object.hasOwn(found, field.name) ? fitting(field, found[field.name]!) : null
      return { schema, value }
    })
  },
}
