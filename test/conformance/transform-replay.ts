import { createHash } from 'node:crypto'
import {
  type Header,
  type Models,
  ModelError,
  type RecordBatch,
  type Schema,
  SILENT,
  type Value,
} from '../../src/index.ts'
import { TransformChain } from '../../src/runtime/chain/chain.ts'
import { findPredicate, findTransform } from '../../src/runtime/plugins/plugins.ts'
import { batchOf } from '../support/example-batch.ts'
import type { Case, CaseRecord } from './transform-cases.ts'
import { schemaJson, type Tagged, tagged } from './transform-values.ts'

/** What came out of a case; the texts of errors are not compared. */
export interface Outcome {
  readonly config?: string
  readonly error?: string
  readonly dropped?: boolean
  readonly matches?: boolean
  readonly topic?: string
  readonly timestamp?: number | null
  readonly key?: DataJson
  readonly value?: DataJson
  readonly headers?: readonly (readonly [string, string | null])[]
}

export interface DataJson {
  readonly schema: unknown
  readonly value: Tagged
}

const NO_MODELS: Models = { load: (name) => Promise.reject(new ModelError('model.missing', `no ${name}`)) }
const PACKAGE = 'org.apache.kafka.connect.transforms.'

/** Runs ours on a case. */
export async function replay({ class: name, config, record }: Case): Promise<Outcome> {
  const batch = batchOf([exampleOf(record)], { partition: 3, offset: 42n })
  try {
    if (name.startsWith('predicates.')) {
      const plugin = findPredicate(PACKAGE + name)
      const predicate = await plugin.open(plugin.config.read(config), { log: SILENT })
      return { matches: predicate.matches(batch)(0) }
    }
    const { plugin, side } = findTransform(PACKAGE + name)
    const transform = await plugin.open(plugin.config.read(config), { side, models: NO_MODELS, log: SILENT })
    return outcomeOf(await transform.apply(batch))
  } catch (error) {
    return { config: String(error) }
  }
}

/** Runs ours on a connector's whole chain of transforms, with its predicates. */
export async function replayChain({ config, record }: Case): Promise<Outcome> {
  const batch = batchOf([exampleOf(record)], { partition: 3, offset: 42n })
  try {
    const chain = await TransformChain.open(config, NO_MODELS, SILENT)
    return outcomeOf(await chain.apply(batch, () => undefined))
  } catch (error) {
    return { config: String(error) }
  }
}

function outcomeOf(after: RecordBatch): Outcome {
  const failure = after.failure(0)
  if (failure !== undefined) return { error: failure.message }
  if (!after.isLive(0)) return { dropped: true }
  const timestamp = after.timestamp(0)
  return {
    topic: after.topic(0),
    timestamp: timestamp === -1n ? null : Number(timestamp),
    key: dataJson(after.schema('key', 0), after.value('key', 0)),
    value: dataJson(after.schema('value', 0), after.value('value', 0)),
    headers: after.headers(0).map(({ key, value }) => [key, value?.toString() ?? null] as const),
  }
}

function exampleOf({ topic, timestamp, key, value, headers }: CaseRecord) {
  return {
    topic,
    timestamp: timestamp === null ? -1n : BigInt(timestamp),
    ...{ keySchema: key.schema, key: key.value, valueSchema: value.schema, value: value.value },
    headers: headers.map(([key, text]): Header => ({ key, value: text === null ? null : Buffer.from(text) })),
  }
}

export const dataJson = (schema: Schema | null, value: Value): DataJson => ({
  schema: schemaJson(schema),
  value: tagged(value, schema),
})

/** A case as the Java program reads it: without the names of options that Connect 4 has dropped. */
export function caseJson({ record, config, ...rest }: Case): string {
  const data = ({ schema, value }: { schema: Schema | null; value: Value }) => dataJson(schema, value)
  return JSON.stringify({
    ...rest,
    config: presentNames(config),
    record: { ...record, key: data(record.key), value: data(record.value) },
  })
}

