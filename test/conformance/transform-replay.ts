import { createHash } from 'node:crypto'
import { type Header, type Models, ModelError, type Schema, SILENT, type Value } from '../../src/index.ts'
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

interface DataJson {
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
    const after = await transform.apply(batch)
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
  } catch (error) {
    return { config: String(error) }
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

const dataJson = (schema: Schema | null, value: Value): DataJson => ({
  schema: schemaJson(schema),
  value: tagged(value, schema),
})

/** A case as the Java program reads it. */
export function caseJson({ record, ...rest }: Case): string {
  const data = ({ schema, value }: { schema: Schema | null; value: Value }) => dataJson(schema, value)
  return JSON.stringify({ ...rest, record: { ...record, key: data(record.key), value: data(record.value) } })
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
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}

const decimals = (value: number): string => (Object.is(value, -0) ? '-0' : String(value))

/** Why two outcomes may differ: see java/README.md. */
export function isKnownDeviation(java: Outcome, ours: Outcome): boolean {
  if (ours.error?.endsWith('out of the range of dates') === true) return true
  return difference(withRoundedTexts(java), withRoundedTexts(ours)) === undefined
}

/** Java before 19 writes more digits of a float than it must (JDK-4511638): in texts, floats are read as floats. */
function withRoundedTexts(outcome: Outcome): Outcome {
  const rounded = (text: string): string =>
    text.replace(/-?\d+\.\d+(E-?\d+)?/g, (each) => String(Math.fround(Number(each))))
  const made = JSON.parse(JSON.stringify(outcome), (_, value: unknown) =>
    Array.isArray(value) && value[0] === 'string' ? ['string', rounded(String(value[1]))] : value,
  ) as Outcome
  if (made.headers === undefined) return made
  return { ...made, headers: made.headers.map(([key, text]) => [key, text === null ? null : rounded(text)]) }
}

/** The same for all outcomes between which there is no difference. */
export function fingerprint(outcome: Outcome): string {
  const { config, error, dropped, matches, topic, timestamp, headers, key, value } = outcome
  const parts =
    config !== undefined || error !== undefined
      ? [config === undefined ? 'error' : 'config']
      : [
          ...[dropped, matches, topic, timestamp, headers],
          ...[key, value].flatMap((data) => [
            canonical(data?.schema),
            canonical(plain(data?.value, (data?.schema ?? null) === null)),
          ]),
        ]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12)
}
