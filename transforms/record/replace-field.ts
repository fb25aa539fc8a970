import { isDeepStrictEqual } from 'node:util'
import {
  DataError,
  defineConfig,
  type Field,
  key,
  LOGICAL,
  type Schema,
  struct,
  type TransformPlugin,
  type Value,
} from 'sluice'
import {
  entriesOf,
  fieldOf,
  fieldsOf,
  fitting,
  mapOf,
  mapSide,
  perSchema,
  requireStruct,
  structSchema,
  valueOf,
} from './data.ts'
import { APACHE, distinctNames, replaceNullKey } from './keys.ts'

const list = (doc: string) => key.list({ doc, importance: 'MEDIUM', default: [], check: distinctNames })

const config = defineConfig({
  exclude: list('The fields to leave out; it counts for more than `include`.'),
  include: list('The fields to keep; empty for all.'),
  renames: key.list({
    doc: 'Other names for fields, each as old:new.',
    importance: 'MEDIUM',
    default: [],
    check: (renames) => {
      const wrong = renames.find((each) => parts(each).length !== 2)
      return wrong === undefined ? undefined : `Invalid rename mapping: ${wrong}`
    },
  }),
  ...replaceNullKey,
  blacklist: list('The old name of `exclude`, which counts for more.'),
  whitelist: list('The old name of `include`, which counts for more.'),
})

/** As Java splits: what is empty at the end does not count. */
function parts(mapping: string): string[] {
  const all = mapping.split(':')
  while (all.length > 0 && all.at(-1) === '') all.pop()
  return all
}

const PURPOSE = 'field replacement'

export const replaceField: TransformPlugin<typeof config.keys> = {
  kind: 'transform',
  name: 'ReplaceField',
  aliases: [`${APACHE}.ReplaceField`],
  version: '1.0.0',
  summary: 'Leaves fields out, or gives them other names.',
  config,
  examples: [
    {
      summary: 'one field goes, another gets a new name; a tombstone stays one',
      config: { exclude: 'secret', renames: 'a:b' },
      have: [{ value: struct({ a: 1n, secret: 'x', c: null }) }, { value: null }],
      want: [{ value: struct({ b: 1n, c: null }) }, { value: null }],
    },
    {
      summary: 'under the old names of the options',
      config: { whitelist: 'a,b', blacklist: 'b' },
      have: [{ value: struct({ a: 1n, b: 2n, c: 3n }) }],
      want: [{ value: struct({ a: 1n }) }],
    },
  ],
  open(values, { side }) {
    const either = (now: readonly string[], old: readonly string[]) => new Set(now.length > 0 ? now : old)
    const exclude = either(values.exclude, values.blacklist)
    const include = either(values.include, values.whitelist)
    const renames = new Map(values.renames.map((each) => parts(each) as [string, string]))
    const reverse = new Map(hashOrder(renames).map(([from, to]) => [to, from]))
    const useDefault = values['replace.null.with.default']
    const isKept = (name: string): boolean => !exclude.has(name) && (include.size === 0 || include.has(name))
    const renamed = (name: string): string => renames.get(name) ?? name
    const replaced = perSchema((schema) => {
      const kept = fieldsOf(schema).filter(({ name }) => isKept(name))
      const to = structSchema(
        schema,
        kept.map(({ name, schema }) => ({ name: renamed(name), schema })),
      )
      // As in Apache's: a name is looked up under its old one, whether it was renamed or had that name before.
      return { to, from: (to.fields ?? []).map(({ name }) => required(schema, reverse.get(name) ?? name)) }
    })
    return mapSide(side, (data) => {
      if (data.value === null) return data
      if (data.schema === null) {
        const entries = [...entriesOf(data.value, PURPOSE)].filter(([name]) => isKept(name))
        return mapOf(new Map(entries.map(([name, value]) => [renamed(name), value])))
      }
      const record = requireStruct(data.value, PURPOSE)
      const { to, from } = replaced(data.schema)
      const value = struct()
      for (const [i, field] of (to.fields ?? []).entries())
        value[field.name] = typed(field, from[i]!, valueOf(record, from[i]!, useDefault))
      return { schema: to, value }
    })
  },
}

function required(schema: Schema, name: string) {
  const field = fieldOf(schema, name)
  if (field === undefined) throw new DataError('record.field', `${name} is not a valid field name`)
  return field
}

/** What Java has a value of a schema as. */
function classOf({ name, type }: Schema): string {
  if (name === LOGICAL.decimal) return 'decimal'
  return name === LOGICAL.date || name === LOGICAL.time || name === LOGICAL.timestamp ? 'date' : type
}

/** A value under the name of another field: that field's type must be its own. */
function typed(to: Field, from: Field, value: Value): Value {
  if (value !== null && from.schema !== to.schema && !fits(value, from.schema, to.schema)) {
    const message = `Invalid value for schema with type ${to.schema.type}: ${from.schema.type} for field: "${to.name}"`
    throw new DataError('record.schema', message)
  }
  return fitting(to, value)
}

/** Whether a schema takes a value of another one, as Connect checks it: the items of a list or map, but a struct's schema. */
function fits(value: Value, from: Schema | undefined, to: Schema | undefined): boolean {
  if (from === undefined || to === undefined) return from === to
  if (value === null) return to.optional
  if (classOf(from) !== classOf(to)) return false
  if (to.type === 'STRUCT') return isDeepStrictEqual(from, to)
  if (Array.isArray(value))
    return (value as readonly Value[]).every((item) => fits(item, from.valueSchema, to.valueSchema))
  if (!(value instanceof Map)) return true
  return [...(value as ReadonlyMap<Value, Value>)].every(
    ([key, item]) => fits(key, from.keySchema, to.keySchema) && fits(item, from.valueSchema, to.valueSchema),
  )
}

/** The order in which Java's HashMap gives entries: of two renames to one name, the last counts. */
function hashOrder(map: ReadonlyMap<string, string>): [string, string][] {
  let size = 16
  while (map.size > size * 0.75) size *= 2
  const bucket = (text: string): number => {
    let hash = 0
    for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
    return (hash ^ (hash >>> 16)) & (size - 1)
  }
  return [...map].sort(([a], [b]) => bucket(a) - bucket(b))
}
