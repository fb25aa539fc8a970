import { defineConfig, eachRecord, type Header, key, type TransformPlugin } from 'sluice'
import { APACHE, names } from './keys.ts'

const config = defineConfig({
  headers: key.list({ doc: 'The names of the headers to be removed.', importance: 'HIGH', check: names }),
})

const header = (key: string, text: string): Header => ({ key, value: Buffer.from(text) })

export const dropHeaders: TransformPlugin<typeof config.keys> = {
  kind: 'transform',
  level: 'record',
  name: 'DropHeaders',
  aliases: [`${APACHE}.DropHeaders`],
  version: '1.0.0',
  summary: 'Removes headers by name.',
  config,
  examples: [
    {
      summary: 'all headers of a name go, and others stay in their order',
      config: { headers: 'a,c' },
      have: [{ headers: [header('a', '1'), header('b', '2'), header('a', '3')] }, {}],
      want: [{ headers: [header('b', '2')] }, { headers: [] }],
    },
  ],
  open({ headers }) {
    const dropped = new Set(headers)
    return {
      adds: [],
      apply(batch) {
        const kept = new Array<readonly Header[] | undefined>(batch.length)
        eachRecord(batch, (row) => (kept[row] = batch.headers(row).filter(({ key }) => !dropped.has(key))))
        return batch.withHeaders(kept)
      },
    }
  },
}
