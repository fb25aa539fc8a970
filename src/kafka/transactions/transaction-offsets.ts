import type { ConnectError } from '../../api/errors.ts'
import type { KafkaClient } from '../client.ts'
import {
  type CommitSeat,
  NOBODY,
  offsetMetadata,
  type OffsetToCommit,
  seatRefusal,
} from '../groups/offsets.ts'
import { CoordinatorRequests } from './coordinator-requests.ts'
import { COMMIT_OFFSETS_APIS, type PartitionError } from './transaction-api.ts'
import { transactionError } from './transaction-errors.ts'
import type { TransactionScope } from './transaction-scope.ts'

export interface OffsetsInTransaction {
  readonly groupId: string
  readonly seat: CommitSeat | null
  readonly offsets: readonly OffsetToCommit[]
  readonly deadline: number
}

/**
 * TxnOffsetCommit, until it is answered otherwise than "not now". Throws Unanswered where it went out and was not answered.
 * Returns the answer of each partition; see `offsetsRefusal`.
 */
export async function sendOffsets(
  client: KafkaClient,
  options: { readonly purpose: string; readonly requestTimeoutMs: number },
  { who, protocol }: Pick<TransactionScope, 'who' | 'protocol'>,
  { groupId, seat, offsets, deadline }: OffsetsInTransaction,
): Promise<readonly PartitionError[]> {
  const { memberId, generation, groupInstanceId = null } = seat ?? NOBODY
  const entries = offsets.map(({ topic, partition, offset, topicId = null }) => {
    return { topic, partition, offset, metadata: offsetMetadata(topicId) }
  })
  const commit = { groupId, memberId, generation, groupInstanceId, offsets: entries }
  const coordinator = new CoordinatorRequests(client, 'group', groupId, options)
  const what = whatOf(groupId)
  const { answer } = await coordinator.untilAnswered({
    what,
    once: () => coordinator.ask(what, COMMIT_OFFSETS_APIS[protocol], who, commit),
    errorOf: (refusals) => refusals.find(({ error }) => error !== 0)?.error ?? 0,
    deadline,
    repeats: false,
  })
  return answer
}

/** The error of an answer, as of any commit of offsets; null without one. */
export function offsetsRefusal(
  groupId: string,
  seat: CommitSeat | null,
  answer: readonly PartitionError[],
): { readonly code: number; readonly error: ConnectError } | null {
  const code = answer.find(({ error }) => error !== 0)?.error ?? 0
  if (code === 0) return null
  const what = whatOf(groupId)
  const error = seatRefusal(code, seat?.cooperative === true, what) ?? transactionError(code, what)
  return { code, error }
}

function whatOf(groupId: string): string {
  return `Committing offsets of group ${groupId} in a transaction`
}
