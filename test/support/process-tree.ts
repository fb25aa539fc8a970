import { readdirSync, readFileSync } from 'node:fs'

export interface RunningProcess {
  readonly pid: number
  readonly parent: number
  readonly group: number
  /** Its command line, arguments separated by blanks. */
  readonly command: string
}

/** Every process of the machine that is not a zombie (Linux: from /proc). */
export function allProcesses(): RunningProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
        // pid (comm) state ppid pgrp …; comm may hold blanks and parentheses
        const [state, parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
        return state === 'Z'
          ? []
          : [{ pid: Number(name), parent: Number(parent), group: Number(group), command }]
      } catch {
        return [] // it ended while we looked
      }
    })
}

/** The children of a process, their children, and so on. */
export function descendantsOf(pid: number): RunningProcess[] {
  const all = allProcesses()
  const children = (parent: number): RunningProcess[] =>
    all.filter((p) => p.parent === parent).flatMap((p) => [p, ...children(p.pid)])
  return children(pid)
}

/** The task hosts of a worker, or of whatever started it. */
export function taskHostsOf(pid: number): RunningProcess[] {
  return descendantsOf(pid).filter(({ command }) => command.includes('task-host'))
}

/** Those of the given processes that still run (the same process number with the same command line). */
export function stillRunning(processes: readonly RunningProcess[]): RunningProcess[] {
  const now = new Map(allProcesses().map((p) => [p.pid, p.command]))
  return processes.filter((p) => now.get(p.pid) === p.command)
}
