import {
  DataError,
  defineConfig,
  eachRecord,
  key,
  type Schema,
  struct,
  type TransformPlugin,
  type Value,
} from 'sluice'
import {
  type Data,
  entriesOf,
  fieldOf,
  fitting,
  mapOf,
  perSchema,
  requireStruct,
  structSchema,
  valueOf,
} from './data.ts'
import { APACHE, names, replaceNullKey } from './keys.ts'

const config = defineConfig({
  fields: key.list({
    doc: 'The fields of the value that make the key.',
    importance: 'HIGH',
    check: names,
  }),
  ...replaceNullKey,
})

const PURPOSE = 'copying fields from value to key'

export const valueToKey: TransformPlugin<typeof config.keys> = {
  kind: 'transform',
  level: 'record',
  name: 'ValueToKey',
  aliases: [`${APACHE}.ValueToKey`],
  version: '1.0.0',
  summary: 'Makes a new key of some fields of the value.',
  config,
  examples: [
    {
      summary: 'the key is a struct; a tombstone has no fields, and fails',
      config: { fields: 'id' },
      have: [{ value: struct({ id: 'a', size: 1n }) }, { value: null }],
      want: [{ key: struct({ id: 'a' }), value: struct({ id: 'a', size: 1n }) }, { error: 'record.schema' }],
    },
  ],
  open({ fields: list, 'replace.null.with.default': useDefault }) {
    const fields = [...new Set(list)]
    const keySchema = perSchema((schema) =>
      structSchema(
        null,
        fields.map((name) => {
          const field = fieldOf(schema, name)
          if (field === undefined) throw new DataError('record.field', `Field does not exist: ${name}`)
          return field
        }),
      ),
    )
    const keyOf = ({ schema, value }: Data): Data => {
      if (schema === null) {
        const entries = entriesOf(value, PURPOSE)
        return mapOf(new Map(fields.map((name) => [name, entries.get(name) ?? null])))
      }
      const record = requireStruct(value, PURPOSE)
      const to = keySchema(schema)
      const made = struct()
      for (const field of to.fields ?? [])
        made[field.name] = fitting(field, valueOf(record, field, useDefault))
      return { schema: to, value: made }
    }
    return {
      apply(batch) {
        const schemas = new Array<Schema | null>(batch.length).fill(null)
        const keys = new Array<Value>(batch.length).fill(null)
        eachRecord(batch, (row) => {
          const data = { schema: batch.schema('value', row), value: batch.value('value', row) }
          if (!batch.isLive(row)) return
          const made = keyOf(data)
          schemas[row] = made.schema
          keys[row] = made.value
        })
        return batch.withData('key', schemas, keys)
      },
    }
  },
}
