import {
  ConfigError,
  DataError,
  defineConfig,
  eachRecord,
  type Header,
  key,
  type RecordBatch,
  type Schema,
  struct,
  type TransformPlugin,
  type Value,
} from 'sluice'
import {
  copied,
  type Data,
  entriesOf,
  fieldOf,
  fieldsOf,
  fitting,
  mapOf,
  perSchema,
  requireStruct,
  structSchema,
  valueOf,
} from './data.ts'
import { headerText } from './java/header-text.ts'
import { APACHE, notEmpty, oneOf, replaceNullKey } from './keys.ts'

const config = defineConfig({
  fields: key.list({ doc: 'The fields whose values become headers.', importance: 'HIGH', check: notEmpty }),
  headers: key.list({
    doc: 'The names of the headers, in the order of the fields.',
    importance: 'HIGH',
    check: notEmpty,
  }),
  operation: key.string({
    doc: 'move takes the fields out of the record, copy leaves them.',
    importance: 'HIGH',
    recommended: ['move', 'copy'],
    check: oneOf('move', 'copy'),
  }),
  ...replaceNullKey,
})

const headerOf = (key: string, value: Value, schema: Schema | null): Header => ({
  key,
  value: value === null ? null : Buffer.from(headerText(value, schema)),
})

export const headerFrom: TransformPlugin<typeof config.keys> = {
  kind: 'transform',
  name: 'HeaderFrom',
  aliases: [`${APACHE}.HeaderFrom`],
  version: '1.0.0',
  summary: 'Moves or copies fields into the headers of a record.',
  config,
  examples: [
    {
      summary: 'a field becomes a header; a tombstone has no fields, and fails',
      config: { fields: 'id', headers: 'key-id', operation: 'move' },
      have: [{ value: struct({ id: 7n, a: 'x' }) }, { value: null }],
      want: [
        { value: struct({ a: 'x' }), headers: [{ key: 'key-id', value: Buffer.from('7') }] },
        { error: 'record.schema' },
      ],
    },
  ],
  open({ fields, headers: names, operation, 'replace.null.with.default': useDefault }, { side }) {
    if (fields.length !== names.length) {
      const message = "'fields' config must have the same number of elements as 'headers' config."
      throw new ConfigError([{ path: 'headers', message }])
    }
    const isMove = operation === 'move'
    const moved = new Set(isMove ? fields : [])
    const purpose = `header ${operation}`
    const rest = perSchema((schema) =>
      isMove
        ? structSchema(
            schema,
            fieldsOf(schema).filter(({ name }) => !moved.has(name)),
          )
        : schema,
    )
    const split = ({ schema, value }: Data): { readonly data: Data; readonly headers: readonly Header[] } => {
      if (schema === null) {
        const entries = entriesOf(value, purpose)
        const headers = fields.map((name, i) => headerOf(names[i] ?? name, entries.get(name) ?? null, null))
        return { data: mapOf(new Map([...entries].filter(([name]) => !moved.has(name)))), headers }
      }
      const record = requireStruct(value, purpose)
      const headers = fields.map((name, i) => {
        const field = fieldOf(schema, name)
        if (field === undefined) throw new DataError('record.field', `Field does not exist: ${name}`)
        return headerOf(names[i] ?? name, fitting(field, valueOf(record, field, useDefault)), field.schema)
      })
      const to = rest(schema)
      return {
        data: { schema: to, value: isMove ? copied(record, { from: to, to }, useDefault) : record },
        headers,
      }
    }
    return {
      apply(batch: RecordBatch) {
        const schemas = new Array<Schema | null>(batch.length).fill(null)
        const values = new Array<Value>(batch.length).fill(null)
        const all = new Array<readonly Header[] | undefined>(batch.length)
        eachRecord(batch, (row) => {
          const found = { schema: batch.schema(side, row), value: batch.value(side, row) }
          if (!batch.isLive(row)) return
          const { data, headers } = split(found)
          schemas[row] = data.schema
          values[row] = data.value
          all[row] = [...batch.headers(row), ...headers]
        })
        return batch.withData(side, schemas, values).withHeaders(all)
      },
    }
  },
}
