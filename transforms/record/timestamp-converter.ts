import {
  ConfigError,
  type ConfigOf,
  defineConfig,
  key,
  type Schema,
  struct,
  type TransformPlugin,
  type Value,
} from 'sluice'
import {
  copied,
  entriesOf,
  fieldsOf,
  mapOf,
  mapSide,
  perSchema,
  requireStruct,
  structSchema,
} from './data.ts'
import { checkDatePattern, type DateFormat, dateFormat } from './java/date-format.ts'
import {
  isKind,
  type Kind,
  KINDS,
  kindOfSchema,
  kindOfValue,
  read,
  schemaOf,
  UNITS,
  write,
} from './timestamp-kinds.ts'
import { trimmed } from './java/tokens.ts'
import { APACHE, oneOf, replaceNullKey } from './keys.ts'

const config = defineConfig({
  field: key.string({
    doc: 'The field with the timestamp; empty where the key or value itself is one.',
    importance: 'HIGH',
    default: '',
  }),
  'target.type': key.string({
    doc: 'What the timestamp becomes: string, unix, Date, Time or Timestamp.',
    importance: 'HIGH',
    recommended: KINDS,
    check: oneOf(...KINDS),
  }),
  format: key.string({
    doc: 'How a timestamp is written as text, in UTC: a pattern of java.text.SimpleDateFormat. It reads text, and writes it.',
    importance: 'MEDIUM',
    default: '',
    check: checkDatePattern,
  }),
  'unix.precision': key.string({
    doc: 'The unit of unix timestamps: seconds, milliseconds, microseconds or nanoseconds. What is finer than a millisecond is lost.',
    importance: 'LOW',
    default: 'milliseconds',
    recommended: Object.keys(UNITS),
    check: oneOf(...Object.keys(UNITS)),
  }),
  ...replaceNullKey,
})

const PURPOSE = 'converting timestamp formats'

type Convert = (value: Value, from: Kind | undefined) => Value

function converter(values: ConfigOf<typeof config.keys>): Convert {
  const { 'target.type': target, format: pattern, 'unix.precision': unit } = values
  if (target === 'string' && trimmed(pattern) === '') {
    const message = 'TimestampConverter requires format option to be specified when using string timestamps'
    throw new ConfigError([{ path: 'format', message }])
  }
  const format: DateFormat | undefined = trimmed(pattern) === '' ? undefined : dateFormat(pattern)
  return (value, from) => {
    if (value === null) return null
    const date = read(value, from ?? kindOfValue(value), format, unit)
    return write(date, target as Kind, format, unit)
  }
}

export const timestampConverter: TransformPlugin<typeof config.keys> = {
  kind: 'transform',
  name: 'TimestampConverter',
  aliases: [`${APACHE}.TimestampConverter`],
  version: '1.0.0',
  summary: 'Converts timestamps between text, numbers, and the types Date, Time and Timestamp.',
  config,
  examples: [
    {
      summary: 'a number of milliseconds becomes text',
      config: { field: 'at', 'target.type': 'string', format: 'yyyy-MM-dd HH:mm:ssX' },
      have: [{ value: struct({ at: 1_199_318_400_000n }) }, { value: struct({ at: true }) }, { value: null }],
      want: [{ value: struct({ at: '2008-01-03 00:00:00Z' }) }, { error: 'record.schema' }, { value: null }],
    },
    {
      summary: 'text becomes a number of seconds; what does not fit the pattern fails',
      config: { 'target.type': 'unix', format: 'dd.MM.yyyy', 'unix.precision': 'seconds' },
      have: [{ value: '03.01.2008' }, { value: 'x' }],
      want: [{ value: 1_199_318_400n }, { error: 'record.value' }],
    },
  ],
  open(values, { side }) {
    const { field: name, 'target.type': target, 'replace.null.with.default': useDefault } = values
    if (!isKind(target)) throw new ConfigError([{ path: 'target.type', message: `${target} is not a type` }])
    const convert = converter(values)
    const convertStruct = (value: Value, from: Schema, to: Schema) =>
      value === null
        ? null
        : copied(requireStruct(value, PURPOSE), { from, to }, useDefault, (field, item) =>
            field.name === name ? convert(item, kindOfSchema(field.schema)) : item,
          )
    const converted = perSchema((schema): Schema => {
      const fields = fieldsOf(schema).map((field) =>
        field.name === name ? { name, schema: schemaOf(target, field.schema.optional) } : field,
      )
      const to = structSchema(schema, fields, schema.optional)
      const fallback = schema.default ?? null
      return fallback === null ? to : { ...to, default: convertStruct(fallback, schema, to) }
    })
    return mapSide(side, ({ schema, value }) => {
      if (schema !== null) {
        if (name === '')
          return { schema: schemaOf(target, schema.optional), value: convert(value, kindOfSchema(schema)) }
        if (value !== null) requireStruct(value, PURPOSE)
        const to = converted(schema)
        return { schema: to, value: convertStruct(value, schema, to) }
      }
      if (name === '' || value === null) return { schema, value: convert(value, undefined) }
      const entries = entriesOf(value, PURPOSE)
      return mapOf(new Map([...entries, [name, convert(entries.get(name) ?? null, undefined)]]))
    })
  },
}
