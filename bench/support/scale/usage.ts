import { readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { descendantsOf } from '../../../test/support/process-tree.ts'

/** What a group of processes holds at a moment. */
export interface Usage {
  readonly processes: number
  /** Pages that processes share count in parts (proportional set size). */
  readonly memoryMiB: number
  /** Established TCP connections. */
  readonly connections: number
  /** User and system time since they began. */
  readonly cpuSeconds: number
}

export type Part = 'workers' | 'hosts' | 'broker'

export const PARTS: readonly Part[] = ['workers', 'hosts', 'broker']
/** What a process uses between the last look and its end is not counted. */
const WATCH_MS = 250
const KIB_PER_MIB = 1024
const TICKS_PER_SECOND = 100
const ESTABLISHED = '01'

/** The workers by themselves, the task hosts below them, and the broker. */
export function pidsOf(workers: readonly number[], broker: number): Record<Part, number[]> {
  const below = (pid: number): number[] => descendantsOf(pid).map((each) => each.pid)
  return { workers: [...workers], hosts: workers.flatMap(below), broker: [broker, ...below(broker)] }
}

/** Linux alone: all of it is from /proc. */
export function usageOf({ workers, hosts, broker }: Record<Part, number[]>): Record<Part, Usage> {
  const established = establishedInodes()
  return {
    workers: sumOf(workers, established),
    hosts: sumOf(hosts, established),
    broker: sumOf(broker, established),
  }
}

/** What the processes of a cluster have used since it began to watch, those included that came and went meanwhile. */
export class CpuWatch {
  /** By process: when it was seen first, and last. */
  readonly #seen = new Map<number, { readonly part: Part; readonly first: number; last: number }>()
  readonly #pids: () => Record<Part, number[]>
  readonly #timer: NodeJS.Timeout
  readonly #hosts: ReadonlySet<number>

  /** @param pids the processes there are at the moment */
  constructor(pids: () => Record<Part, number[]>) {
    this.#pids = pids
    const now = pids()
    this.#hosts = new Set(now.hosts)
    this.#look(now, (pid) => cpuSeconds(pid))
    this.#timer = setInterval(() => this.#look(pids()), WATCH_MS)
  }

  /** CPU seconds by part, and how many task hosts were started. */
  stop(): { readonly cpuSeconds: Readonly<Record<Part, number>>; readonly hostsStarted: number } {
    clearInterval(this.#timer)
    this.#look(this.#pids())
    const seen = [...this.#seen]
    const of = (wanted: Part): number => {
      const used = seen.filter(([, { part }]) => part === wanted).map(([, { first, last }]) => last - first)
      return Math.round(used.reduce((total, each) => total + each, 0) * 10) / 10
    }
    const hostsStarted = seen.filter(([pid, { part }]) => part === 'hosts' && !this.#hosts.has(pid)).length
    return { cpuSeconds: { workers: of('workers'), hosts: of('hosts'), broker: of('broker') }, hostsStarted }
  }

  /** `before`: what a process that is new here had used; a process that began meanwhile, nothing. */
  #look(pids: Record<Part, number[]>, before: (pid: number) => number = () => 0): void {
    for (const part of PARTS)
      for (const pid of pids[part]) {
        const seen = this.#seen.get(pid)
        if (seen === undefined) {
          const first = orNothing(() => before(pid))
          this.#seen.set(pid, {
            part,
            first,
            last: Math.max(
              first,
              orNothing(() => cpuSeconds(pid)),
            ),
          })
        } else
          seen.last = Math.max(
            seen.last,
            orNothing(() => cpuSeconds(pid)),
          )
      }
  }
}

function sumOf(pids: readonly number[], established: ReadonlySet<string>): Usage {
  const [memory, connections, cpu] = [
    memoryMiB,
    (pid: number) => connectionsOf(pid, established),
    cpuSeconds,
  ].map((of) => pids.reduce((total, pid) => total + orNothing(() => of(pid)), 0))
  return {
    processes: pids.length,
    memoryMiB: Math.round(memory ?? 0),
    connections: connections ?? 0,
    cpuSeconds: Math.round((cpu ?? 0) * 100) / 100,
  }
}

/** A process may end while it is looked at. */
function orNothing(read: () => number): number {
  try {
    return read()
  } catch {
    return 0
  }
}

function memoryMiB(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')
  return Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) / KIB_PER_MIB
}

function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const [utime = 0, stime = 0] = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number)
  return (utime + stime) / TICKS_PER_SECOND
}

function connectionsOf(pid: number, established: ReadonlySet<string>): number {
  const folder = `/proc/${pid}/fd`
  return readdirSync(folder).filter((name) => {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${name}`))?.[1]
      return inode !== undefined && established.has(inode)
    } catch {
      return false // it was closed meanwhile
    }
  }).length
}

/** The inodes of the sockets of all TCP connections that are established. */
function establishedInodes(): Set<string> {
  const lines = ['tcp', 'tcp6'].flatMap((kind) =>
    readFileSync(`/proc/net/${kind}`, 'latin1').split('\n').slice(1),
  )
  const columns = lines.map((line) => line.trim().split(/\s+/))
  return new Set(
    columns.flatMap(([, , , state, , , , , , inode]) => (state === ESTABLISHED && inode ? [inode] : [])),
  )
}
