import { FencedError, messageOf, UnavailableError } from '../../api/errors.ts'
import type { Stop } from './sink-pipeline.ts'

/**
 * Kafka has refused a record that is not tolerated, after others of its transaction were sent. It comes again, with all that
 * is not committed, and then fails before anything behind it is sent.
 */
export class RefusedLate extends Error {
  constructor({ error }: Stop) {
    super(messageOf(error), { cause: error })
  }
}

/** Whether what failed for this may succeed with the same records, read again. */
export function comesAgain(error: unknown): boolean {
  if (error instanceof FencedError) return false
  return (
    error instanceof RefusedLate || (error instanceof UnavailableError && error.code.startsWith('kafka.'))
  )
}

/**
 * Of the errors that rounds of one transaction have failed with, the one that says what to do: others may follow from it.
 * One that ends the ownership comes first, then a refused record, behind which nothing is sent, then one that stays.
 */
export function gravest(errors: readonly unknown[]): unknown {
  const rank = (error: unknown): number => {
    if (error instanceof FencedError) return 0
    if (error instanceof RefusedLate) return 1
    return comesAgain(error) ? 3 : 2
  }
  return errors.toSorted((a, b) => rank(a) - rank(b))[0]
}
