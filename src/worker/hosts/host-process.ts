import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { FromHost, ToHost } from '../../runtime/host/protocol.ts'

/** A task host as an operating system process. */
export interface HostProcess {
  readonly pid: number | undefined
  /** Bytes of memory that it holds (resident set size); undefined where that is not known: on Linux alone it is. */
  memory(): number | undefined
  send(message: ToHost): void
  /** SIGKILL, to the whole process group. */
  kill(): void
  /** Closes the channel, which ends a host that is well. */
  disconnect(): void
}

export interface HostProcessEvents {
  message(message: FromHost): void
  /** Called once. `signal` where one ended it, else its exit code. */
  exited(exit: HostExit): void
}

export interface HostExit {
  readonly code: number | null
  readonly signal: string | null
}

export type SpawnHost = (events: HostProcessEvents) => HostProcess

/**
 * A host's heap is small and its data lies outside of it (buffers, typed arrays). V8 collects when those have grown in
 * proportion to the heap, every few batches, and finds little; a larger initial heap makes that rare. Measured in
 * docs/decisions/0005-lean-start.md.
 */
const HOST_FLAGS = ['--initial-heap-size=256']

/** How long, in milliseconds, words of a process that has ended are waited for; a child of its own may hold the channel. */
const LAST_WORDS = 1_000

/**
 * Starts task hosts with the command line that started this process: `… task-host`. Each has a process group of its
 * own, so that a Ctrl-C at a terminal reaches the worker alone.
 */
export function hostSpawner(
  maxMemory: number,
  entry: string = process.argv[1] ?? '',
  execArgv: readonly string[] = process.execArgv,
): SpawnHost {
  return (events) => {
    // Memory that grows faster than it is measured ends at this.
    const heap = `--max-old-space-size=${Math.floor(maxMemory / 2 ** 20)}`
    const child = spawn(process.execPath, [...HOST_FLAGS, heap, ...execArgv, entry, 'task-host'], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
      detached: true,
    })
    let gone = false
    const exited = (exit: HostExit): void => {
      if (gone) return
      gone = true
      events.exited(exit)
    }
    child.on('message', (message) => {
      if (!gone) events.message(message as FromHost)
    })
    // Its last words may still be unread when it has ended, and tell what it was at; `close` comes after them.
    child.on('exit', (code, signal) => setTimeout(() => exited({ code, signal }), LAST_WORDS).unref())
    child.on('close', (code: number | null, signal) => exited({ code, signal }))
    child.on('error', () => {
      if (child.pid === undefined) exited({ code: null, signal: null })
    })
    return {
      pid: child.pid,
      memory: () => (gone ? undefined : memoryOf(child.pid)),
      send: (message) => {
        // A channel that closes meanwhile is an exit, and comes as one.
        if (child.connected) child.send(message, () => undefined)
      },
      kill: () => killGroup(child.pid),
      disconnect: () => {
        if (child.connected) child.disconnect()
      },
    }
  }
}

function memoryOf(pid: number | undefined): number | undefined {
  if (pid === undefined || process.platform !== 'linux') return undefined
  try {
    const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? []
    return kib === undefined ? undefined : Number(kib) * 1024
  } catch {
    return undefined // it is gone already
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It is gone already.
  }
}
