import { decodeConnectAssignment, decodeWorkerState } from '../../src/kafka/groups/connect-protocol.ts'
import { itemsOf } from '../../src/worker/groups/work-items.ts'
import type { ConfigStore } from '../../src/worker/stores/config-store.ts'
import type { Cluster, OnAssigned, SimulatedWorker } from './cluster.ts'

/** An invariant that does not hold. */
export class Violation extends Error {}

/** What holds at every step of every schedule. */
export class Invariants {
  /** How far each worker had read the config topic. */
  readonly #offsets = new Map<SimulatedWorker, bigint>()

  check(cluster: Cluster): void {
    runsOnce(cluster)
    for (const worker of cluster.workers) {
      if (worker.configs === undefined) continue
      const before = this.#offsets.get(worker) ?? -1n
      const { offset } = worker.configs
      if (offset === before) continue
      if (offset < before)
        throw new Violation(
          `${worker.process.name} went back in the config topic from ${before} to ${offset}`,
        )
      this.#offsets.set(worker, offset)
      wholeSets(worker, worker.configs)
    }
  }
}

/** Invariant 4: no task runs in two hosts that may both work, whatever their workers know. */
function runsOnce({ hosts }: Cluster): void {
  const owners = new Map<string, string>()
  for (const { running, isLeased, process } of hosts) {
    if (running.size === 0 || !isLeased) continue
    for (const name of running.keys()) {
      const other = owners.get(name)
      if (other !== undefined) throw new Violation(`task ${name} runs in a ${other} and in a ${process.name}`)
      owners.set(name, process.name)
    }
  }
}

/** Task configs are those of one version of their connector, all of them, or none. */
function wholeSets({ process }: SimulatedWorker, configs: ConfigStore): void {
  for (const name of configs.names()) {
    const tasks = configs.get(name)?.tasks ?? []
    const whole = tasks.every(
      (task, n) => task['task'] === `${n}` && task['version'] === tasks[0]?.['version'],
    )
    if (whole && (tasks.length === 0 || tasks.length === Number(tasks[0]?.['count']))) continue
    throw new Violation(`${process.name} has half a set of tasks of ${name}: ${JSON.stringify(tasks)}`)
  }
}

/** What a leader assigns exists, goes to one member, and is run by nobody at that time. */
export const checkAssignment: OnAssigned = ({ process, configs }, members, shares) => {
  const held = new Map<string, string>()
  for (const { memberId, metadata } of members) {
    const { assignment } = decodeWorkerState(metadata)
    for (const key of itemsOf(assignment ?? { connectors: [], tasks: [] }).keys()) held.set(key, memberId)
  }
  for (const [memberId, bytes] of shares) {
    for (const [key, { connector, task }] of itemsOf(decodeConnectAssignment(bytes))) {
      const stored = configs?.get(connector)
      if (stored === undefined || (task >= 0 && stored.tasks[task] === undefined))
        throw new Violation(`${process.name} assigned ${key}, which does not exist`)
      const other = held.get(key)
      if (other !== undefined)
        throw new Violation(`${process.name} assigned ${key} to ${memberId} while ${other} had it`)
      held.set(key, memberId)
    }
  }
}

/** Why the cluster is not at rest: what is configured does not run once and in its newest version; undefined where it does. */
export function unrest(cluster: Cluster): string | undefined {
  const [first, ...others] = cluster.alive
  const configs = first?.configs
  if (configs === undefined) return 'no worker is there'
  if (others.some((other) => other.configs?.offset !== configs.offset))
    return 'workers have read the config topic to different offsets'
  const running = cluster.hosts
    .filter(({ process, isLeased }) => process.state !== 'dead' && isLeased)
    .flatMap((host) => [...host.running.values()])
  for (const { connector, task } of running)
    if (configs.get(connector)?.tasks[task] === undefined)
      return `task ${connector}-${task} runs and does not exist`
  for (const name of configs.names()) {
    const why = unrestOf(name, configs, running)
    if (why !== undefined) return why
  }
  return undefined
}

function unrestOf(
  name: string,
  configs: ConfigStore,
  running: readonly { readonly connector: string; readonly task: number; readonly version: string }[],
): string | undefined {
  const stored = configs.get(name)
  if (stored === undefined) return undefined
  const wanted = stored.target === 'STOPPED' ? 0 : Number(stored.config['count'])
  if (stored.target !== 'PAUSED' && stored.tasks.length !== wanted)
    return `connector ${name} has ${stored.tasks.length} tasks of ${wanted}`
  for (const [task, config] of stored.tasks.entries()) {
    const here = running.filter((each) => each.connector === name && each.task === task)
    if (here.length !== 1) return `task ${name}-${task} runs ${here.length} times`
    if (here[0]?.version !== config['version'])
      return `task ${name}-${task} runs in version ${here[0]?.version} and not ${config['version']}`
    if (stored.target === 'STARTED' && config['version'] !== stored.config['version'])
      return `the tasks of ${name} are of version ${config['version']}`
  }
  return undefined
}
