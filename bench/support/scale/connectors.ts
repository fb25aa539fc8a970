import path from 'node:path'
import type { Admin } from 'kafkajs'
import { eventually } from '../../../test/support/eventually.ts'
import type { BenchCluster } from './cluster.ts'

export type ConnectorConfig = Readonly<Record<string, string>>

export interface Plan {
  readonly sinks: number
  readonly tasksPerSink: number
  readonly sources: number
  readonly tasksPerSource: number
}

export interface Planned {
  readonly name: string
  readonly config: ConnectorConfig
  readonly tasks: number
  readonly isSink: boolean
}

/** Sinks of a topic that stays empty: each task waits for its partition. */
export const IDLE_TOPIC = 'scale-idle'
const MADE_TOPIC = 'scale-made'
/** Creations that wait for an answer at the same time. */
const AT_A_TIME = 8
/** A record each fifty seconds: the source lives, and hardly does anything. */
const SLOW = '0.02'
const SCHEMA = JSON.stringify({
  type: 'record',
  name: 'Tick',
  fields: [{ name: 'n', type: 'long', 'arg.properties': { iteration: { start: 0 } } }],
})

/** Idle connectors: none has anything to do once it runs. */
export function planned({ sinks, tasksPerSink, sources, tasksPerSource }: Plan): Planned[] {
  const name = (kind: string, n: number): string => `${kind}-${String(n).padStart(4, '0')}`
  const sinkConfig = {
    'connector.class': 'FileStreamSink',
    'tasks.max': String(tasksPerSink),
    topics: IDLE_TOPIC,
    file: '/dev/null',
  }
  const sourceConfig = {
    'connector.class': 'Datagen',
    'tasks.max': String(tasksPerSource),
    'kafka.topic': MADE_TOPIC,
    'schema.string': SCHEMA,
    'value.converter': 'JsonConverter',
    rate: SLOW,
  }
  return [
    ...Array.from({ length: sinks }, (_, n) => {
      return { name: name('sink', n), config: sinkConfig, tasks: tasksPerSink, isSink: true }
    }),
    ...Array.from({ length: sources }, (_, n) => {
      return { name: name('source', n), config: sourceConfig, tasks: tasksPerSource, isSink: false }
    }),
  ]
}

export async function createTopics(admin: Admin, partitions: number): Promise<void> {
  await admin.createTopics({
    topics: [IDLE_TOPIC, MADE_TOPIC].map((topic) => ({ topic, numPartitions: partitions })),
    waitForLeaders: true,
  })
}

/** Creates all of them, at any worker, some at a time. How long each took, in milliseconds. */
export async function createAll(
  { workers }: BenchCluster,
  connectors: readonly Planned[],
  onCreated: (count: number) => void,
): Promise<{ readonly ms: number; readonly status: number }[]> {
  const left = [...connectors.entries()]
  const samples: { readonly ms: number; readonly status: number }[] = []
  const lane = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [n, { name, config }] = next
      const url = `${workers[n % workers.length]?.url ?? ''}/connectors`
      const began = performance.now()
      await eventually(() => post(url, { name, config }), { timeoutMs: 120_000, everyMs: 200 })
      samples.push({ ms: performance.now() - began, status: 201 })
      onCreated(samples.length)
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, lane))
  return samples
}

/** A 409 while the workers rebalance is tried again, as a client does. */
async function post(url: string, body: object): Promise<boolean> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (response.status === 201) return true
  const text = await response.text()
  if (response.status === 409 && text.includes('already exists')) return true
  throw new Error(`${url} answered ${response.status}: ${text}`)
}

interface Listed {
  readonly status: {
    readonly connector: { readonly state: string; readonly worker_id: string }
    readonly tasks: readonly { readonly state: string; readonly worker_id: string; readonly trace?: string }[]
  }
}

/** How many connectors and tasks run on a worker that is up, as one of these says; throws where one has FAILED. */
export async function runningOn({ workers }: BenchCluster): Promise<{ connectors: number; tasks: number }> {
  const up = workers.filter(({ isUp }) => isUp)
  const ids = new Set(up.map(({ id }) => id))
  const response = await fetch(`${up[0]?.url ?? ''}/connectors?expand=status`)
  const listed = Object.values((await response.json()) as Record<string, Listed>).map(({ status }) => status)
  const tasks = listed.flatMap((status) => status.tasks)
  const failed = tasks.find(({ state }) => state === 'FAILED')
  if (failed !== undefined) throw new Error(`a task has failed: ${failed.trace ?? ''}`)
  const runs = (each: { readonly state: string; readonly worker_id: string }): boolean =>
    each.state === 'RUNNING' && ids.has(each.worker_id)
  return {
    connectors: listed.filter(({ connector }) => runs(connector)).length,
    tasks: tasks.filter(runs).length,
  }
}

/** How many sinks have a stable group with all of their tasks in it: then every partition is read. */
export async function stableSinks(admin: Admin, connectors: readonly Planned[]): Promise<number> {
  const sinks = connectors.filter(({ isSink }) => isSink)
  if (sinks.length === 0) return 0
  const { groups } = await admin.describeGroups(sinks.map(({ name }) => `connect-${name}`))
  const members = new Map(sinks.map(({ name, tasks }) => [`connect-${name}`, tasks]))
  return groups.filter(
    (group) => group.state === 'Stable' && group.members.length === members.get(group.groupId),
  ).length
}

/** A connector that requests change, beside those that are measured. */
export function probeConfig(folder: string): ConnectorConfig {
  return {
    'connector.class': 'FileStreamSource',
    'tasks.max': '1',
    topic: MADE_TOPIC,
    file: path.join(folder, 'probe.txt'),
  }
}
