import {
  ConfigError,
  type ConfigOf,
  defineConfig,
  type Field,
  key,
  LOGICAL,
  type RecordBatch,
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
import { APACHE, replaceNullKey } from './keys.ts'

const OPTIONALITY = 'A ! behind it makes the field required, a ? (the default) optional.'
const field = (what: string) =>
  key.string({ doc: `The field for ${what}. ${OPTIONALITY}`, importance: 'MEDIUM', optional: true })

const config = defineConfig({
  'topic.field': field('the topic'),
  'partition.field': field('the partition'),
  'offset.field': field('the offset'),
  'timestamp.field': field('the timestamp'),
  'static.field': field('the static value'),
  'static.value': key.string({ doc: 'The value of `static.field`.', importance: 'MEDIUM', optional: true }),
  ...replaceNullKey,
})

interface Insertion {
  readonly field: Field
  /** Undefined where the record has none; `schemaless` data has no dates. */
  readonly value: (batch: RecordBatch, row: number, schemaless: boolean) => Value | undefined
}

const PLACES: readonly [
  keyof ConfigOf<typeof config.keys>,
  Partial<Schema> & Pick<Schema, 'type'>,
  Insertion['value'],
][] = [
  ['topic.field', { type: 'STRING' }, (batch, row) => batch.topic(row)],
  [
    'partition.field',
    { type: 'INT32' },
    (batch, _row, schemaless) => (schemaless ? BigInt(batch.sourcePartition) : batch.sourcePartition),
  ],
  ['offset.field', { type: 'INT64' }, (batch, row) => batch.sourceOffset(row)],
  [
    'timestamp.field',
    { type: 'INT64', name: LOGICAL.timestamp, version: 1 },
    (batch, row, schemaless) => {
      const timestamp = batch.timestamp(row)
      if (timestamp === -1n) return undefined
      return schemaless ? timestamp : new Date(Number(timestamp))
    },
  ],
]

function insertions(values: ConfigOf<typeof config.keys>): Insertion[] {
  const fixed = values['static.value']
  const places = [...PLACES, ['static.field', { type: 'STRING' }, () => fixed] as (typeof PLACES)[number]]
  return places.flatMap(([name, type, value]): Insertion[] => {
    const spec = values[name]
    if (typeof spec !== 'string') return []
    const schema: Schema = { ...type, optional: !spec.endsWith('!') }
    return [{ field: { name: spec.replace(/[?!]$/, ''), schema }, value }]
  })
}

const PURPOSE = 'field insertion'

export const insertField: TransformPlugin<typeof config.keys> = {
  kind: 'transform',
  name: 'InsertField',
  aliases: [`${APACHE}.InsertField`],
  version: '1.0.0',
  summary: 'Adds fields with the topic, partition, offset or timestamp of a record, or with a fixed text.',
  config,
  examples: [
    {
      summary: 'where a record came from; a tombstone stays one',
      config: {
        'topic.field': 'topic',
        'offset.field': 'offset',
        'static.field': 'by',
        'static.value': 'sluice',
      },
      have: [{ value: struct({ a: 1n }) }, { value: null }],
      want: [{ value: struct({ a: 1n, topic: 't', offset: 0n, by: 'sluice' }) }, { value: null }],
    },
  ],
  open(values, { side }) {
    const added = insertions(values)
    if (added.length === 0)
      throw new ConfigError([{ path: 'static.field', message: 'No field insertion configured' }])
    if (values['static.field'] !== undefined && values['static.value'] === undefined)
      throw new ConfigError([{ path: 'static.value', message: 'No value specified for static field' }])
    const useDefault = values['replace.null.with.default']
    const extended = perSchema((schema) =>
      structSchema(schema, [...fieldsOf(schema), ...added.map(({ field }) => field)]),
    )
    return mapSide(side, (data, batch, row) => {
      if (data.value === null) return data
      const isSchemaless = data.schema === null
      const inserted = added.flatMap(({ field, value }): [string, Value][] => {
        const found = value(batch, row, isSchemaless)
        return found === undefined ? [] : [[field.name, found]]
      })
      if (data.schema === null) return mapOf(new Map([...entriesOf(data.value, PURPOSE), ...inserted]))
      const record = requireStruct(data.value, PURPOSE)
      const to = extended(data.schema)
      const value = copied(record, { from: data.schema, to }, useDefault)
      for (const { field } of added) value[field.name] = null
      return { schema: to, value: Object.assign(value, Object.fromEntries(inserted)) }
    })
  },
}
