import { parseSeconds } from './options.ts'
import { isSupervised } from './steps.ts'

export interface TimedOptions {
  /** For each step: reading and probing a model, scoring a batch. 0: no limit. */
  readonly timeout: number
}

export const TIMEOUT = [
  '--timeout <seconds>',
  'the longest that reading and probing a model may take, and then each batch of rows; 0: no limit',
  parseSeconds,
  60,
] as const

/** The action in a process that is killed where one of its steps takes too long: a model may never come to an end. */
export function timed<A extends readonly unknown[]>(work: (...args: A) => Promise<void>) {
  return async (...args: A): Promise<void> => {
    const { timeout } = args.find(isTimed) ?? { timeout: 0 }
    if (timeout > 0 && !isSupervised()) {
      const { superviseSelf } = await import('./supervise.ts')
      await superviseSelf(timeout)
      return
    }
    if (isSupervised()) {
      const { startWatchdog } = await import('../runtime/host/watchdog.ts')
      startWatchdog(process.ppid)
    }
    await work(...args)
  }
}

export function isTimed(option: unknown): option is TimedOptions {
  return typeof option === 'object' && option !== null && 'timeout' in option
}
