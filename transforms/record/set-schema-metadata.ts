import {
  ConfigError,
  DataError,
  defineConfig,
  isStruct,
  key,
  type Schema,
  struct,
  type TransformPlugin,
} from 'sluice'
import { copied, fieldsOf, mapSide, perSchema } from './data.ts'
import { APACHE, replaceNullKey } from './keys.ts'

const config = defineConfig({
  'schema.name': key.string({ doc: 'The name to set.', importance: 'HIGH', optional: true }),
  'schema.version': key.int({ doc: 'The version to set.', importance: 'HIGH', optional: true }),
  ...replaceNullKey,
})

const schema: Schema = { type: 'STRUCT', optional: false, fields: [] }

export const setSchemaMetadata: TransformPlugin<typeof config.keys> = {
  kind: 'transform',
  name: 'SetSchemaMetadata',
  aliases: [`${APACHE}.SetSchemaMetadata`],
  version: '1.0.0',
  summary: 'Sets the name, the version or both of the schema of a struct; other types fail, as in Apache’s.',
  config,
  examples: [
    {
      summary: 'name and version; data without a schema fails',
      config: { 'schema.name': 'flights.Line', 'schema.version': '2' },
      have: [{ valueSchema: schema, value: struct() }, { value: 'b' }, { value: null }],
      want: [
        { valueSchema: { ...schema, name: 'flights.Line', version: 2 }, value: struct() },
        { error: 'record.schema' },
        { value: null },
      ],
    },
  ],
  open(
    { 'schema.name': name, 'schema.version': version, 'replace.null.with.default': useDefault },
    { side },
  ) {
    if (name === undefined && version === undefined)
      throw new ConfigError([{ path: 'schema.name', message: 'Neither schema name nor version configured' }])
    const renamed = perSchema((schema) => ({
      ...schema,
      fields: fieldsOf(schema),
      ...(name !== undefined && { name }),
      ...(version !== undefined && { version }),
    }))
    return mapSide(side, ({ schema, value }) => {
      if (schema === null) {
        if (value === null) return { schema, value }
        throw new DataError('record.schema', 'Schema required for [updating schema metadata]')
      }
      const to = renamed(schema)
      return { schema: to, value: isStruct(value) ? copied(value, { from: schema, to }, useDefault) : value }
    })
  },
}
