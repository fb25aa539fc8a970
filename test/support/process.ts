import { spawn, type ChildProcess } from 'node:child_process'
import path from 'node:path'
import { eventually } from './eventually.ts'

export interface StartOptions {
  readonly cwd?: string
  /** Over our own environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

export interface StartedProcess {
  readonly child: ChildProcess
  readonly pid: number
  /** All of standard output so far. */
  stdout(): string
  stderr(): string
  /** Resolves at the end of the process: its exit code, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>
  /** The first line of standard output that is a JSON object with `"ready":true`; fails at once if the process ends before. */
  ready(timeoutMs?: number): Promise<Record<string, unknown>>
  /** Signals the process alone (not its group), as a supervisor or a terminal's `kill` would. */
  signal(signal: NodeJS.Signals): void
  /** SIGKILL to its whole process group. */
  kill(): void
}

const running = new Set<StartedProcess>()
process.once('exit', () => stopAllProcesses())

/** Starts a program in a process group of its own and collects its output. It is killed after the mocha run at the latest. */
export function startProcess(
  command: string,
  args: readonly string[],
  options: StartOptions = {},
): StartedProcess {
  const child = spawn(command, args, {
    cwd: options.cwd ?? REPOSITORY,
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()))
  let result: number | NodeJS.Signals | undefined
  const exited = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve((result = code ?? signal ?? 'SIGKILL')))
  })
  exited.catch(() => undefined)
  const started: StartedProcess = {
    child,
    pid: child.pid ?? 0,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    exited,
    ready: (timeoutMs = 60_000) => untilReady(output, () => result, timeoutMs),
    signal: (signal) => void child.kill(signal),
    kill: () => killGroup(child),
  }
  running.add(started)
  void exited.finally(() => running.delete(started)).catch(() => undefined)
  return started
}

/** The checkout's own command line, run from source: `sluice(['dev', '--help'])`. */
export function sluice(args: readonly string[], options: StartOptions = {}): StartedProcess {
  const main = path.join(REPOSITORY, 'src/cli/main.ts')
  return startProcess(process.execPath, ['--conditions=source', main, ...args], options)
}

/**
 * Options with which a command that is about to be timed does its work in the process that was started, not in a second
 * one: half the time of a test. What the second one is for, test/cli/models-deadline.test.ts tests.
 */
export const UNSUPERVISED = ['--timeout', '0'] as const

export function stopAllProcesses(): void {
  for (const started of running) started.kill()
}

export const REPOSITORY = path.resolve(import.meta.dirname, '../..')

async function untilReady(
  output: { readonly stdout: string; readonly stderr: string },
  result: () => number | NodeJS.Signals | undefined,
  timeoutMs: number,
): Promise<Record<string, unknown>> {
  const line = await eventually(
    () => {
      const found = output.stdout.split('\n').find((l) => l.includes('"ready":true'))
      if (found !== undefined) return { found }
      const ended = result()
      return ended === undefined ? null : { ended }
    },
    { timeoutMs },
  ).catch(() => ({ ended: `no ready line in ${timeoutMs} ms` }))
  if ('found' in line) return JSON.parse(line.found) as Record<string, unknown>
  throw new Error(`not ready (${line.ended})\n--- stdout\n${output.stdout}\n--- stderr\n${output.stderr}`)
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // ESRCH: it has ended already.
  }
}
