import { defineConfig, type TransformPlugin } from 'sluice'
import { APACHE } from './keys.ts'

const config = defineConfig({})

export const filter: TransformPlugin<typeof config.keys> = {
  kind: 'transform',
  level: 'record',
  name: 'Filter',
  aliases: [`${APACHE}.Filter`],
  version: '1.0.0',
  summary: 'Drops all records: with a predicate, those that match it.',
  config,
  examples: [
    { summary: 'without a predicate nothing is left', config: {}, have: [{ value: 'a' }], want: [null] },
  ],
  open: () => ({
    adds: [],
    apply(batch) {
      for (let row = 0; row < batch.length; row++) batch.drop(row)
      return batch
    },
  }),
}
