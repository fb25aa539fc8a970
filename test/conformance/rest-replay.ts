import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { eventually } from '../support/eventually.ts'

/** One request of rest-script.json, or a wait between two. */
export type Step = RequestStep | AwaitStep

interface RequestStep {
  /** Unique: goldens and deviations refer to it. */
  readonly id: string
  readonly method: string
  readonly path: string
  /** Sent as JSON; an object with the key `$sink` stands for a sink's four keys and its own. */
  readonly body?: unknown
  /** Sent as it is, instead of `body`. */
  readonly raw?: string
  /** The content type; `application/json` where there is a body. */
  readonly type?: string
}

interface AwaitStep {
  /** A connector: its status and its tasks' configs are asked for until they show this. */
  readonly await: string
  readonly state: string
  readonly tasks: readonly string[]
}

/** What a worker answered, without what differs from run to run. */
export interface Answer {
  readonly id: string
  readonly status: number
  readonly type: string | null
  readonly location: string | null
  /** Parsed where it is JSON, else text; absent where empty. */
  readonly body?: unknown
}

/** What the same thing is called at the worker under test. */
export interface Names {
  readonly base: string
  readonly topic: string
  /** Class names: of a sink connector, as its tasks are called, and of a converter. */
  readonly sink: string
  readonly converter: string
}

export function readScript(): Step[] {
  return readJson('rest-script.json') as Step[]
}

export function readJson(name: string): unknown {
  return JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'))
}

/** The names at the Java worker that was recorded. */
export const JAVA_NAMES: Omit<Names, 'base'> = {
  topic: 'flights-conformance',
  sink: 'org.apache.kafka.connect.file.FileStreamSinkConnector',
  converter: 'org.apache.kafka.connect.converters.ByteArrayConverter',
}

/** What a real Kafka Connect worker answered. */
export function readGolden(): readonly Answer[] {
  return (readJson('golden/rest-answers.json') as { readonly answers: readonly Answer[] }).answers
}

/** Sends the script to a worker and returns its answers, normalised. */
export async function replay(script: readonly Step[], names: Names): Promise<Answer[]> {
  const answers: Answer[] = []
  for (const step of script) {
    if ('await' in step) await settled(step, names)
    else answers.push(await ask(step, names))
  }
  return answers
}

async function ask(step: RequestStep, names: Names): Promise<Answer> {
  const text = step.raw ?? (step.body === undefined ? undefined : JSON.stringify(filled(step.body, names)))
  const type = step.type ?? (text === undefined ? undefined : 'application/json')
  const response = await fetch(names.base + named(step.path, names), {
    method: step.method,
    ...(text === undefined ? {} : { body: Buffer.from(named(text, names)) }),
    headers: type === undefined ? {} : { 'content-type': type },
  })
  const body = await response.text()
  const location = response.headers.get('location')
  return {
    id: step.id,
    status: response.status,
    type: response.headers.get('content-type')?.split(';')[0]?.toLowerCase() ?? null,
    location: location === null ? null : normalText(location, names),
    ...(body === '' ? {} : { body: condensed(normal(parsed(body), names)) }),
  }
}

interface Status {
  readonly connector: { readonly state: string }
  readonly tasks: readonly { readonly state: string }[]
}

async function settled({ await: connector, state, tasks }: AwaitStep, { base }: Names): Promise<void> {
  const url = `${base}/connectors/${connector}`
  await eventually(
    async () => {
      const status = (await (await fetch(`${url}/status`)).json()) as Partial<Status>
      const { length } = (await (await fetch(`${url}/tasks`)).json()) as unknown[]
      const found = [status.connector?.state, ...(status.tasks ?? []).map((task) => task.state)]
      if (isDeepStrictEqual(found, [state, ...tasks]) && length === tasks.length) return true
      throw new Error(`${connector}: ${JSON.stringify(status)}, ${length} task configs`)
    },
    { timeoutMs: 30_000 },
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text.replaceAll(/\s+/g, ' ').slice(0, 60)
  }
}

