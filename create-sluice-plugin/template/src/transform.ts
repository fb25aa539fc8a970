import {
  type ConfigProblem,
  DataError,
  defineConfig,
  isStruct,
  key,
  mapRecords,
  type Schema,
  struct,
  type TransformPlugin,
  type Value,
} from 'sluice'

/** Temperatures, as what they are in degrees Celsius and back. */
const UNITS: Readonly<Record<string, readonly [(value: number) => number, (celsius: number) => number]>> = {
  celsius: [(value) => value, (celsius) => celsius],
  fahrenheit: [(value) => ((value - 32) * 5) / 9, (celsius) => (celsius * 9) / 5 + 32],
  kelvin: [(value) => value - 273.15, (celsius) => celsius + 273.15],
}

function checkUnit(unit: string): string | undefined {
  return unit in UNITS ? undefined : `must be one of ${Object.keys(UNITS).join(', ')}`
}

const config = defineConfig({
  field: key.string({ doc: 'The field that holds a temperature.', importance: 'HIGH' }),
  from: key.string({ doc: 'Its unit: celsius, fahrenheit or kelvin.', importance: 'HIGH', check: checkUnit }),
  to: key.string({ doc: 'The unit it is to have.', default: 'celsius', check: checkUnit }),
})

function conversion(from: string, to: string): (value: number) => number {
  const [toCelsius, fromCelsius] = [UNITS[from]?.[0], UNITS[to]?.[1]]
  if (toCelsius === undefined || fromCelsius === undefined) throw new TypeError(`${from} to ${to}`)
  return (value) => fromCelsius(toCelsius(value))
}

/** A number, also where JSON without a schema has a whole one. What is thrown fails the record alone. */
function numberOf(value: Value | undefined, schema: Schema | undefined, field: string): number | null {
  if (value === undefined) throw new DataError('record.field', `The record has no field ${field}.`)
  if (value === null) return null
  if (schema !== undefined && !isFloat(schema)) throw new DataError('record.field', noFloat(field, schema))
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value)
  throw new DataError('record.field', `The field ${field} is no number.`)
}

function isFloat({ type }: Schema): boolean {
  return type === 'FLOAT32' || type === 'FLOAT64'
}

function noFloat(field: string, { type }: Schema): string {
  return `the field ${field} is ${type}, and a temperature has fractions. Cast it to float64 before.`
}

/** What would fail every record: said when a connector is configured, before there is one. */
function problems(field: string, schema: Schema | null): readonly ConfigProblem[] {
  if (schema === null) return []
  const found = schema.fields?.find(({ name }) => name === field)
  if (found === undefined) return [{ path: 'field', message: `the schema has no field ${field}.` }]
  return isFloat(found.schema) ? [] : [{ path: 'field', message: noFloat(field, found.schema) }]
}

export const convertUnits: TransformPlugin<typeof config.keys> = {
  kind: 'transform',
  name: 'MyPluginUnits',
  version: '0.1.0',
  summary: 'Converts a temperature from one unit to another.',
  config,
  examples: [
    {
      summary: 'degrees Fahrenheit become degrees Celsius, and other fields stay',
      config: { field: 'temperature', from: 'fahrenheit' },
      have: [{ value: struct({ station: 'Oslo', temperature: 68 }) }],
      want: [{ value: struct({ station: 'Oslo', temperature: 20 }) }],
    },
    {
      summary: 'a record without the field fails alone; a missing temperature and a tombstone pass',
      config: { field: 'temperature', from: 'kelvin' },
      have: [
        { value: struct({ station: 'Oslo' }) },
        { value: struct({ temperature: null }) },
        { value: null },
      ],
      want: [{ error: 'record.field' }, { value: struct({ temperature: null }) }, { value: null }],
    },
  ],
  open({ field, from, to }, { side }) {
    const convert = conversion(from, to)
    const records = mapRecords((record) => {
      const data = record[side]
      if (data === null) return record
      if (!isStruct(data)) throw new DataError('record.field', `The ${side} has no fields.`)
      const fields = record[`${side}Schema`]?.fields
      const schema = fields?.find(({ name }) => name === field)?.schema
      const value = numberOf(data[field], schema, field)
      return { ...record, [side]: struct({ ...data, [field]: value === null ? null : convert(value) }) }
    })
    return { ...records, checkSchema: (schema) => ({ schema, problems: problems(field, schema) }) }
  },
}
