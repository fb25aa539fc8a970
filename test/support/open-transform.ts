import { expect } from 'chai'
import { jsonConverter } from '../../src/converters/json/converter.ts'
import {
  type ExampleRecord,
  type Figures,
  type Logger,
  type Models,
  OPTIONAL_FLOAT64,
  OPTIONAL_STRING,
  SILENT,
  struct,
  type TransformPlugin,
} from '../../src/index.ts'
import { Batch } from '../../src/runtime/records/batch.ts'
import { allRows, bytesOf, openConverter } from '../converters/support.ts'
import { batchOf } from './example-batch.ts'

/** Two numbers and a text. */
export const SCHEMA = {
  type: 'STRUCT' as const,
  optional: false,
  name: 'Row',
  fields: [
    { name: 'x', schema: OPTIONAL_FLOAT64 },
    { name: 'y', schema: OPTIONAL_FLOAT64 },
    { name: 'text', schema: OPTIONAL_STRING },
  ],
}

export const row = (x: number | null, y: number | null = null): ExampleRecord => ({
  valueSchema: SCHEMA,
  value: struct({ x, y, text: 'none' }),
})

export interface Opened {
  readonly shown: Figures[]
  readonly said: Readonly<Record<string, unknown>>[]
  apply(records: readonly ExampleRecord[]): Promise<Batch>
  close(): void
}

/** Opens a transform, and keeps what it shows and logs. */
export async function openTransform(
  plugin: TransformPlugin,
  config: Readonly<Record<string, string>>,
  models: Models,
): Promise<Opened> {
  const shown: Figures[] = []
  const said: Readonly<Record<string, unknown>>[] = []
  const info: Logger['info'] = (_, fields = {}) => void said.push(fields)
  const transform = await plugin.open(plugin.config.read(config), {
    side: 'value',
    models,
    log: { ...SILENT, info },
    show: (name, figures) => {
      expect(name).to.equal('shadows')
      shown.push(figures)
    },
  })
  return {
    shown,
    said,
    apply: async (records) => {
      const batch = await transform.apply(batchOf(records))
      if (!(batch instanceof Batch)) throw new Error('another batch came out')
      return batch
    },
    close: () => transform.close?.(),
  }
}

/** All that a connector would write. */
export async function outputOf(batch: Batch): Promise<unknown> {
  const states = Array.from({ length: batch.length }, (_, i) => batch.failure(i)?.message ?? batch.isLive(i))
  const live = allRows(batch.length).filter((i) => batch.isLive(i))
  const converter = openConverter(jsonConverter, {})
  const encoded = await converter.encode('t', batch.sides.value, live, (i, error) => {
    throw new Error(`row ${i}: ${error.message}`)
  })
  const headers = Array.from(live, (i) => batch.headers(i).map(({ key, value }) => `${key} ${String(value)}`))
  return {
    states,
    headers,
    topics: Array.from(live, (i) => batch.topic(i)),
    bytes: bytesOf(encoded, live).map(String),
  }
}

/** What was shown last. */
export const figuresOf = ({ shown }: Opened) => shown.at(-1) ?? []
