import { isStruct, type Schema, struct, type Value } from '../../src/index.ts'

/** JSON that names the Java class of each value: null, a boolean, or a list such as `["long", "7"]`. */
export type Tagged = null | boolean | readonly [string, ...unknown[]]

const INTEGERS: Readonly<Record<string, string>> = { INT8: 'byte', INT16: 'short', INT32: 'int' }

export function tagged(value: Value, schema: Schema | null): Tagged {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'string') return ['string', value]
  if (typeof value === 'bigint') return ['long', String(value)]
  if (typeof value === 'number') {
    const integer = INTEGERS[schema?.type ?? '']
    if (integer !== undefined) return [integer, value]
    return [schema?.type === 'FLOAT32' ? 'float' : 'double', Object.is(value, -0) ? '-0.0' : String(value)]
  }
  if (Buffer.isBuffer(value)) return ['bytes', value.toString('base64')]
  if (value instanceof Date) return ['date', value.getTime()]
  if (Array.isArray(value))
    return ['list', (value as readonly Value[]).map((item) => tagged(item, schema?.valueSchema ?? null))]
  if (value instanceof Map) {
    const entries = [...(value as ReadonlyMap<Value, Value>)]
    return [
      'map',
      entries.map(([key, item]) => [
        tagged(key, schema?.keySchema ?? null),
        tagged(item, schema?.valueSchema ?? null),
      ]),
    ]
  }
  if (!isStruct(value))
    return ['decimal', String((value as { unscaled: bigint }).unscaled), (value as { scale: number }).scale]
  if (schema === null)
    return ['map', Object.entries(value).map(([key, item]) => [tagged(key, null), tagged(item, null)])]
  const fields = (schema.fields ?? []).map((field) => [
    field.name,
    tagged(value[field.name] ?? null, field.schema),
  ])
  return ['struct', fields]
}

export function untagged(json: Tagged): Value {
  if (json === null || typeof json === 'boolean') return json
  const [kind, x, scale] = json
  switch (kind) {
    case 'string':
      return x as string
    case 'long':
      return BigInt(x as string)
    case 'bytes':
      return Buffer.from(x as string, 'base64')
    case 'date':
      return new Date(x as number)
    case 'decimal':
      return { unscaled: BigInt(x as string), scale: scale as number }
    case 'list':
      return (x as Tagged[]).map(untagged)
    case 'map': {
      const entries = (x as [Tagged, Tagged][]).map(([key, item]) => [untagged(key), untagged(item)] as const)
      return new Map<Value, Value>(entries)
    }
    case 'struct':
      return struct(
        Object.fromEntries((x as [string, Tagged][]).map(([name, item]) => [name, untagged(item)])),
      )
    default:
      return Number(x)
  }
}

/** A schema with its defaults tagged; null stays null. */
export function schemaJson(schema: Schema | null): unknown {
  if (schema === null) return null
  const { default: fallback = null, fields, keySchema, valueSchema, ...rest } = schema
  return {
    ...rest,
    ...(fallback !== null && { default: tagged(fallback, schema) }),
    ...(schema.type === 'STRUCT' && {
      fields: (fields ?? []).map(({ name, schema: each }) => ({ name, schema: schemaJson(each) })),
    }),
    ...(keySchema !== undefined && { keySchema: schemaJson(keySchema) }),
    ...(valueSchema !== undefined && { valueSchema: schemaJson(valueSchema) }),
  }
}

interface SchemaJson {
  readonly default?: Tagged
  readonly fields?: readonly { readonly name: string; readonly schema: SchemaJson }[]
  readonly keySchema?: SchemaJson
  readonly valueSchema?: SchemaJson
}

export function schemaFrom(json: unknown): Schema | null {
  if (json === null) return null
  const { default: fallback, fields, keySchema, valueSchema, ...rest } = json as SchemaJson
  const part = (each: SchemaJson) => schemaFrom(each) as Schema
  return {
    ...(rest as unknown as Schema),
    ...(fallback !== undefined && { default: untagged(fallback) }),
    ...(fields !== undefined && {
      fields: fields.map(({ name, schema }) => ({ name, schema: part(schema) })),
    }),
    ...(keySchema !== undefined && { keySchema: part(keySchema) }),
    ...(valueSchema !== undefined && { valueSchema: part(valueSchema) }),
  }
}
