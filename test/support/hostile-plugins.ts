import { type AnyPlugin, defineConfig, type RecordBatch, type TransformPlugin } from '../../src/index.ts'
import { transforms } from '../../transforms/index.ts'

/** What a record's value asks for. `held` lives as long as its batch is worked on. */
const DEEDS: Readonly<Record<string, (held: unknown[]) => void>> = {
  loop: () => {
    for (;;);
  },
  eat: () => {
    for (const all: string[][] = []; ;) all.push(new Array<string>(100_000).fill('x'))
  },
  /** 8 MB: one record has room, a hundred have not. */
  hold: (held) => void held.push(new Array<number>(2 ** 20).fill(0.5)),
  throw: () => {
    throw new TypeError('a bug in a transform')
  },
  leave: () => void Promise.reject(new Error('nobody waits for this')),
}

/** A transform that does what values say, and passes all others on. */
const hostile: TransformPlugin = {
  kind: 'transform',
  name: 'Hostile',
  version: '1',
  summary: 'Does what values say.',
  config: defineConfig({}),
  examples: [],
  open: () => ({
    apply(batch: RecordBatch): RecordBatch {
      const held: unknown[] = []
      for (let row = 0; row < batch.length; row++) {
        const value = batch.value('value', row)
        if (typeof value === 'string') DEEDS[value]?.(held)
      }
      return batch
    },
  }),
}

/** `sluice` with that transform, in the worker and in its task hosts, which are started with the same file. */
const list = transforms as unknown as AnyPlugin[]
list.push(hostile)
await import('../../src/cli/main.ts')
