import { createHash } from 'node:crypto'
import { decodeConnectAssignment, decodeWorkerState } from '../../src/kafka/groups/connect-protocol.ts'
import { itemsOf } from '../../src/worker/groups/work-items.ts'
import type { RoundCase } from './assignor-cases.ts'

/** What an assignment tells one member, without the orders that mean nothing. */
export interface Meaning {
  readonly error: number
  readonly leader: string
  readonly leaderUrl: string
  readonly configOffset: string
  readonly assigned: readonly string[]
  readonly revoked: readonly string[]
  readonly delayMs: number
}

/** `answers`: bytes in hex by member. */
export function meaningOf(answers: Readonly<Record<string, string>>): Record<string, Meaning> {
  const members = Object.keys(answers).toSorted()
  return Object.fromEntries(
    members.map((memberId) => {
      const { error, leader, leaderUrl, configOffset, ...rest } = decodeConnectAssignment(
        Buffer.from(answers[memberId] ?? '', 'hex'),
      )
      const revoked = { connectors: rest.revokedConnectors, tasks: rest.revokedTasks }
      const head = { error, leader, leaderUrl, configOffset: `${configOffset}` }
      const change = { assigned: namesOf(rest), revoked: namesOf(revoked), delayMs: rest.delayMs }
      return [memberId, { ...head, ...change }]
    }),
  )
}

function namesOf(work: Parameters<typeof itemsOf>[0]): string[] {
  return [...itemsOf(work).keys()].toSorted()
}

export function fingerprintOf(meaning: Readonly<Record<string, Meaning>>): string {
  return createHash('sha256').update(JSON.stringify(meaning)).digest('base64url').slice(0, 8)
}

/** A round with what Java assigned. */
export interface Answered {
  readonly round: RoundCase
  readonly java: Readonly<Record<string, Meaning>>
}

/** Why our leader does otherwise in the last of these rounds, on purpose; undefined where there is no such reason. */
export function deviationOf(rounds: readonly Answered[]): string | undefined {
  const isBegun = rounds.some((each, at) =>
    runsUnknown(each.round, knownBefore(rounds.slice(0, at), each.round)),
  )
  return isBegun ? KEEPS_DELETED : undefined
}

const KEEPS_DELETED =
  'work that was deleted is revoked as such also where the leader does not remember to have assigned it; Java’s lets it ' +
  'run on, or takes it for an imbalance'

/** Whether a member runs what is not configured and what its leader does not know of. */
function runsUnknown(round: RoundCase, known: ReadonlySet<string>): boolean {
  return heldIn(round).some(
    ([key, { connector, task }]) => (round.connectors[connector] ?? -1) <= task && !known.has(key),
  )
}

function heldIn({ members }: RoundCase) {
  return Object.values(members).flatMap((hex) => {
    const { assignment } = decodeWorkerState(Buffer.from(hex, 'hex'))
    return [...itemsOf(assignment ?? { connectors: [], tasks: [] })]
  })
}

/** What the leader of a round remembers of the last that it assigned; nothing where the group went on without it. */
function knownBefore(
  before: readonly Answered[],
  { assignor, lastGeneration }: RoundCase,
): ReadonlySet<string> {
  const last = before.findLast((each) => each.round.assignor === assignor && isAssigned(each))
  if (last?.round.generation !== lastGeneration) return new Set()
  const assigned = Object.values(last.java).flatMap((meaning) => meaning.assigned)
  return new Set([...heldIn(last.round).map(([key]) => key), ...assigned])
}

function isAssigned({ java }: Answered): boolean {
  return Object.values(java).every(({ error }) => error === 0)
}
