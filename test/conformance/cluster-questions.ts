import { expect } from 'chai'
import { eventually } from '../support/eventually.ts'
import type { ClusterWorker } from '../support/worker-cluster.ts'

const PATIENT = { timeoutMs: 90_000, everyMs: 200 }
/** What the REST API tells of a connector that whoever takes it over must not change. */
const TOLD = ['', '/config', '/tasks', '/topics']

interface Part {
  readonly state: string
  readonly worker_id: string
}

/** The state of a connector and those of its tasks, all on this worker. */
async function statesOf(worker: ClusterWorker, name: string): Promise<string> {
  const { code, body } = await worker.call('GET', `/connectors/${name}/status`)
  if (code !== 200) return `${code}: ${JSON.stringify(body)}`
  const { connector, tasks } = body as { readonly connector: Part; readonly tasks: readonly Part[] }
  const told = [connector, ...tasks].map(({ state, worker_id: id }) =>
    id === worker.id ? state : `${state} on ${id}`,
  )
  return told.join()
}

export async function comesTo(
  worker: ClusterWorker,
  states: Readonly<Record<string, string>>,
): Promise<void> {
  for (const [name, wanted] of Object.entries(states))
    await eventually(async () => {
      expect(await statesOf(worker, name), name).to.equal(wanted)
      return true
    }, PATIENT)
}

export async function ask(
  worker: ClusterWorker,
  method: string,
  url: string,
  body?: unknown,
): Promise<unknown> {
  const answer = await worker.call(method, url, body)
  expect(answer.code, `${method} ${url}: ${JSON.stringify(answer.body)}`).to.be.within(200, 299)
  return answer.body
}

/** All that a worker tells of its connectors, but for where they run. */
export async function toldBy(worker: ClusterWorker): Promise<Readonly<Record<string, unknown>>> {
  const names = (await ask(worker, 'GET', '/connectors')) as string[]
  const told = names.toSorted().map(async (name) => {
    const parts = await Promise.all(TOLD.map((part) => ask(worker, 'GET', `/connectors/${name}${part}`)))
    return [name, Object.fromEntries(parts.map((part, i) => [TOLD[i], part]))] as const
  })
  return Object.fromEntries(await Promise.all(told))
}

export async function offsetsOf(worker: ClusterWorker, name: string): Promise<unknown> {
  return ((await ask(worker, 'GET', `/connectors/${name}/offsets`)) as { offsets: unknown }).offsets
}

export const create = (worker: ClusterWorker, name: string, config: unknown, state = 'RUNNING') =>
  ask(worker, 'POST', '/connectors', { name, config, initial_state: state })
