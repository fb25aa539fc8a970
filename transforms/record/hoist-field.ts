import { defineConfig, key, struct, type TransformPlugin } from 'sluice'
import { fitting, mapOf, mapSide, perSchema, structSchema } from './data.ts'
import { APACHE } from './keys.ts'

const config = defineConfig({
  field: key.string({ doc: 'The name of the one field of what comes out.', importance: 'MEDIUM' }),
})

export const hoistField: TransformPlugin<typeof config.keys> = {
  kind: 'transform',
  name: 'HoistField',
  aliases: [`${APACHE}.HoistField`],
  version: '1.0.0',
  summary: 'Makes a struct with one field of a key or value as a whole; without a schema, a map.',
  config,
  examples: [
    {
      summary: 'a line of text becomes a record',
      config: { field: 'line' },
      have: [{ value: 'a' }, { valueSchema: { type: 'STRING', optional: false }, value: 'b' }],
      want: [{ value: struct({ line: 'a' }) }, { value: struct({ line: 'b' }) }],
    },
  ],
  open({ field }, { side }) {
    const hoisted = perSchema((schema) => structSchema(null, [{ name: field, schema }]))
    return mapSide(side, ({ schema, value }) =>
      schema === null
        ? mapOf(new Map([[field, value]]))
        : { schema: hoisted(schema), value: struct({ [field]: fitting({ name: field, schema }, value) }) },
    )
  },
}
