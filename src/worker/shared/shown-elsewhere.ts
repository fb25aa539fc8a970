import type { Shown } from '../../runtime/host/protocol.ts'
import type { Peers } from '../cluster/peers.ts'
import type { StatusStore } from '../stores/status-store.ts'

/** What a transform of a task shows. */
export type TaskShown = Shown & { readonly task: number }

export interface ShownElsewhere {
  readonly shown: readonly TaskShown[]
  /** The workers (`host:port`) that have tasks of the connector and did not answer. */
  readonly unanswered: readonly string[]
}

export interface ElsewhereOptions {
  readonly statuses: Pick<StatusStore, 'tasks'>
  /** Of this worker, which is not asked. */
  readonly workerId: string
  readonly peers: Pick<Peers, 'get'>
}

const DEADLINE = 5_000

/**
 * Asks the other workers that run tasks of a connector what those show. Who they are is in the status topic: any worker
 * knows it, whoever leads. A worker in Java has no such route, and shows nothing.
 */
export async function shownElsewhere(
  connector: string,
  name: string,
  { statuses, workerId, peers }: ElsewhereOptions,
): Promise<ShownElsewhere> {
  const tasks = statuses.tasks(connector).filter(([, status]) => status.workerId !== workerId)
  const workers = [...new Set(tasks.map(([, status]) => status.workerId))]
  const answers = await Promise.all(
    workers.map(async (worker) => {
      const mine = new Set(tasks.filter(([, status]) => status.workerId === worker).map(([task]) => task))
      const path = ['sluice', 'connectors', connector, 'shown', name].map(encodeURIComponent).join('/')
      return { worker, shown: await ask(peers, worker, path).catch(() => undefined), mine }
    }),
  )
  return {
    // A worker that has lost a task may still know what it showed.
    shown: answers.flatMap(({ shown, mine }) => shown?.filter(({ task }) => mine.has(task)) ?? []),
    unanswered: answers.filter(({ shown }) => shown === undefined).map(({ worker }) => worker),
  }
}

async function ask(peers: Pick<Peers, 'get'>, worker: string, path: string): Promise<readonly TaskShown[]> {
  return ((await peers.get(worker, `/${path}`, DEADLINE)) ?? []) as readonly TaskShown[]
}
