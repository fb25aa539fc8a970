import type { Field, Schema } from '../api/schema.ts'
import { sameFields } from './same-schema.ts'

/** How a schema came about: `base` with `fields` added at its end. */
export interface Extension {
  readonly base: Schema
  readonly fields: readonly Field[]
}

const MAX_REMEMBERED = 16

const extended = new WeakMap<Schema, { fields: readonly Field[]; schema: Schema }[]>()
const extensions = new WeakMap<Schema, Extension>()

/**
 * A STRUCT schema with fields added at its end. The same input gives the same object, so that what is derived from
 * a schema (an Avro schema, a registry id) can be cached per object.
 */
export function extendSchema(base: Schema, fields: readonly Field[]): Schema {
  let known = extended.get(base)
  if (known === undefined) extended.set(base, (known = []))
  const hit = known.find((entry) => sameFields(entry.fields, fields))
  if (hit !== undefined) return hit.schema
  const schema: Schema = { ...base, fields: [...(base.fields ?? []), ...fields] }
  extensions.set(schema, { base, fields })
  if (known.length === MAX_REMEMBERED) known.shift()
  known.push({ fields, schema })
  return schema
}

/** What `extendSchema` made a schema of; undefined for any other schema. */
export function extensionOf(schema: Schema): Extension | undefined {
  return extensions.get(schema)
}
