import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { eventually, uniqueName } from './eventually.ts'
import { freePort, sharedKafka } from './kafka.ts'
import { sluice, type StartedProcess } from './process.ts'

export interface SluiceDev {
  readonly bootstrapServers: string
  readonly schemaRegistry: string
  readonly rest: string
  readonly process: StartedProcess
  stop(): Promise<void>
}

/**
 * `sluice dev` over the shared Kafka of the test run: a registry and one worker, on free ports, a cluster of its own: what
 * connectors other files left there is not run again. Settings of the worker go into its environment: `CONNECT_…`.
 */
export async function startSluiceDev(env: Readonly<Record<string, string>> = {}): Promise<SluiceDev> {
  const { bootstrapServers } = await sharedKafka()
  const dataDir = await mkdtemp(path.join(tmpdir(), 'sluice-test-dev-'))
  const [registryPort, restPort] = [await freePort(), await freePort()]
  const ports = ['--registry-port', String(registryPort), '--rest-port', String(restPort)]
  const where = ['--bootstrap-servers', bootstrapServers, '--data-dir', dataDir]
  const started = sluice(['dev', ...where, ...ports], { env: { ...ownCluster(), ...env } })
  const ready = (await started.ready(90_000)) as { schemaRegistry: string; rest: string[] }
  return {
    bootstrapServers,
    schemaRegistry: ready.schemaRegistry,
    rest: ready.rest[0] ?? '',
    process: started,
    stop: async () => {
      started.signal('SIGTERM')
      await started.exited
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** Settings of a worker that shares no topics with the others of its Kafka. */
export function ownCluster(): Record<string, string> {
  const group = uniqueName('dev')
  return {
    CONNECT_GROUP_ID: group,
    CONNECT_CONFIG_STORAGE_TOPIC: `${group}-configs`,
    CONNECT_OFFSET_STORAGE_TOPIC: `${group}-offsets`,
    CONNECT_STATUS_STORAGE_TOPIC: `${group}-status`,
  }
}

/** Calls the REST API; the body is parsed where there is one. */
export async function call(
  base: string,
  method: string,
  route: string,
  body?: unknown,
): Promise<{ status: number; body: unknown }> {
  const response = await fetch(base + route, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) }
}

interface StateView {
  readonly state: string
  readonly trace?: string
  readonly reason?: string
}

export interface ConnectorStatus {
  readonly connector: StateView
  readonly tasks: readonly (StateView & { readonly id: number })[]
}

/** Waits until a connector has tasks and all of them are in a state. */
export async function untilTasks(rest: string, connector: string, state: string): Promise<ConnectorStatus> {
  return eventually(
    async () => {
      const { status, body } = await call(rest, 'GET', `/connectors/${connector}/status`)
      const found = body as ConnectorStatus
      if (status === 200 && found.tasks.length > 0 && found.tasks.every((task) => task.state === state))
        return found
      throw new Error(`${connector}: ${JSON.stringify(body)}`)
    },
    { timeoutMs: 60_000, everyMs: 100 },
  )
}

/** Registers an Avro schema; returns its id. */
export async function registerSchema(registry: string, subject: string, schema: string): Promise<number> {
  const { status, body } = await call(registry, 'POST', `/subjects/${subject}/versions`, { schema })
  if (status !== 200) throw new Error(`register ${subject}: ${status} ${JSON.stringify(body)}`)
  return (body as { id: number }).id
}

/** Creates a connector that copies bytes, and waits until it runs. */
export async function createCopy(
  rest: string,
  name: string,
  { source, target, ...more }: { source: string; target: string } & Record<string, string>,
): Promise<void> {
  const config = {
    'connector.class': 'TopicSink',
    topics: source,
    'target.topic': target,
    'key.converter': 'ByteArrayConverter',
    'value.converter': 'ByteArrayConverter',
    ...more,
  }
  const { status, body } = await call(rest, 'PUT', `/connectors/${name}/config`, config)
  if (status !== 201) throw new Error(`create ${name}: ${status} ${JSON.stringify(body)}`)
  await untilTasks(rest, name, 'RUNNING')
}