/** Connect 4 ignores `blacklist` and `whitelist` in silence; up to 3.9 they stood for these, where those were absent. */
function presentNames(config: Case['config']): Case['config'] {
  const present = (key: string): string =>
    key.replace(/blacklist$/, 'exclude').replace(/whitelist$/, 'include')
  const entries = Object.entries(config).sort(
    ([a], [b]) => Number(a === present(a)) - Number(b === present(b)),
  )
  return Object.fromEntries(entries.map(([key, value]) => [present(key), value]))
}

/** Where two outcomes differ; undefined where they are equal. */
export function difference(java: Outcome, ours: Outcome): string | undefined {
  for (const kind of ['config', 'error'] as const) {
    if ((java[kind] === undefined) !== (ours[kind] === undefined)) return kind
    if (java[kind] !== undefined) return undefined
  }
  for (const part of ['dropped', 'matches', 'topic', 'timestamp', 'headers'] as const)
    if (JSON.stringify(java[part]) !== JSON.stringify(ours[part])) return part
  for (const side of ['key', 'value'] as const) {
    if (canonical(java[side]?.schema) !== canonical(ours[side]?.schema)) return `${side} schema`
    const isLoose = (java[side]?.schema ?? null) === null
    if (canonical(plain(java[side]?.value, isLoose)) !== canonical(plain(ours[side]?.value, isLoose)))
      return `${side} value`
  }
  return undefined
}

/** Without a schema, ours knows one kind of integer and one of other numbers, and the order of a map means nothing. */
function plain(json: Tagged | undefined, isLoose: boolean): unknown {
  if (json === undefined || json === null || typeof json === 'boolean') return json
  const [kind, x, ...rest] = json
  // Java before 19 writes more digits of a float than it must (JDK-4511638), and ours are those of a double.
  if (isLoose && (kind === 'float' || kind === 'double')) return ['double', String(Math.fround(Number(x)))]
  if (kind === 'double') return [kind, decimals(Number(x))]
  if (kind === 'float') return [kind, decimals(Math.fround(Number(x)))]
  if (isLoose && ['byte', 'short', 'int', 'long'].includes(kind)) return ['long', String(x)]
  if (kind === 'list') return [kind, (x as Tagged[]).map((item) => plain(item, isLoose))]
  if (kind === 'struct')
    return [kind, (x as [string, Tagged][]).map(([name, item]) => [name, plain(item, isLoose)])]
  if (kind !== 'map') return [kind, x, ...rest]
  const entries = (x as [Tagged, Tagged][]).map(([key, item]) =>
    JSON.stringify([plain(key, isLoose), plain(item, isLoose)]),
  )
  return [kind, entries.sort()]
}

function canonical(json: unknown): string {
  return JSON.stringify(json, (_, value: unknown) => {
    if (Array.isArray(value) && value.length === 2) {
      const [kind, text] = value as unknown[]
      if (kind === 'double') return [kind, decimals(Number(text))]
      if (kind === 'float') return [kind, decimals(Math.fround(Number(text)))]
      if (kind === 'map') return [kind, (text as unknown[]).map((entry) => canonical(entry)).sort()]
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}

const decimals = (value: number): string => (Object.is(value, -0) ? '-0' : String(value))

interface AnyOutcome extends Outcome {
  readonly data?: DataJson
  readonly bytes?: string | null
  readonly cases?: readonly object[]
}

/** The same for all outcomes between which there is no difference. */
export function fingerprint(outcome: AnyOutcome): string {
  const { dropped, matches, topic, timestamp, headers, bytes, key, data, value = data, cases } = outcome
  const whole = [
    ...[dropped, matches, topic, timestamp, headers, bytes],
    ...[key, value].flatMap((part) => [
      canonical(part?.schema),
      canonical(plain(part?.value, (part?.schema ?? null) === null)),
    ]),
    // A replacement that cannot be made.
    ...(cases ?? []).map((each) => ('error' in each ? { ...each, error: '' } : each)),
  ]
  const refusal =
    outcome.config === undefined ? (outcome.error === undefined ? undefined : 'error') : 'config'
  const parts = refusal === undefined ? whole : [refusal]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12)
}
