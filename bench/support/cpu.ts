import { readdirSync, readFileSync } from 'node:fs'

/** Linux counts CPU time for /proc in hundredths of a second (USER_HZ, proc_pid_stat(5)), memory in pages. */
const TICKS_PER_SECOND = 100
const PAGE_BYTES = 4096

export interface TreeUsage {
  /** User and system time of the process, its descendants, and descendants that have ended and were waited for. */
  readonly cpuSeconds: number
  readonly rssBytes: number
  readonly pids: readonly number[]
  /** CPU seconds by process, in the order of `pids`: the root first. */
  readonly cpuByProcess: readonly number[]
}

interface Stat {
  readonly pid: number
  readonly parent: number
  readonly ticks: number
  readonly pages: number
}

/** What a process and its descendants have used since they began. A process that has ended has used nothing. */
export function treeUsage(root: number): TreeUsage {
  const children = new Map<number, Stat[]>()
  const all = new Map<number, Stat>()
  for (const stat of allStats()) {
    all.set(stat.pid, stat)
    const siblings = children.get(stat.parent)
    if (siblings === undefined) children.set(stat.parent, [stat])
    else siblings.push(stat)
  }
  const start = all.get(root)
  const tree = start === undefined ? [] : [start]
  for (const each of tree) tree.push(...(children.get(each.pid) ?? []))
  return {
    cpuSeconds: sum(tree, (stat) => stat.ticks) / TICKS_PER_SECOND,
    rssBytes: sum(tree, (stat) => stat.pages) * PAGE_BYTES,
    pids: tree.map((stat) => stat.pid),
    cpuByProcess: tree.map((stat) => stat.ticks / TICKS_PER_SECOND),
  }
}

/** SIGKILL to a process and all its descendants. */
export function killTree(root: number): void {
  killAll(treeUsage(root).pids)
}

/** SIGKILL to all that this process and its children have started. */
export function killDescendants(): void {
  killAll(treeUsage(process.pid).pids.filter((pid) => pid !== process.pid))
}

function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // ESRCH: it has ended by itself.
    }
  }
}

function sum(stats: readonly Stat[], of: (stat: Stat) => number): number {
  return stats.reduce((total, stat) => total + of(stat), 0)
}

function* allStats(): Generator<Stat> {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = readStat(Number(name))
    if (stat !== null) yield stat
  }
}

function readStat(pid: number): Stat | null {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return null // it ended between the listing and now
  }
  // The command's name, in parentheses, may hold spaces and parentheses. What follows it starts with field 3.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const field = (number: number): number => Number(fields[number - 3])
  return {
    pid,
    parent: field(4),
    ticks: field(14) + field(15) + field(16) + field(17), // utime, stime, cutime, cstime
    pages: field(24),
  }
}
