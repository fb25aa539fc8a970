import { initProducerIdV4 } from '@platformatic/kafka'
import type { KafkaClient } from '../client.ts'
import { apiVersion } from '../connections.ts'
import { kafkaError, responseCode } from '../errors.ts'
import { retrying } from '../retry.ts'

const WITHIN_MS = 30_000
/** For a transaction that nobody will begin. */
const TRANSACTION_TIMEOUT_MS = 60_000
/** COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR. */
const ANOTHER_COORDINATOR: readonly number[] = [15, 16]

/**
 * Fences the producers of transactional ids, as Kafka's Admin does: each id gets a new epoch, an open transaction of its
 * old producer is aborted, and that producer may write nothing more. An id that was never used is no error.
 */
export async function fenceProducers(client: KafkaClient, ids: readonly string[]): Promise<void> {
  await Promise.all(ids.map((id) => retrying(WITHIN_MS, () => fence(client, id))))
}

async function fence(client: KafkaClient, id: string): Promise<void> {
  try {
    const connection = await client.connection(await client.coordinator('transaction', id))
    apiVersion(connection, initProducerIdV4.api.key, [initProducerIdV4.api.version])
    await initProducerIdV4.api.async(connection, id, TRANSACTION_TIMEOUT_MS)
  } catch (error) {
    const code = responseCode(error)?.code
    if (code === undefined || ANOTHER_COORDINATOR.includes(code))
      client.invalidateCoordinator('transaction', id)
    throw kafkaError(error, `Fencing the producer ${id}`)
  }
}
