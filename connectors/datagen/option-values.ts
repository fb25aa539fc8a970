import { type AvroType, isStruct, type Json, struct, type Value } from 'sluice'
import { isObject, shown } from './annotations.ts'
import { wholeForm } from './whole-form.ts'

/** Says which value is not one of its type, and why. */
export class WrongOption extends Error {}

/** The Connect value of an option, which stands in the schema as JSON. @throws WrongOption */
export function optionValue(json: Json | undefined, type: AvroType): Value {
  const whole = wholeForm(type)
  const value = whole === undefined ? plainValue(json, type) : wholeValue(json, whole)
  if (value === undefined) throw new WrongOption(`${shown(json)}, which is no ${type.name}`)
  return value
}

function wholeValue(
  json: Json | undefined,
  form: NonNullable<ReturnType<typeof wholeForm>>,
): Value | undefined {
  const number = form.read(json)
  return number === undefined || number < form.least || number > form.greatest
    ? undefined
    : form.value(number)
}

function plainValue(json: Json | undefined, type: AvroType): Value | undefined {
  switch (type.type) {
    case 'null':
      return json === null ? null : undefined
    case 'boolean':
      return typeof json === 'boolean' ? json : undefined
    case 'float':
    case 'double':
      return typeof json === 'number' ? fraction(json, type) : undefined
    case 'string':
      return typeof json === 'string' ? json : undefined
    case 'enum':
      return symbolsOf(type).find((symbol) => symbol === json)
    case 'bytes':
    case 'fixed':
      return bytes(json, type)
    case 'array':
      return Array.isArray(json) ? arrayValue(json as readonly Json[], type) : undefined
    default:
      return isObject(json) || type.type === 'union' ? compound(json, type) : undefined
  }
}

function compound(json: Json | undefined, type: AvroType): Value | undefined {
  if (type.type === 'union') return unionValue(json, type)
  const given = isObject(json) ? json : {}
  if (type.type === 'map')
    return new Map(Object.entries(given).map(([name, item]) => [name, optionValue(item, type.items!)]))
  const names = new Set(type.fields.map(({ name }) => name))
  const foreign = Object.keys(given).find((name) => !names.has(name))
  if (foreign !== undefined) throw new WrongOption(`a field "${foreign}", which ${type.name} does not have`)
  return struct(
    Object.fromEntries(
      type.fields.map((field) => {
        const own = given[field.name] === undefined ? field.attributes['default'] : given[field.name]
        return [field.name, optionValue(own, field.type)]
      }),
    ),
  )
}

function fraction(number: number, type: AvroType): number | undefined {
  const rounded = type.type === 'float' ? Math.fround(number) : number
  return Number.isFinite(rounded) ? rounded : undefined
}

export function symbolsOf({ attributes }: AvroType): readonly string[] {
  return attributes['symbols'] as readonly string[]
}

/** A character a byte, as Avro writes bytes in JSON. */
function bytes(json: Json | undefined, { type, attributes }: AvroType): Buffer | undefined {
  if (typeof json !== 'string' || /[^\0-\xff]/.test(json)) return undefined
  const found = Buffer.from(json, 'latin1')
  return type === 'fixed' && found.length !== attributes['size'] ? undefined : found
}

function arrayValue(json: readonly Json[], type: AvroType): Value {
  const items = json.map((item) => optionValue(item, type.items!))
  return arrayOrMap(items, type)
}

/** Where Connect has an array as a map, its items are the entries. */
export function arrayOrMap(items: readonly Value[], { connect }: AvroType): Value {
  if (connect?.type !== 'MAP') return items
  const entries = items.filter(isStruct)
  return new Map(entries.map((entry) => [entry['key'] ?? null, entry['value'] ?? null]))
}

/** Of the first branch that it fits. */
function unionValue(json: Json | undefined, union: AvroType): Value | undefined {
  for (const [i, { type }] of union.branches.entries()) {
    try {
      return branchValue(union, i, optionValue(json, type))
    } catch (error) {
      if (!(error instanceof WrongOption)) throw error
    }
  }
  return undefined
}

/** A value of a branch, as the union has it. */
export function branchValue({ branches }: AvroType, branch: number, value: Value): Value {
  const own = branches[branch]?.field ?? null
  if (own === null) return value
  const names = branches.flatMap(({ field }) => field ?? [])
  return struct(Object.fromEntries(names.map((name) => [name, name === own ? value : null])))
}
