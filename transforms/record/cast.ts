import {
  DataError,
  defineConfig,
  key,
  LOGICAL,
  type Schema,
  struct,
  type TransformPlugin,
  type Value,
} from 'sluice'
import { castTo, CASTS, type CastType } from './java/cast-values.ts'
import { trimmed } from './java/tokens.ts'
import {
  basicsOf,
  copied,
  type Data,
  entriesOf,
  fieldsOf,
  mapOf,
  mapSide,
  perSchema,
  requireStruct,
  structSchema,
} from './data.ts'
import { APACHE, replaceNullKey } from './keys.ts'

interface Spec {
  /** Of the key or value as a whole. */
  readonly whole?: CastType | undefined
  readonly fields: ReadonlyMap<string, CastType>
}

/** A string is what is wrong with it. */
function parseSpec(items: readonly string[]): Spec | string {
  if (items.length === 0) return 'Must specify at least one field to cast.'
  const fields = new Map<string, CastType>()
  let whole: CastType | undefined
  for (const item of items) {
    const [first = '', second, ...more] = item.replace(/:+$/, '').split(':')
    if (more.length > 0) return `Invalid rename mapping: ${item}`
    const name = trimmed(second ?? first)
    const type = CASTS.find((each) => each === name.toUpperCase())
    if (type === undefined) {
      const other = ['BYTES', 'ARRAY', 'MAP', 'STRUCT'].includes(name.toUpperCase())
      return other
        ? `Cast transformation does not support casting to ${name.toUpperCase()}; supported types are ${CASTS.join(', ')}`
        : `Invalid type found in casting spec: ${name}`
    }
    if (second === undefined) whole = type
    else fields.set(trimmed(first), type)
  }
  if (whole !== undefined && items.length > 1)
    return 'Cast transformations that specify a type to cast the entire value to may only specify a single cast in their spec'
  return { whole, fields }
}

const config = defineConfig({
  spec: key.list({
    doc: 'The fields to cast, each as field:type, or one type for the key or value as a whole. Types: int8, int16, int32, int64, float32, float64, boolean, string. Bytes become a string (base64) only.',
    importance: 'HIGH',
    check: (items) => {
      const spec = parseSpec(items)
      return typeof spec === 'string' ? spec : undefined
    },
  }),
  ...replaceNullKey,
})

const PURPOSE = 'cast types'

/** The schema of a value that was cast; its default is cast too. */
function castSchema(schema: Schema, type: CastType): Schema {
  const fallback = schema.default ?? null
  return {
    type,
    optional: schema.optional,
    ...(fallback !== null && { default: castTo(type, fallback, schema) }),
  }
}

function castStruct(schema: Schema, fields: Spec['fields']): Schema {
  if ((schema.default ?? null) !== null) {
    const message =
      'Cast transformation does not support casting from STRUCT: the default of the schema is one'
    throw new DataError('record.schema', message)
  }
  const cast = fieldsOf(schema).map((field) => {
    const type = fields.get(field.name)
    return type === undefined ? field : { name: field.name, schema: castSchema(field.schema, type) }
  })
  return structSchema(schema, cast, schema.optional)
}

function castSchemaless(value: Value, { whole, fields }: Spec): Data {
  if (whole !== undefined) return { schema: null, value: castTo(whole, value, null) }
  const entries = entriesOf(value, PURPOSE)
  const casts = [...fields].map(
    ([name, type]) => [name, castTo(type, entries.get(name) ?? null, null)] as const,
  )
  return mapOf(new Map([...entries, ...casts]))
}

export const cast: TransformPlugin<typeof config.keys> = {
  kind: 'transform',
  name: 'Cast',
  aliases: [`${APACHE}.Cast`],
  version: '1.0.0',
  summary: 'Casts fields, or a key or value as a whole, to another type.',
  config,
  examples: [
    {
      summary: 'fields; a text that is no number fails, and a tombstone stays one',
      config: { spec: 'a:int64,b:string' },
      have: [{ value: struct({ a: '7', b: 1.5 }) }, { value: struct({ a: 'x', b: 1.5 }) }, { value: null }],
      want: [{ value: struct({ a: 7n, b: '1.5' }) }, { error: 'record.value' }, { value: null }],
    },
    {
      summary: 'the value as a whole: what is too large for an int8 loses its upper bits, as in Java',
      config: { spec: 'int8' },
      have: [{ valueSchema: { type: 'INT32', optional: false }, value: 300 }],
      want: [{ valueSchema: { type: 'INT8', optional: false }, value: 44 }],
    },
  ],
  open({ spec: items, 'replace.null.with.default': useDefault }, { side }) {
    const spec = parseSpec(items) as Spec
    const { whole, fields } = spec
    const castWhole = perSchema((schema) => {
      const isLogical = Object.values<string | undefined>(LOGICAL).includes(schema.name)
      // The name stays, and the default would not fit it.
      if (isLogical && (schema.default ?? null) !== null)
        throw new DataError('record.schema', 'Invalid default value')
      return { ...castSchema(schema, whole!), ...basicsOf(schema) }
    })
    const castFields = perSchema((schema) => castStruct(schema, fields))
    return mapSide(side, (data) => {
      const { schema, value } = data
      if (value === null) return data
      if (schema === null) return castSchemaless(value, spec)
      if (whole !== undefined) return { schema: castWhole(schema), value: castTo(whole, value, schema) }
      const to = castFields(schema)
      const record = requireStruct(value, PURPOSE)
      const made = copied(record, { from: schema, to }, useDefault, ({ name, schema }, item) => {
        const type = fields.get(name)
        return type === undefined ? item : castTo(type, item, schema)
      })
      return { schema: to, value: struct(made) }
    })
  },
}
