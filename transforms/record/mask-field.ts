import {
  DataError,
  defineConfig,
  isStruct,
  key,
  type Schema,
  struct,
  type TransformPlugin,
  type Value,
} from 'sluice'
import { copied, entriesOf, kindOf, mapOf, mapSide, requireStruct } from './data.ts'
import { decimalNumber, parseDecimal, wholePart } from './java/number-text.ts'
import { APACHE, names, replaceNullKey } from './keys.ts'

const config = defineConfig({
  fields: key.list({ doc: 'The fields to mask.', importance: 'HIGH', check: names }),
  replacement: key.string({
    doc: 'What takes the place of numbers and texts. Default: 0, false, an empty text, and so on.',
    importance: 'LOW',
    optional: true,
    check: (text) => (text === '' ? 'String must be non-empty' : undefined),
  }),
  ...replaceNullKey,
})

const PURPOSE = 'mask fields'
const NOTHING = new Map<string, Value>([
  ...([
    ['boolean', false],
    ['number', 0],
    ['bigint', 0n],
    ['string', ''],
  ] as const),
])

/** A value that tells nothing; null stays null. */
function masked(value: Value): Value {
  if (value === null) return null
  const plain = NOTHING.get(typeof value)
  if (plain !== undefined) return plain
  if (value instanceof Date) return new Date(0)
  if (Array.isArray(value)) return []
  if (value instanceof Map) return new Map()
  if (kindOf(value) === 'decimal') return { unscaled: 0n, scale: 0 }
  throw new DataError('record.schema', `Cannot mask value of type: ${kindOf(value)}`)
}

const BITS: Readonly<Record<string, number>> = { INT8: 8, INT16: 16, INT32: 32, INT64: 64 }

/** The replacement in the type of a value. */
function replaced(value: Value, type: string | undefined, replacement: string): Value {
  if (value === null) return null
  if (typeof value === 'string') return replacement
  const kind = kindOf(value)
  if (typeof value !== 'number' && typeof value !== 'bigint' && kind !== 'decimal')
    throw new DataError('record.schema', `Cannot mask value of type ${kind} with custom replacement.`)
  const decimal = parseDecimal(replacement)
  if (decimal === undefined) throw new DataError('record.value', `Unable to convert ${replacement} to number`)
  if (kind === 'decimal') return decimal
  const bits = typeof value === 'bigint' ? 64 : BITS[type ?? '']
  if (bits !== undefined) {
    const whole = BigInt.asIntN(bits, wholePart(decimal))
    return typeof value === 'bigint' ? whole : Number(whole)
  }
  return type === 'FLOAT32' ? Math.fround(decimalNumber(decimal)) : decimalNumber(decimal)
}

export const maskField: TransformPlugin<typeof config.keys> = {
  kind: 'transform',
  name: 'MaskField',
  aliases: [`${APACHE}.MaskField`],
  version: '1.0.0',
  summary: 'Masks fields with a value of their type that tells nothing, or with a replacement.',
  config,
  examples: [
    {
      summary: 'by type',
      config: { fields: 'a,b,c' },
      have: [{ value: struct({ a: 'secret', b: 7n, c: null, d: 1 }) }],
      want: [{ value: struct({ a: '', b: 0n, c: null, d: 1 }) }],
    },
    {
      summary: 'with a replacement; a truth value has none, and a tombstone has no fields: both fail',
      config: { fields: 'a', replacement: '12' },
      have: [
        { value: struct({ a: 'secret' }) },
        { value: struct({ a: 7n }) },
        { value: struct({ a: true }) },
        { value: null },
      ],
      want: [
        { value: struct({ a: '12' }) },
        { value: struct({ a: 12n }) },
        { error: 'record.schema' },
        { error: 'record.schema' },
      ],
    },
  ],
  open({ fields, replacement, 'replace.null.with.default': useDefault }, { side }) {
    const names = new Set(fields)
    const mask = (value: Value, schema?: Schema): Value => {
      if (replacement !== undefined) return replaced(value, schema?.type, replacement)
      // Without a schema a struct is what Java has as a map.
      return schema === undefined && isStruct(value) ? struct() : masked(value)
    }
    return mapSide(side, ({ schema, value }) => {
      if (schema === null) {
        const entries = entriesOf(value, PURPOSE)
        return mapOf(
          new Map([...entries, ...fields.map((name) => [name, mask(entries.get(name) ?? null)] as const)]),
        )
      }
      const record = requireStruct(value, PURPOSE)
      const made = copied(record, { from: schema, to: schema }, useDefault, (field, item) =>
        names.has(field.name) ? mask(item, field.schema) : item,
      )
      return { schema, value: made }
    })
  },
}
