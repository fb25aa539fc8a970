import { SILENT } from '../../src/api/log.ts'
import { FencedError } from '../../src/api/errors.ts'
import { createTopic } from '../../src/kafka/admin.ts'
import { fetchOffsets } from '../../src/kafka/groups/offsets.ts'
import { TransactionalProducer } from '../../src/kafka/transactions/transactional-producer.ts'
import { plain, rowsOf } from '../kafka/craft.ts'
import { uniqueName } from './eventually.ts'
import type { Fault, Script } from './fault-proxy.ts'
import { clientOf, type TransactionKafka } from './transaction-kafka.ts'

/** Produce, InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn, EndTxn, TxnOffsetCommit. */
const BREAKABLE: readonly number[] = [0, 22, 24, 25, 26, 28]
const FAULTS: readonly Fault[] = ['lose-request', 'lose-answer', 'late-request', 'late-answer', 'silence']
const PRODUCE = 0
export const PARTITIONS = 2
const BATCHES = 3

/** Breaks so many of the requests that transactions are made of. A Produce that is not answered at all would take 40 s. */
export function randomFaults(random: () => number, share: number): Script {
  return ({ apiKey }) => {
    if (!BREAKABLE.includes(apiKey) || random() >= share) return null
    const fault = FAULTS[Math.floor(random() * FAULTS.length)] ?? null
    return fault === 'silence' && apiKey === PRODUCE ? 'lose-answer' : fault
  }
}

/** What a transaction writes: its number in each partition, more than once. */
export function valuesOfTransaction(number: number): string[] {
  return Array.from({ length: BATCHES }, (_, i) => `${number}.${i}`)
}

export interface WrittenUnderFaults {
  readonly topic: string
  /** How the transactions ended: committed, aborted, and what came of what failed. */
  readonly ends: Readonly<Record<'committed' | 'aborted' | 'failed' | 'unknown' | 'fenced', number>>
}

/**
 * Writes transactions 0, 1, 2 … as a task does: the number of the next one is a group's committed offset, part of the transaction.
 * After any failure it aborts or initialises as the state says. It reads the committed offset each time. One in five is aborted
 * on purpose, with values that begin with `aborted`.
 */
export async function writeUnderFaults(
  kafka: TransactionKafka,
  transactions: number,
  random: () => number,
): Promise<WrittenUnderFaults> {
  const [direct, client] = [clientOf(kafka.bootstrapServers), clientOf(kafka.behindProxy)]
  const [topic, group] = [uniqueName('faulty'), uniqueName('group')]
  await createTopic(direct, { topic, partitions: PARTITIONS, configs: {} })
  const producer = new TransactionalProducer(client, {
    transactionalId: uniqueName('id'),
    transactionTimeoutMs: 60_000,
    requestTimeoutMs: 700,
    deliveryTimeoutMs: 5000,
    log: SILENT,
  })
  const next = async (): Promise<number> => {
    const [found] = await fetchOffsets(direct, group, [{ topic, partitions: [0] }])
    return Number(found?.offset ?? 0n)
  }
  const send = async (values: readonly string[]): Promise<void> => {
    for (const value of values) {
      const rows = rowsOf([plain(value, { timestamp: BigInt(Date.now()) })])
      const each = Array.from({ length: PARTITIONS }, (_, partition) =>
        producer.send(topic, partition, rows, () => undefined),
      )
      await Promise.all(each)
    }
  }
  const ends = { committed: 0, aborted: 0, failed: 0, unknown: 0, fenced: 0 }
  const recover = async (): Promise<void> => {
    if (producer.state === 'failed') await producer.abort()
    if (producer.state !== 'ready') await producer.init()
  }
  const write = async (number: number): Promise<void> => {
    if (random() < 0.2) {
      await send([`aborted ${number}`])
      await producer.abort()
      ends.aborted++
      return
    }
    await send(valuesOfTransaction(number))
    await producer.commitOffsets(group, null, [{ topic, partition: 0, offset: BigInt(number + 1) }])
    await producer.commit()
    ends.committed++
  }
  const counted = (error: unknown): void => {
    if (error instanceof FencedError) ends.fenced++
    else if (producer.state === 'new') ends.unknown++
    else ends.failed++
  }
  try {
    for (let number = 0; number < transactions;) {
      await recover().catch(counted)
      if (producer.state !== 'ready') continue
      number = await next()
      if (number < transactions) await write(number).catch(counted)
    }
  } finally {
    kafka.proxy.script = null
    await producer.close()
    await Promise.all([client.close(), direct.close()])
  }
  return { topic, ends }
}
