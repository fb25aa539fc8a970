import { spawn } from 'node:child_process'
import { open, readFile } from 'node:fs/promises'

/** Shows in the process list, and tells a broker of ours from a stranger that has its old process number. */
export const OWNER_NAME = 'sluice-broker'

/**
 * Owns the JVM: it sends SIGTERM to it, and SIGKILL after a grace, when its standard input closes. That is our order
 * to stop, and also what happens when our own process dies in any way. Ends with the JVM's exit code.
 */
const OWNER_SCRIPT = `exec 3<&0
"$@" 3<&- </dev/null &
java=$!
{ cat <&3 >/dev/null; kill -TERM $java; sleep 15; kill -KILL $java; } 2>/dev/null &
watch=$!
exec 3<&-
wait $java
code=$?
kill $watch 2>/dev/null
exit $code
`

const START_MARK = '--- start '

export interface BrokerProcess {
  readonly pid: number
  /** Resolves when the JVM has ended, for whatever reason. */
  readonly exited: Promise<void>
  stop(): Promise<void>
  kill(): void
}

/**
 * Starts the JVM with both its outputs appended to a file. With `ownGroup` it is in a process group of its own, so
 * that a Ctrl-C in the terminal reaches us alone.
 */
export async function launchBroker(
  command: readonly string[],
  logFile: string,
  ownGroup: boolean,
): Promise<BrokerProcess> {
  const output = await open(logFile, 'a')
  await output.write(`${START_MARK}${new Date().toISOString()}\n`)
  const child = spawn('sh', ['-c', OWNER_SCRIPT, OWNER_NAME, ...command], {
    stdio: ['pipe', output.fd, output.fd],
    detached: ownGroup,
  })
  const kill = () => {
    if (!ownGroup) child.stdin?.end()
    else if (child.pid !== undefined) killGroup(child.pid)
  }
  const exited = new Promise<void>((resolve) => {
    child.once('error', () => resolve())
    child.once('exit', () => resolve())
  }).then(kill)
  child.stdin?.on('error', () => undefined) // EPIPE, when it ended before us
  await output.close()
  const stop = async () => {
    child.stdin?.end()
    await exited
  }
  return { pid: child.pid ?? 0, exited, stop, kill }
}

export function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // ESRCH: the whole group has gone already.
  }
}

/** What the log of the latest start says went wrong: its last line that names an error, or else its last line. */
export async function lastWords(logFile: string): Promise<string> {
  const log = await readFile(logFile, 'utf8').catch(() => '')
  return errorIn(log.slice(Math.max(0, log.lastIndexOf(START_MARK))).replace(/^--- start .*\n/, ''))
}

/** The one line of a program's output that says what went wrong. */
export function errorIn(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '' && !/^\s+at /.test(line))
  return (
    lines.findLast((line) => /ERROR|FATAL|Exception|Error/.test(line)) ??
    lines.at(-1) ??
    'it said nothing'
  ).trim()
}
