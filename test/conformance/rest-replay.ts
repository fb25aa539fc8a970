import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { eventually } from '../support/eventually.ts'

/** One request of a script, or a wait between two. */
export type Step = RequestStep | AwaitStep | UntilStep

export interface RequestStep {
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
  /** Of `validate`: the whole answer is compared, not only what the request changes. */
  readonly whole?: boolean
}

interface AwaitStep {
  /** A connector: its status and its tasks' configs are asked for until they show this. */
  readonly await: string
  readonly state: string
  readonly tasks: readonly string[]
}

interface UntilStep {
  /** A path that is asked for until the answer has this text in it. */
  readonly until: string
  readonly has: string
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
  /** The other workers of its group, on which connectors may run. */
  readonly others?: readonly string[]
  readonly topic: string
  /** Class names: of a sink connector, as its tasks are called, and of a converter. */
  readonly sink: string
  readonly converter: string
  /** A folder with `lines.txt`, which sources read. */
  readonly folder: string
}

export function readScript(): Step[] {
  return readJson('rest-script.json') as Step[]
}

export function readJson(name: string): unknown {
  return JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'))
}

/** The names at the Java worker that was recorded. */
export const JAVA_NAMES: Omit<Names, 'base' | 'folder'> = {
  topic: 'flights-conformance',
  sink: 'org.apache.kafka.connect.file.FileStreamSinkConnector',
  converter: 'org.apache.kafka.connect.converters.ByteArrayConverter',
}

/** Sends the script to a worker and returns its answers, normalised. */
export async function replay(script: readonly Step[], names: Names): Promise<Answer[]> {
  const answers: Answer[] = []
  for (const step of script) {
    if ('await' in step) await settled(step, names)
    else if ('until' in step) await shown(step, names)
    else answers.push(await ask(step, names))
  }
  return answers
}

async function ask(step: RequestStep, names: Names): Promise<Answer> {
  const text = step.raw ?? (step.body === undefined ? undefined : JSON.stringify(filled(step.body, names)))
  const type = step.type ?? (text === undefined ? undefined : 'application/json')
  const send = () =>
    fetch(names.base + named(step.path, names), {
      method: step.method,
      ...(text === undefined ? {} : { body: Buffer.from(named(text, names)) }),
      headers: type === undefined ? {} : { 'content-type': type },
    })
  const { response, body } = await answered(send)
  const location = response.headers.get('location')
  return {
    id: step.id,
    status: response.status,
    type: response.headers.get('content-type')?.split(';')[0]?.toLowerCase() ?? null,
    location: location === null ? null : normalText(location, names),
    ...(body === '' ? {} : { body: comparable(normal(parsed(body), names), step) }),
  }
}

/** As clients do, what is refused because of a rebalance is sent again, for a while. */
async function answered(send: () => Promise<Response>): Promise<{ response: Response; body: string }> {
  let last: { response: Response; body: string } | undefined
  const isOver = async (): Promise<boolean> => {
    const response = await send()
    last = { response, body: await response.text() }
    return response.status !== 409 || !/rebalance|stale/.test(last.body)
  }
  await eventually(isOver, { timeoutMs: 4_000, everyMs: 200 }).catch(() => undefined)
  if (last === undefined) throw new Error('no answer came')
  return last
}

async function shown({ until, has }: UntilStep, { base }: Names): Promise<void> {
  const ask = async () => (await fetch(base + until)).text()
  await eventually(
    async () => {
      const text = await ask()
      if (text.includes(has)) return true
      throw new Error(`${until} has no ${has}: ${text}`)
    },
    { timeoutMs: 30_000 },
  )
}

interface Status {
  readonly connector: { readonly state: string }
  readonly tasks: readonly { readonly state: string }[]
}

/** A restart acts a moment after its answer: only what several looks in a row show has come to stay. */
const LOOKS_ALIKE = 4

async function settled({ await: connector, state, tasks }: AwaitStep, { base }: Names): Promise<void> {
  const url = `${base}/connectors/${connector}`
  let alike = 0
  await eventually(
    async () => {
      const status = (await (await fetch(`${url}/status`)).json()) as Partial<Status>
      const { length } = (await (await fetch(`${url}/tasks`)).json()) as unknown[]
      const found = [status.connector?.state, ...(status.tasks ?? []).map((task) => task.state)]
      alike = isDeepStrictEqual(found, [state, ...tasks]) && length === tasks.length ? alike + 1 : 0
      if (alike > 0) return alike >= LOOKS_ALIKE
      throw new Error(`${connector}: ${JSON.stringify(status)}, ${length} task configs`)
    },
    { timeoutMs: 30_000, everyMs: 100 },
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

function comparable(body: unknown, { whole = false }: RequestStep): unknown {
  return whole ? body : condensed(body)
}

/**
 * Of `validate`'s answer only what a request changes, since each worker has many keys of its own (the definitions are
 * compared where `/connector-plugins/{p}/config` shows them). Names of connectors have no order: sorted.
 */
function condensed(body: unknown): unknown {
  if (Array.isArray(body)) return body.every((each) => typeof each === 'string') ? body.toSorted() : body
  if (typeof body !== 'object' || body === null) return body
  if ('tasks' in body) return { ...body, tasks: (body.tasks as { id?: number }[]).toSorted(byId) }
  if ('offsets' in body && Array.isArray(body.offsets))
    return {
      ...body,
      offsets: body.offsets.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    }
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
    .replaceAll('{folder}', names.folder)
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
    if (key === 'last_modified' && value !== null) return [key, '<time>']
    if (VERSIONED.has(key)) return [key, normal(withoutVersions(value), names)]
    return [normalText(key, names), normal(value, names)]
  })
  return withoutPlugins(Object.fromEntries(entries) as Record<string, unknown>)
}

/** Keys that show the versions of plugins, which are each worker's own. */
const VERSIONED = new Set(['default_value', 'value', 'recommended_values'])

function withoutVersions(value: unknown): unknown {
  if (Array.isArray(value)) return [...new Set(value.map(withoutVersions))]
  return typeof value === 'string' && /^\d+\.\d+\.\d+$/.test(value) ? '<version>' : value
}

/** Classes that are recommended are those that a worker has. */
function withoutPlugins(data: Record<string, unknown>): Record<string, unknown> {
  const { name, recommended_values: recommended } = data
  if (typeof name !== 'string' || !Array.isArray(recommended) || recommended.length === 0) return data
  return /\.type$|converter$/.test(name) ? { ...data, recommended_values: ['<plugins>'] } : data
}

/** A text without what differs from run to run. */
export function normalText(
  text: string,
  { base, others = [], topic, sink, converter, folder }: Names,
): string {
  const names: [string, string][] = [
    [base, '<base>'],
    ...[base, ...others].map((worker): [string, string] => [worker.replace('http://', ''), '<worker>']),
    [topic, '<topic>'],
    [folder, '<folder>'],
    [sink, '<sink>'],
    [sink.replace(/Connector$/, 'Task'), '<sink>Task'],
    [converter, '<converter>'],
  ]
  const named = names.reduce((so, [from, to]) => so.replaceAll(from, to), text)
  return named.replace(/(There is no \w+ .*\. The nearest names: ).*/, '$1<plugins>.')
}