interface ConfigInfos {
  readonly name: string
  readonly error_count: number
  readonly groups: readonly string[]
  readonly configs: readonly {
    readonly definition: object | null
    readonly value: { readonly name: string }
  }[]
}

/**
 * Of `validate`'s answer only what a request changes, since each worker has many keys of its own (the definitions are
 * compared where `/connector-plugins/{p}/config` shows them). Names of connectors have no order: sorted.
 */
function condensed(body: unknown): unknown {
  if (Array.isArray(body)) return body.every((each) => typeof each === 'string') ? body.toSorted() : body
  if (typeof body !== 'object' || body === null) return body
  if ('tasks' in body) return { ...body, tasks: (body.tasks as { id?: number }[]).toSorted(byId) }
  if (!('configs' in body)) return body
  const { configs, ...rest } = body as ConfigInfos
  const shapes = configs.map(({ definition, value }) =>
    [definition ?? {}, value].map((each) => Object.keys(each)),
  )
  const values = configs.map(({ value }) => value as { name: string; value: unknown; errors: string[] })
  const shown = values.filter(({ name, errors }) => errors.length > 0 || REQUESTED.has(name))
  return {
    ...rest,
    shape: shapes[0],
    values: Object.fromEntries(shown.map(({ name, value, errors }) => [name, { value, errors }])),
  }
}

/** The tasks of a restart's plan have no order. */
function byId(a: { readonly id?: number }, b: { readonly id?: number }): number {
  return (a.id ?? 0) - (b.id ?? 0)
}

/** Keys that the script sets and both workers define. */
const REQUESTED = new Set([
  'name',
  'connector.class',
  'tasks.max',
  'topics',
  'errors.log.enable',
  'transforms',
])

function named(text: string, names: Names): string {
  return text
    .replaceAll('{sink}', names.sink)
    .replaceAll('{converter}', names.converter)
    .replaceAll('{topic}', names.topic)
}

/** The keys that a sink needs at either worker; each has some that the other does not read. */
function sinkConfig({ sink, topic }: Names): Record<string, string> {
  return { 'connector.class': sink, topics: topic, file: '/dev/null', 'target.topic': `${topic}-out` }
}

function filled(data: unknown, names: Names): unknown {
  if (Array.isArray(data)) return data.map((each) => filled(each, names))
  if (typeof data !== 'object' || data === null) return data
  const { $sink, ...own } = data as Record<string, unknown>
  const entries = Object.entries(own).map(([key, value]) => [key, filled(value, names)] as const)
  return { ...($sink === true ? sinkConfig(names) : {}), ...Object.fromEntries(entries) }
}

/** Keys whose values say nothing: they differ by worker, version or run. */
const OPAQUE = new Set(['version', 'commit', 'kafka_cluster_id', 'trace', 'documentation'])

function normal(data: unknown, names: Names): unknown {
  if (typeof data === 'string') return normalText(data, names)
  if (Array.isArray(data)) return data.map((each) => normal(each, names))
  if (typeof data !== 'object' || data === null) return data
  const entries = Object.entries(data).map(([key, value]: [string, unknown]) => {
    if (OPAQUE.has(key) && typeof value === 'string') return [normalText(key, names), `<${key}>`]
    return [normalText(key, names), normal(value, names)]
  })
  return Object.fromEntries(entries) as unknown
}

/** A text without what differs from run to run. */
export function normalText(text: string, { base, topic, sink, converter }: Names): string {
  const names: [string, string][] = [
    [base, '<base>'],
    [base.replace('http://', ''), '<worker>'],
    [topic, '<topic>'],
    [sink, '<sink>'],
    [sink.replace(/Connector$/, 'Task'), '<sink>Task'],
    [converter, '<converter>'],
  ]
  const named = names.reduce((so, [from, to]) => so.replaceAll(from, to), text)
  return named.replace(/(There is no \w+ .*\. The nearest names: ).*/, '$1<plugins>.')
}
