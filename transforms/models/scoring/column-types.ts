import { isStruct, LOGICAL, type ModelInput, type Schema, type SchemaType, type Value } from 'sluice'

/** What Confluent's AvroData calls the struct it makes of a union of several types. */
export const UNION_NAME = 'io.confluent.connect.avro.Union'

/** What a field holds, as far as a model's column cares; the other types are refused everywhere. */
type Kind = 'whole' | 'fraction' | 'decimal' | 'boolean' | 'text' | 'timestamp'

const KINDS: Partial<Record<SchemaType, Kind>> = {
  INT8: 'whole',
  INT16: 'whole',
  INT32: 'whole',
  INT64: 'whole',
  FLOAT32: 'fraction',
  FLOAT64: 'fraction',
  BOOLEAN: 'boolean',
  STRING: 'text',
}
const LOGICAL_KINDS = new Map<string | undefined, Kind | undefined>([
  [LOGICAL.decimal, 'decimal'],
  [LOGICAL.timestamp, 'timestamp'],
  [LOGICAL.date, undefined],
  [LOGICAL.time, undefined],
])

/** What a column takes, and how that is called. */
interface Wanted {
  readonly what: string
  readonly takes: readonly Kind[]
}

const NUMBERS: readonly Kind[] = ['whole', 'fraction', 'decimal']
const NUMBER: Wanted = { what: 'a number', takes: NUMBERS }
const BY_HOLDS: Readonly<Record<NonNullable<ModelInput['holds']>, Wanted>> = {
  whole: { what: 'a whole number', takes: NUMBERS },
  boolean: { what: 'a boolean or a number', takes: [...NUMBERS, 'boolean'] },
  datetime: { what: 'a number or a timestamp', takes: [...NUMBERS, 'timestamp'] },
}

const wantedOf = new WeakMap<ModelInput, Wanted>()

/** The table of docs/models.md: what a record may hold for a column, by what the model was trained on. */
function wanted(input: ModelInput): Wanted {
  if (input.type !== 'categorical') return input.holds === undefined ? NUMBER : BY_HOLDS[input.holds]
  let known = wantedOf.get(input)
  if (known === undefined) {
    const { domain = [] } = input
    const others: (readonly [Kind, string])[] = []
    // Levels that are no numbers, or no booleans, were made of texts: a number there would be a level never seen.
    if (domain.some((level) => /^-?\d+$/.test(level))) others.push(['whole', 'a whole number'])
    if (domain.includes('true') || domain.includes('false')) others.push(['boolean', 'a boolean'])
    known = {
      what: ['a text', ...others.map(([, what]) => what)].join(' or '),
      takes: ['text', ...others.map(([kind]) => kind)],
    }
    wantedOf.set(input, known)
  }
  return known
}

export function wantedName(input: ModelInput): string {
  return wanted(input).what
}

function kindOf({ type, name }: Schema): Kind | undefined {
  return LOGICAL_KINDS.has(name) ? LOGICAL_KINDS.get(name) : KINDS[type]
}

/** Whether records of a schema can hold what a column wants; a union can where one of its branches does. */
export function canHold(schema: Schema, input: ModelInput): boolean {
  if (schema.name === UNION_NAME) return (schema.fields ?? []).some((branch) => canHold(branch.schema, input))
  const kind = kindOf(schema)
  return kind !== undefined && wanted(input).takes.includes(kind)
}

/** Whether what it holds may be no whole number, where a column takes no other. */
export function mayNotFit(schema: Schema, { holds }: ModelInput): boolean {
  const kind = kindOf(schema)
  return holds === 'whole' && (kind === 'fraction' || kind === 'decimal')
}

/** Whether records of a schema can hold an array of numbers, or the only number of one. */
export function canHoldArray(schema: Schema, size: number): boolean {
  return (schema.type === 'ARRAY' || schema.name === UNION_NAME || size === 1) && holdsNumbers(schema)
}

function holdsNumbers(schema: Schema): boolean {
  const { type, name, valueSchema } = schema
  if (type === 'ARRAY') return valueSchema === undefined || holdsNumbers(valueSchema)
  const kind = kindOf(schema)
  return name === UNION_NAME || kind === 'whole' || kind === 'fraction'
}

/** Why a field is not what a column wants; `found` says what has it. */
export function mistyped(
  { field, input, model, found }: { field: string; input: ModelInput; model: string; found: string },
  schema: Schema,
): string {
  const column = field === input.name ? '' : ` for its column ${input.name}`
  return `the field ${field} has the wrong type: the model ${model} needs ${wantedName(input)}${column}, and the ${found} has ${typeName(schema)}.${hint(input, schema)}`
}

/** Why a field is not the array that a model wants. */
export function noArray(
  { field, size, model, found }: { field: string; size: number; model: string; found: string },
  schema: Schema,
): string {
  return `the field ${field} has the wrong type: the model ${model} needs an array of ${size} numbers, and the ${found} has ${typeName(schema)}.`
}

function hint(input: ModelInput, schema: Schema): string {
  const kind = kindOf(schema)
  if (input.type !== 'numeric' || input.holds !== undefined) return ''
  if (kind !== 'boolean' && kind !== 'timestamp') return ''
  const [type, what] = kind === 'boolean' ? ['boolean', '0 and 1'] : ['datetime', 'milliseconds since 1970']
  return ` If it was trained on ${what}, its manifest can say so: "type": "${type}" in signature.inputs.`
}

export function typeName({ type, name, valueSchema }: Schema): string {
  if (type === 'ARRAY' && valueSchema !== undefined) return `ARRAY of ${typeName(valueSchema)}`
  return name === undefined ? type : `${type} (${name})`
}

/** The schema that a value without one would have. */
export function schemaOf(value: Value): Schema {
  return { type: 'STRUCT', optional: true, ...typeOf(value) }
}

function typeOf(value: Value): Partial<Schema> {
  if (typeof value === 'number') return { type: 'FLOAT64' }
  if (typeof value === 'bigint') return { type: 'INT64' }
  if (typeof value === 'boolean') return { type: 'BOOLEAN' }
  if (typeof value === 'string') return { type: 'STRING' }
  if (Buffer.isBuffer(value)) return { type: 'BYTES' }
  if (value instanceof Date) return { type: 'INT64', name: LOGICAL.timestamp }
  if (value instanceof Map) return { type: 'MAP' }
  if (Array.isArray(value)) return { type: 'ARRAY' }
  return value !== null && !isStruct(value) ? { type: 'BYTES', name: LOGICAL.decimal } : {}
}
