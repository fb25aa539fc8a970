import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

export interface EventuallyOptions {
  /** Default 10 s. */
  readonly timeoutMs?: number
  /** Default 50 ms. */
  readonly everyMs?: number
}

/**
 * Repeats the check until it neither throws nor gives `false`, `null` or `undefined`, and returns what it gave.
 * At the deadline it throws the check's last error, so an `expect` inside says what was wrong.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { timeoutMs = 10_000, everyMs = 50 }: EventuallyOptions = {},
): Promise<NonNullable<T>> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    let failure = new Error(`the condition did not hold within ${timeoutMs} ms`)
    try {
      const value = await check()
      if (value !== undefined && value !== null && value !== false) return value
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error))
    }
    if (Date.now() >= deadline) throw failure
    await sleep(everyMs)
  }
}

/** A name that no other test uses: for topics, groups, connectors. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomUUID().slice(0, 8)}`
}
