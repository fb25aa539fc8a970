import { type Decimal, decimalText, isStruct, javaNumber, type Schema, type Value } from 'sluice'
import { dateText } from './date-format.ts'

/** The text that Connect's SimpleHeaderConverter makes of a value. Within another value texts are in quotes. */
export function headerText(value: Value, schema: Schema | null, embedded = false): string {
  if (value === null) return 'null'
  if (typeof value === 'string') return embedded ? quoted(value) : value
  if (typeof value === 'number') return numberText(value, schema)
  if (typeof value !== 'object') return String(value)
  if (Buffer.isBuffer(value)) return embedded ? `"${value.toString('base64')}"` : value.toString('base64')
  if (value instanceof Date) return dateText(value)
  if (Array.isArray(value)) {
    const items = (value as readonly Value[]).map((item) =>
      headerText(item, schema?.valueSchema ?? null, true),
    )
    return `[${items.join(',')}]`
  }
  if (value instanceof Map) {
    const entries = [...(value as ReadonlyMap<Value, Value>)].map(
      ([key, item]) =>
        `${headerText(key, schema?.keySchema ?? null, true)}:${headerText(item, schema?.valueSchema ?? null, true)}`,
    )
    return `{${entries.join(',')}}`
  }
  return isStruct(value) ? structText(value, schema) : decimalText(value as Decimal)
}

function structText(value: Readonly<Record<string, Value>>, schema: Schema | null): string {
  const names = schema?.fields?.map(({ name }) => name) ?? Object.keys(value)
  const fields = names.map((name) => {
    const field = schema?.fields?.find((each) => each.name === name)?.schema ?? null
    return `${quoted(name)}:${headerText(value[name] ?? field?.default ?? null, field, true)}`
  })
  return `{${fields.join(',')}}`
}

function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

function numberText(value: number, schema: Schema | null): string {
  if (schema?.type.startsWith('INT') === true) return String(value)
  return javaNumber(value, schema?.type === 'FLOAT32')
}
