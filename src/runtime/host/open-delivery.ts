import type { RawConfig } from '../../api/config.ts'
import { ConfigError } from '../../api/errors.ts'
import type { KafkaClient } from '../../kafka/client.ts'
import { commitOffsets } from '../../kafka/groups/offsets.ts'
import { Producer } from '../../kafka/produce/produce.ts'
import { type Compression, COMPRESSIONS } from '../../kafka/record-batches/compression.ts'
import { type BatchWriter, TransactionalProducer } from '../../kafka/transactions/transactional-producer.ts'
import { AtLeastOnceDelivery, type Delivery, type Transactions } from '../delivery/delivery.ts'
import type { ErrorPolicy } from '../delivery/error-policy.ts'
import { type GroupProgress, TransactionalDelivery } from '../delivery/transactional-delivery.ts'
import type { ExactlyOnce } from '../sink/exactly-once.ts'
import type { TaskOptions } from './open-task.ts'
import { transactionalIdOf } from './protocol.ts'
import type { TaskClients } from './task-clients.ts'

/** How a task delivers. */
export interface OpenDelivery {
  readonly delivery: Delivery<GroupProgress>
  /** All that the task writes goes through it. */
  readonly writer: BatchWriter
  /** Undefined where delivery is at least once. */
  readonly transactions: Transactions | undefined
  readonly commitIntervalMs: number
  close(): Promise<void>
}

/** @throws ConfigError */
export function openDelivery(
  options: TaskOptions,
  transactional: ExactlyOnce | null,
  clients: TaskClients,
  { tolerant }: Pick<ErrorPolicy, 'tolerant'>,
): OpenDelivery {
  const { config, settings, log, id } = options
  const client = clients.get('producer')
  const compression = compressionOf(config)
  if (transactional === null) {
    const producer = new Producer(client, { log, compression })
    const delivery = new AtLeastOnceDelivery({
      ...{ producer, tolerant },
      commit: committer(clients.get('consumer')),
    })
    const close = () => producer.close()
    const commitIntervalMs = settings.offsetFlushIntervalMs
    return { delivery, writer: producer, transactions: undefined, commitIntervalMs, close }
  }
  const producer = new TransactionalProducer(client, {
    transactionalId: transactionalIdOf(settings.transactionalIdPrefix, id),
    transactionTimeoutMs: transactional.timeoutMs,
    ...{ log, compression },
  })
  const delivery = new TransactionalDelivery({ producer, tolerant, log })
  const close = () => producer.close()
  const { commitIntervalMs } = transactional
  return { delivery, writer: delivery.writer, transactions: delivery, commitIntervalMs, close }
}

function committer(client: KafkaClient) {
  return ({ membership, offsets }: GroupProgress): Promise<void> => {
    return commitOffsets(client, membership.groupId, membership, offsets)
  }
}

/** Of a sink's own producer, for the topic that it writes to and dead letters. */
function compressionOf(config: RawConfig): Compression {
  const path = 'producer.override.compression.type'
  const written = config[path]?.trim() ?? 'none'
  const found = COMPRESSIONS.find((each) => each === written)
  if (found !== undefined) return found
  throw new ConfigError([{ path, message: `must be one of ${COMPRESSIONS.join(', ')}, not "${written}".` }])
}
