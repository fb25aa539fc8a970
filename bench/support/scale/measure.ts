import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { say } from '../job.ts'
import { type BenchCluster, type BenchWorker, recordsIn } from './cluster.ts'
import { type Planned, probeConfig, runningOn, stableSinks } from './connectors.ts'
import { type Latency, RequestLoad } from './requests.ts'
import { CpuWatch, type Part, pidsOf, type Usage, usageOf } from './usage.ts'

const LOOK_MS = 200
const SAY_MS = 5_000
/** Longer than a process for checks, or a connection for joins, is kept. */
const SETTLE_MS = 13_000

/** Something that happens to the cluster, and how it came to rest after it. */
export interface Phase {
  readonly what: string
  /** Until every connector and task is RUNNING on a worker that is there. */
  readonly runningSeconds: number
  /** Until every sink's group is stable with all of its tasks: every partition is read again. */
  readonly readSeconds: number
  /** Of the group of workers, as one of them has seen them. */
  readonly rebalances: number
  readonly statusRecords: number
  readonly configRecords: number
  /** Of all processes that were there at any time of it. */
  readonly cpuSeconds: Readonly<Record<Part, number>>
  /** Task hosts, and processes that were asked about configurations. */
  readonly hostsStarted: number
  readonly requests: Readonly<Record<string, Latency>>
  readonly loadAverage: number
}

export interface PhaseOptions {
  readonly what: string
  readonly cluster: BenchCluster
  readonly connectors: readonly Planned[]
  readonly requestRate: number
  readonly timeoutMs: number
  /** The worker whose log says how often the group rebalanced: one that stays. */
  readonly witness: BenchWorker
  readonly act: () => Promise<void>
}

export interface Idle {
  readonly seconds: number
  /** At the end of that time. */
  readonly usage: Readonly<Record<Part, Usage>>
  /** CPU seconds a second. */
  readonly cpuShare: Readonly<Record<Part, number>>
  readonly loadAverage: number
}

/** What everything costs while nothing happens; what was started for a moment has ended by then. */
export async function measureIdle(cluster: BenchCluster, seconds: number): Promise<Idle> {
  await sleep(SETTLE_MS)
  const pids = pidsIn(cluster)
  const before = usageOf(pids)
  await sleep(seconds * 1000)
  const usage = usageOf(pids)
  const share = (part: Part): number =>
    Math.round(((usage[part].cpuSeconds - before[part].cpuSeconds) / seconds) * 1000) / 1000
  return {
    ...{ seconds, usage },
    cpuShare: { workers: share('workers'), hosts: share('hosts'), broker: share('broker') },
    loadAverage: loadavg()[0] ?? 0,
  }
}

function pidsIn({ workers, broker }: BenchCluster): Record<Part, number[]> {
  const up = workers.filter(({ isUp }) => isUp)
  return pidsOf(
    up.map(({ pid }) => pid),
    broker.pid,
  )
}

/** Does something to the cluster under requests, and waits until all is as it was. */
export async function measurePhase(options: PhaseOptions): Promise<Phase> {
  const { what, cluster, connectors, requestRate, witness, act } = options
  say(what)
  const { admin, workers, folder } = cluster
  const counts = async () => ({
    status: await recordsIn(admin, 'connect-status'),
    config: await recordsIn(admin, 'connect-configs'),
    assigned: witness.logged('assigned'),
  })
  const before = await counts()
  const load = new RequestLoad({
    targets: () => workers.filter(({ isUp }) => isUp),
    connectors: connectors.map(({ name }) => name),
    changed: { name: 'probe', config: probeConfig(folder) },
    rate: requestRate,
  })
  const watch = new CpuWatch(() => pidsIn(cluster))
  const began = performance.now()
  try {
    await act()
    const { runningSeconds, readSeconds } = await untilAllRun(options, began)
    const requests = await load.stop()
    const used = watch.stop()
    const after = await counts()
    return {
      what,
      ...{ runningSeconds, readSeconds, requests, ...used },
      rebalances: after.assigned - before.assigned,
      statusRecords: after.status - before.status,
      configRecords: after.config - before.config,
      loadAverage: loadavg()[0] ?? 0,
    }
  } finally {
    watch.stop()
    await load.stop()
  }
}

async function untilAllRun(
  { cluster, connectors, timeoutMs }: PhaseOptions,
  began: number,
): Promise<{ readonly runningSeconds: number; readonly readSeconds: number }> {
  const tasks = connectors.reduce((sum, each) => sum + each.tasks, 0)
  const sinks = connectors.filter(({ isSink }) => isSink).length
  let runningSeconds: number | undefined
  for (let saidAt = began; ;) {
    await sleep(LOOK_MS)
    const now = performance.now()
    const seconds = Math.round((now - began) / 100) / 10
    const running = await runningOn(cluster)
    const all = running.tasks >= tasks && running.connectors >= connectors.length
    const stable = all ? await stableSinks(cluster.admin, connectors) : 0
    runningSeconds = all ? (runningSeconds ?? seconds) : undefined
    if (all && stable === sinks) return { runningSeconds: runningSeconds ?? seconds, readSeconds: seconds }
    if (now - began > timeoutMs)
      throw new Error(
        `after ${seconds} s ${running.tasks} of ${tasks} tasks run, and ${stable} of ${sinks} sinks read`,
      )
    if (now - saidAt < SAY_MS) continue
    saidAt = now
    say(
      `  ${seconds} s: ${running.connectors} connectors and ${running.tasks} of ${tasks} tasks run, ${stable} sinks read`,
    )
  }
}
