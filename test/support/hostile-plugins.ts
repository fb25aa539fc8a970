import { once } from 'node:events'
import { appendFileSync, existsSync, readFileSync, unwatchFile, watchFile } from 'node:fs'
import {
  type AnyPlugin,
  defineConfig,
  errorCode,
  key,
  type RecordBatch,
  type SinkConnector,
  type SourceConnector,
  type SourceRecord,
  type TransformPlugin,
  UnavailableError,
} from '../../src/index.ts'
import { connectors } from '../../connectors/index.ts'
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

const sourceConfig = defineConfig({
  deed: key.string({ doc: 'What it does.' }),
  topic: key.string({ doc: 'Where its records go.' }),
})

/** A source that does what its configuration says; `good` gives three records. */
const hostileSource: SourceConnector<typeof sourceConfig.keys> = {
  kind: 'source',
  name: 'HostileSource',
  version: '1',
  summary: 'Does what its configuration says.',
  config: sourceConfig,
  taskConfigs: ({ deed }) => {
    if (deed === 'configure') for (;;);
    return [{}]
  },
  open: async ({ deed, topic }, context) => {
    const committed = await context.offset({ part: 1 })
    let n = Number(committed?.['n'] ?? -1)
    const poll = (): Promise<SourceRecord[]> => {
      if (deed === 'loop') for (;;);
      if (deed === 'wait') return new Promise<never>(() => undefined)
      if (deed === 'throw') throw new TypeError('a bug in a source')
      return Promise.resolve(n >= 2 ? [] : [recordOf(deed, topic, ++n)])
    }
    return { poll }
  },
}

const tablesConfig = defineConfig({
  tables: key.string({ doc: 'A file that names a table a line; each has a task.' }),
  deed: key.string({ doc: 'What its monitor does besides.', default: '' }),
})

/** A source whose monitor looks for new tables, or does what its configuration says. */
const tablesSource: SourceConnector<typeof tablesConfig.keys> = {
  kind: 'source',
  name: 'TablesSource',
  version: '1',
  summary: 'Has a task for each table.',
  config: tablesConfig,
  taskConfigs: ({ tables }) =>
    readFileSync(tables, 'utf8')
      .trim()
      .split('\n')
      .map((table) => ({ table })),
  monitor: async ({ tables, deed }, context) => {
    if (deed === 'throw') throw new TypeError('a bug in a monitor')
    if (deed === 'loop') for (;;);
    if (deed === 'wait') await new Promise<never>(() => undefined)
    context.requestTaskReconfiguration() // a table may have come while no monitor ran
    watchFile(tables, { interval: 50 }, () => context.requestTaskReconfiguration())
    await once(context.signal, 'abort')
    unwatchFile(tables)
  },
  open: () => ({ poll: () => Promise.resolve([]) }),
}

function recordOf(deed: string, topic: string, n: number): SourceRecord {
  return {
    ...{ topic: deed === 'homeless' ? '' : topic, partition: null, timestamp: -1n, headers: [] },
    ...{ keySchema: null, key: null, valueSchema: null, value: String(n), sourcePartition: { part: 1 } },
    sourceOffset: deed === 'undated' ? ({ at: new Date(0) } as never) : { n },
  }
}

const refusing = defineConfig({
  file: key.string({ doc: 'Gets a line for each value, and one for each batch that is refused.' }),
  outage: key.string({ doc: 'A file; while it exists each batch is refused.' }),
})

/** A sink whose system is away for a while. */
const refusingSink: SinkConnector<typeof refusing.keys> = {
  kind: 'sink',
  name: 'RefusingSink',
  version: '1',
  summary: 'Refuses batches while a file exists.',
  config: refusing,
  open: ({ file, outage }, context) => ({
    put(batch) {
      if (existsSync(outage)) {
        appendFileSync(file, 'refused\n')
        context.timeout(100)
        throw new UnavailableError(errorCode('refusing', 'unavailable'), 'the outage goes on')
      }
      for (let row = 0; row < batch.length; row++)
        if (batch.isLive(row)) appendFileSync(file, `${batch.value('value', row) as string}\n`)
    },
  }),
}

/** `sluice` with those, in the worker and in its task hosts, which are started with the same file. */
const add = (list: unknown, plugin: unknown): void => void (list as AnyPlugin[]).push(plugin as AnyPlugin)
add(transforms, hostile)
add(connectors, refusingSink)
add(connectors, hostileSource)
add(connectors, tablesSource)
await import('../../src/cli/main.ts')
