import type { KafkaClient } from '../client.ts'
import { TransactionRequests } from './transaction-requests.ts'

const WITHIN_MS = 30_000
/** For a transaction that nobody will begin. */
const TRANSACTION_TIMEOUT_MS = 60_000

/**
 * Fences the producers of transactional ids, as Kafka's Admin does: each id gets a new epoch, an open transaction of its
 * old producer is aborted, and that producer may write nothing more. An id that was never used is no error.
 */
export async function fenceProducers(client: KafkaClient, ids: readonly string[]): Promise<void> {
  await Promise.all(ids.map((id) => fence(client, id)))
}

async function fence(client: KafkaClient, transactionalId: string): Promise<void> {
  const purpose = `fencing ${transactionalId}`
  const requests = new TransactionRequests(client, {
    ...{ transactionalId, purpose },
    transactionTimeoutMs: TRANSACTION_TIMEOUT_MS,
    requestTimeoutMs: WITHIN_MS,
  })
  try {
    await requests.init(performance.now() + WITHIN_MS, null)
  } finally {
    await client.disconnect(purpose)
  }
}
