import { startProcess, type StartedProcess, type StartOptions } from './process.ts'

export interface Ports {
  readonly kafka: number
  readonly registry: number
  readonly rest: number
}

/** The commands of a code block, one a line, without the comments behind them. */
export function commandsOf(block: string): string[] {
  return block
    .split('\n')
    .map((line) => line.replace(/\s+# .*$/, ''))
    .filter((line) => line !== '' && !line.startsWith('#'))
}

/** A command of a page, for servers on these ports instead of the usual ones; nothing else in it is changed. */
export function onPorts(command: string, { kafka, registry, rest }: Ports): string {
  const moved = command
    .replaceAll('127.0.0.1:9092', `127.0.0.1:${kafka}`)
    .replaceAll('127.0.0.1:8081', `127.0.0.1:${registry}`)
    .replaceAll('127.0.0.1:8083', `127.0.0.1:${rest}`)
  const [, name] = /\bsluice (?:-- )?(\w+)/.exec(command) ?? []
  const servers = `--bootstrap-servers 127.0.0.1:${kafka}`
  if (name === 'dev') return `${moved} --kafka-port ${kafka} --registry-port ${registry} --rest-port ${rest}`
  if (name === 'topics') return `${moved} ${servers}`
  if (name === 'produce' || name === 'consume')
    return `${moved} ${servers} --registry http://127.0.0.1:${registry}`
  return moved
}

/** Starts a command as a user types it: by a shell. */
export function typed(command: string, options: StartOptions = {}): StartedProcess {
  return startProcess('sh', ['-c', command], options)
}

/** What it prints; throws with everything it said where it ends with another exit code than 0. */
export async function outputOf(command: string, options: StartOptions = {}): Promise<string> {
  const run = typed(command, options)
  run.child.stdin?.end()
  const code = await run.exited
  if (code !== 0) throw new Error(`${command}\nexit code ${code}\n${run.stdout()}\n${run.stderr()}`)
  return run.stdout()
}
