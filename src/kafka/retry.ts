import { setTimeout as sleep } from 'node:timers/promises'
import { ConnectError } from '../api/errors.ts'

const FIRST_MS = 50
const LARGEST_MS = 1000

/** Milliseconds to wait before try number `attempt` (0 = the first retry): doubling, with jitter. */
export function backOffMs(attempt: number): number {
  const exponential = Math.min(LARGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10))
  return exponential * (0.8 + 0.4 * Math.random())
}

export function isRetriable(error: unknown): boolean {
  return error instanceof ConnectError && error.retriable
}

/**
 * Repeats what fails with a retriable error, with back-off, until `timeoutMs` have passed; then throws the last
 * error. Any other error is thrown at once.
 */
export async function retrying<T>(timeoutMs: number, work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (let attempt = 0; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      const wait = backOffMs(attempt)
      if (!isRetriable(error) || performance.now() + wait > deadline) throw error
      await sleep(wait)
    }
  }
}
