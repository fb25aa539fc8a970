import type { Assignor } from './assignor.ts'
import { RANGE_ASSIGNOR } from './range.ts'
import { ROUND_ROBIN_ASSIGNOR } from './round-robin.ts'
import { COOPERATIVE_STICKY_ASSIGNOR, STICKY_ASSIGNOR } from './sticky.ts'

const ASSIGNORS = [RANGE_ASSIGNOR, ROUND_ROBIN_ASSIGNOR, STICKY_ASSIGNOR, COOPERATIVE_STICKY_ASSIGNOR]
const BY_NAME = new Map(
  ASSIGNORS.flatMap((assignor) => {
    const simple = assignor.javaClass.slice(assignor.javaClass.lastIndexOf('.') + 1)
    return [assignor.name, simple, assignor.javaClass].map((name) => [name, assignor])
  }),
)

/** What a member speaks when nothing is said, as a Java consumer: range, and ready to be changed to cooperative-sticky. */
export const DEFAULT_STRATEGY: readonly Assignor[] = [RANGE_ASSIGNOR, COOPERATIVE_STICKY_ASSIGNOR]

/**
 * The assignors that a `partition.assignment.strategy` names, in its order: Java's classes, with or without their
 * package, or the names of the protocol. Text that names others is a problem, in a sentence.
 */
export function readStrategy(
  text: string,
): { readonly assignors: readonly Assignor[] } | { readonly problem: string } {
  const names = text.split(',').map((name) => name.trim())
  const assignors: Assignor[] = []
  for (const name of names.filter((each) => each !== '')) {
    const assignor = BY_NAME.get(name)
    if (assignor === undefined) return { problem: `"${name}" is not an assignor here. Use ${KNOWN}.` }
    if (assignors.includes(assignor)) return { problem: `${assignor.name} is named twice. Name it once.` }
    assignors.push(assignor)
  }
  return assignors.length === 0 ? { problem: `No assignor is named. Use ${KNOWN}.` } : { assignors }
}

const KNOWN = ASSIGNORS.map(({ name, javaClass }) => `${name} (${javaClass})`).join(', ')

/**
 * Whether members of this strategy keep what they have while their group rebalances. As in Java only where all of its
 * assignors can: a group is changed over by naming both kinds first, then the cooperative one alone.
 */
export function isCooperative(assignors: readonly Assignor[]): boolean {
  return assignors.every(({ cooperative }) => cooperative)
}
