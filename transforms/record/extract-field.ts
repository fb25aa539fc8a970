import { ConfigError, DataError, defineConfig, key, struct, type TransformPlugin } from 'sluice'
import { entriesOf, mapSide, perSchema, requireStruct } from './data.ts'
import { fieldAt, fieldPath, schemalessAt, syntaxKey, valueAt } from './field-path.ts'
import { APACHE, replaceNullKey } from './keys.ts'

const config = defineConfig({
  field: key.string({ doc: 'The field to extract.', importance: 'MEDIUM' }),
  ...replaceNullKey,
  ...syntaxKey,
})

const PURPOSE = 'field extraction'

export const extractField: TransformPlugin<typeof config.keys> = {
  kind: 'transform',
  name: 'ExtractField',
  aliases: [`${APACHE}.ExtractField`],
  version: '1.0.0',
  summary: 'Puts one field of a key or value in the place of the whole; null stays null.',
  config,
  examples: [
    {
      summary: 'a field of a field',
      config: { field: 'a.b', 'field.syntax.version': 'V2' },
      have: [{ value: struct({ a: struct({ b: 'x' }) }) }, { value: struct() }, { value: null }],
      want: [{ value: 'x' }, { value: null }, { value: null }],
    },
    {
      summary: 'with a schema the field must be in it',
      config: { field: 'b' },
      have: [{ valueSchema: { type: 'STRUCT', optional: false, fields: [] }, value: struct() }],
      want: [{ error: 'record.field' }],
    },
  ],
  open(values, { side }) {
    const { field: text, 'field.syntax.version': version, 'replace.null.with.default': useDefault } = values
    const path = fieldPath(text, version)
    if ('problem' in path) throw new ConfigError([{ path: 'field', message: path.problem }])
    const found = perSchema((schema) => fieldAt(schema, path))
    return mapSide(side, ({ schema, value }) => {
      if (schema === null) {
        if (value !== null) entriesOf(value, PURPOSE)
        return { schema, value: schemalessAt(value, path) }
      }
      if (value !== null) requireStruct(value, PURPOSE)
      const field = found(schema)
      if (field === undefined) throw new DataError('record.field', `Unknown field: ${text}`)
      return { schema: field.schema, value: valueAt(value, schema, path, useDefault) }
    })
  },
}
