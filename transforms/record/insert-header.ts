import { defineConfig, key, type TransformPlugin } from 'sluice'
import { literalText } from './java/header-literal.ts'
import { APACHE } from './keys.ts'

const config = defineConfig({
  header: key.string({ doc: 'The name of the header.', importance: 'HIGH' }),
  'value.literal': key.string({
    doc: 'The value of the header: a text, or what looks like a number, truth value, date, list or map, which is written as Connect writes it (1.50 as 1.5).',
    importance: 'HIGH',
  }),
})

export const insertHeader: TransformPlugin<typeof config.keys> = {
  kind: 'transform',
  level: 'record',
  name: 'InsertHeader',
  aliases: [`${APACHE}.InsertHeader`],
  version: '1.0.0',
  summary: 'Adds a header to every record.',
  config,
  examples: [
    {
      summary: 'behind the headers that are there',
      config: { header: 'by', 'value.literal': 'sluice' },
      have: [{ headers: [{ key: 'a', value: null }] }],
      want: [
        {
          headers: [
            { key: 'a', value: null },
            { key: 'by', value: Buffer.from('sluice') },
          ],
        },
      ],
    },
  ],
  open({ header, 'value.literal': literal }) {
    const text = literalText(literal)
    const value = text === null ? null : Buffer.from(text)
    return {
      adds: [],
      apply(batch) {
        if (value !== null && text !== null) {
          const levels = new Int32Array(batch.length)
          return batch.withHeader(header, { type: 'category', levels, domain: [text] })
        }
        return batch.withHeaders(
          Array.from({ length: batch.length }, (_, row) =>
            batch.isLive(row) ? [...batch.headers(row), { key: header, value }] : undefined,
          ),
        )
      },
    }
  },
}
