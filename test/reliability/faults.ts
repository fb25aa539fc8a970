import { eventually } from '../support/eventually.ts'
import { descendantsOf, taskHostsOf } from '../support/process-tree.ts'
import { oneOf } from '../support/seeded.ts'
import type { Stage } from './stage.ts'

/** What is killed: a worker with its task hosts, the worker alone, or one of its task hosts. */
const VICTIMS = ['all of a worker', 'a worker without its hosts', 'a task host'] as const

export interface Kill {
  readonly victim: (typeof VICTIMS)[number]
  /** How many tasks ran there at that moment. */
  readonly tasks: number
  /** From the kill until all tasks ran on workers that are there. */
  readonly recoveredMs: number
}

/** SIGKILL for a worker with tasks, chosen at random, and the same worker again; resolves when all tasks run. */
export async function killSomething(
  stage: Stage,
  random: () => number,
  victims: readonly Kill['victim'][] = VICTIMS,
): Promise<Kill> {
  const owners = new Set((await stage.tasks()).map(({ worker_id: id }) => id))
  const atWork = stage.workers.filter(({ id }) => owners.has(id))
  const worker = oneOf(random, atWork.length > 0 ? atWork : stage.workers)
  const victim = oneOf(random, victims)
  const tasks = (await stage.tasks()).filter(({ worker_id: id }) => id === worker.id).length
  const hosts = taskHostsOf(worker.process.pid)
  const began = performance.now()
  if (victim === 'a task host' && hosts.length > 0) {
    process.kill(oneOf(random, hosts).pid, 'SIGKILL')
    await stage.running()
    return { victim, tasks, recoveredMs: performance.now() - began }
  }
  process.kill(worker.process.pid, 'SIGKILL')
  // Hosts lead process groups of their own, and finish what they are at where they outlive their worker.
  if (victim === 'all of a worker') for (const { pid } of hosts) process.kill(pid, 'SIGKILL')
  await worker.process.exited
  stage.forget(worker)
  await stage.running()
  const recoveredMs = performance.now() - began
  await worker.again()
  return { victim, tasks, recoveredMs }
}

/** SIGTERM and again, one worker after the other. */
export async function rollingRestart(stage: Stage): Promise<void> {
  for (const worker of [...stage.workers]) {
    await worker.stop()
    await worker.again()
    await stage.running()
  }
}

/** SIGSTOP for a worker and its hosts until all of its tasks run elsewhere, and for as long again; then SIGCONT. */
export async function freezeWorker(stage: Stage, random: () => number): Promise<number> {
  const worker = oneOf(random, stage.workers)
  const pids = [worker.process.pid, ...descendantsOf(worker.process.pid).map(({ pid }) => pid)]
  const tasks = (await stage.tasks()).filter(({ worker_id: id }) => id === worker.id).length
  const began = performance.now()
  for (const pid of pids) process.kill(pid, 'SIGSTOP')
  stage.forget(worker)
  await stage.running()
  const away = performance.now() - began
  await eventually(() => performance.now() - began >= 2 * away, { timeoutMs: 2 * away + 60_000 })
  for (const pid of pids) process.kill(pid, 'SIGCONT')
  stage.remember(worker)
  await eventually(async () => (await worker.call('GET', '/health')).code === 200, { timeoutMs: 60_000 })
  await stage.running()
  return tasks
}

/** SIGKILL for the broker, and the same broker again at once. */
export async function killBroker(stage: Stage): Promise<void> {
  await stage.kafka.kill()
  await stage.kafka.again()
  await stage.running()
}
