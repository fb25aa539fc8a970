import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { constants } from 'node:os'
import { CommandError } from '../api/errors.ts'
import { isStepMessage, SUPERVISOR } from './steps.ts'

/** How long a child that was asked to end may take; a native loop never looks up. */
const END_MS = 1000

type Ended = { readonly code: number | null; readonly signal: NodeJS.Signals | null }

/**
 * Runs this very command again as a child with our streams, which says itself what goes wrong, and takes its exit code. It is
 * killed where one step takes longer than `seconds`, native code included: nothing else ends a graph that loops.
 * @throws CommandError `command.timeout`; `command.input` where something else killed it
 */
export async function superviseSelf(seconds: number): Promise<void> {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [SUPERVISOR]: String(process.pid) },
  })
  const watch = new Watch(child, seconds)
  const forget = endWithSignals(child)
  const { code, signal } = await new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  const interrupted = forget()
  if (code !== 0) watch.removeDrafts()
  if (signal === null) process.exitCode = code ?? 1
  else if (interrupted !== null) process.exit(128 + constants.signals[interrupted])
  else throw watch.late === null ? killed(watch.step, signal) : tooLate(watch.late, seconds)
}

/** Listens to a child, and kills it where one step takes too long. Between steps it may wait for its input and output. */
class Watch {
  step = 'The command'
  /** The step that was cut. */
  late: string | null = null
  readonly #drafts: string[] = []

  constructor(child: ChildProcess, seconds: number) {
    const cut = () => {
      this.late = this.step
      child.kill('SIGKILL')
    }
    let timer: NodeJS.Timeout | undefined
    child.on('message', (message) => {
      if (!isStepMessage(message)) return
      if (message.type === 'draft') this.#drafts.push(message.file)
      else clearTimeout(timer)
      if (message.type !== 'step') return
      this.step = message.what
      timer = setTimeout(cut, seconds * 1000)
    })
    child.once('close', () => clearTimeout(timer))
  }

  removeDrafts(): void {
    for (const file of this.#drafts) rmSync(file, { force: true })
  }
}

/** Hands SIGINT and SIGTERM on; returns what stops that, and says which came. */
function endWithSignals(child: ChildProcess): () => NodeJS.Signals | null {
  let came: NodeJS.Signals | null = null
  const end = (signal: NodeJS.Signals) => {
    came ??= signal
    child.kill(signal)
    setTimeout(() => child.kill('SIGKILL'), END_MS).unref()
  }
  process.on('SIGINT', end)
  process.on('SIGTERM', end)
  return () => {
    process.off('SIGINT', end)
    process.off('SIGTERM', end)
    return came
  }
}

function tooLate(step: string, seconds: number): CommandError {
  return new CommandError('command.timeout', `${step} did not end within ${seconds} s, and was stopped`, {
    suggestion:
      'the model may never come to an end (a Loop in its graph) and then needs to be exported without that; one that is large or slow gets more time with --timeout SECONDS (0: no limit)',
  })
}

function killed(step: string, signal: NodeJS.Signals): CommandError {
  return new CommandError('command.input', `${step} was ended by ${signal}`, {
    suggestion:
      'the system may have run out of memory, or the model took its process down: try a smaller one',
  })
}
