import { ConfigError, TaskError } from '../../api/errors.ts'
import type { SourceConnector, SourceContext } from '../../api/plugins.ts'
import type { KafkaClient } from '../../kafka/client.ts'
import type { LogTopic } from '../../kafka/compacted-log/compacted-log-topic.ts'
import { Producer } from '../../kafka/produce/produce.ts'
import { TransactionalProducer } from '../../kafka/transactions/transactional-producer.ts'
import type { Compression } from '../../kafka/record-batches/compression.ts'
import { commonKeys } from '../plugins/connector-keys.ts'
import { AtLeastOnceDelivery } from '../delivery/delivery.ts'
import { Encoder } from '../delivery/encoder.ts'
import { ErrorPolicy } from '../delivery/error-policy.ts'
import { logIgnored } from '../plugins/ignored-keys.ts'
import { openClients, openDeadLetters, openPlugins, type TaskOptions } from '../host/open-task.ts'
import { TaskClients } from '../host/task-clients.ts'
import { IDLE, StageTracker } from '../host/stage-tracker.ts'
import { requireSourceMap } from './offset-format.ts'
import { OffsetStore, openOffsetStore, openOwnOffsetStore } from './offset-store.ts'
import { type Offsets, SharedOffsets } from './shared-offsets.ts'
import { RunningSourceTask } from './running-source-task.ts'
import { SourceOffsets } from './source-offsets.ts'
import { ignoredSourceKeys, type SourceConfig, sourceKeys } from './source-keys.ts'
import type { SourcePosition } from './source-positions.ts'
import { SourcePipeline } from './source-pipeline.ts'
import { SourceTransactions } from './source-transactions.ts'
import { writeOffsetTexts } from './transactional-offsets.ts'
import { type TransactionalSource, transactionalSource } from './transactional-source.ts'
import { brokersOf } from '../plugins/client-settings.ts'
import { TargetTopics } from './target-topics.ts'
import { newTopicFor } from './topic-groups.ts'

/** As Kafka Connect has it: a record is tried for as long as its task runs. */
const WITHOUT_END_MS = 2 ** 31 - 1

/** Opens everything a source task needs, its plugins first, reads its offsets, and returns it running. */
export async function openSourceTask(options: TaskOptions, plugin: SourceConnector) {
  const { config, settings, log, id, stopping } = options
  const sourceConfig = sourceKeys.read(config)
  for (const keys of [sourceKeys, ignoredSourceKeys]) logIgnored(keys, config, log)
  const { metrics, waits, at, failed, used } = options.events
  const stages = new StageTracker(at)
  const plugins = await openPlugins(options, stopping.signal, stages)
  const { workerTopics, offsetFlushIntervalMs, stopTimeoutMs } = settings
  const encoding = { converters: plugins.converters, workerTopics, outside: stages.outside }
  const clients = openClients(options)
  const [client, topics] = [clients.get('producer'), openTopics(clients.get('admin'), options)]
  const transactional = transactionalSource(options, sourceConfig)
  const producer = openProducer(client, options, sourceConfig, { topics, transactional })
  let offsets: SourceOffsets | undefined
  const close = async (): Promise<void> => {
    await producer.close()
    await offsets?.close()
    await clients.close()
    plugins.close()
  }
  try {
    const policy = new ErrorPolicy(commonKeys.read(config), log, { tell: waits, metrics })
    const untilThere = <T>(open: () => Promise<T>): Promise<T> => policy.retry(open, stopping.signal)
    if (producer instanceof TransactionalProducer) await untilThere(() => takeOver(producer, options))
    offsets = await untilThere(() => openOffsets(clients, options, sourceConfig))
    const stored = offsets
    const commit = (positions: readonly SourcePosition[]) => stored.write(positions)
    const delivery = new AtLeastOnceDelivery({ producer, tolerant: policy.tolerant, commit })
    const pipeline = new SourcePipeline({
      plugin: plugin.name,
      chain: plugins.chain,
      policy,
      topics,
      workerTopics,
      encoder: new Encoder({ client, producer, ...encoding }),
      delivery,
      deadLetters: await untilThere(() => openDeadLetters(options, clients.get('admin'), producer)),
      ...{ stages, used },
    })
    const parts = { options, client, producer, transactional, pipeline, offsets: stored }
    const task = new RunningSourceTask(
      {
        who: `Connector ${id.connector}, task ${id.task}`,
        plugin: plugin.name,
        source: await openSource(options, plugin, sourceContext(options, stored, transactional)), // last: nothing after it fails
        ...{ pipeline, commit, transactions: openTransactions(parts) },
        flushIntervalMs: offsetFlushIntervalMs,
        ...{ stopTimeoutMs, log, at, metrics, stopping },
        onFailed: failed,
        onWaits: waits ?? (() => undefined),
        isOwner: options.isOwner ?? (() => true),
      },
      options.paused,
    )
    return { kind: 'source', task, close } as const
  } catch (error) {
    await close()
    throw error
  }
}

function openTopics(client: KafkaClient, { config, settings, log, events }: TaskOptions): TargetTopics {
  return new TargetTopics({
    ...{ client, log, enabled: settings.topicCreation, newTopicFor: newTopicFor(config) },
    failed: events.failed,
  })
}

function openProducer(
  client: KafkaClient,
  { log }: TaskOptions,
  config: SourceConfig,
  {
    topics,
    transactional,
  }: { readonly topics: TargetTopics; readonly transactional: TransactionalSource | null },
): Producer | TransactionalProducer {
  const settings = {
    log,
    missing: (topic: string) => topics.missing(topic),
    compression: (config['producer.override.compression.type'] ?? 'none') as Compression,
    deliveryTimeoutMs: config['producer.override.delivery.timeout.ms'] ?? WITHOUT_END_MS,
  }
  if (transactional === null) return new Producer(client, settings)
  const { transactionalId, timeoutMs } = transactional
  return new TransactionalProducer(client, { ...settings, transactionalId, transactionTimeoutMs: timeoutMs })
}

interface TransactionParts {
  readonly options: TaskOptions
  readonly client: KafkaClient
  readonly producer: Producer | TransactionalProducer
  readonly transactional: TransactionalSource | null
  readonly pipeline: SourcePipeline
  readonly offsets: SourceOffsets
}

/** Undefined where the source delivers at least once. */
function openTransactions(parts: TransactionParts): SourceTransactions | undefined {
  const { options, client, producer, transactional, pipeline, offsets } = parts
  if (transactional === null || !(producer instanceof TransactionalProducer)) return undefined
  const { log, stopping } = options
  return new SourceTransactions({
    ...{ producer, pipeline, log, boundary: transactional.boundary, signal: stopping.signal },
    writeOffsets: (positions) =>
      writeOffsetTexts(offsets.texts(positions), { client, producer, topic: offsets.topic }),
    copyOffsets: (positions) => offsets.copy(positions),
  })
}

/** Afterwards no former task of the connector, and no task of an earlier configuration, can write any more. */
async function takeOver(producer: TransactionalProducer, { ownership }: TaskOptions): Promise<void> {
  await ownership?.('fence')
  await producer.init()
  await ownership?.('confirm')
}

/**
 * A topic of the connector's own goes before that of the workers, which keeps a copy (KIP-618). A standalone worker keeps
 * all offsets itself, whatever topic a connector names, as in Kafka Connect.
 */
async function openOffsets(
  clients: TaskClients,
  options: TaskOptions,
  config: SourceConfig,
): Promise<SourceOffsets> {
  const { id, settings, log, offsetLog } = options
  const { offsetTopic } = settings
  const own = config['offsets.storage.topic']
  if (offsetTopic === null) {
    if (own !== undefined)
      log.warn('offsets.storage.topic has no effect: a standalone worker keeps offsets in its file')
    if (offsetLog === undefined) throw new TaskError('task.failed', 'The worker keeps no offsets.')
    const store = await OffsetStore.open(offsetLog, 'the file of the worker', id.connector)
    return new SourceOffsets(id.connector, '', [store])
  }
  const workers = sharedOffsets(options, offsetTopic)
  // The connector's own is where its records are.
  // A transaction holds offsets of the Kafka that the records go to.
  const { clients: defaults, transactionalSources } = settings
  const isElsewhere =
    transactionalSources && brokersOf(defaults, 'producer', options.config) !== brokersOf(defaults, 'own', {})
  const topic = own ?? offsetTopic.topic
  const hasOwn = topic !== offsetTopic.topic || isElsewhere
  const opening: Promise<Offsets>[] = [workers]
  if (hasOwn)
    opening.unshift(openOffsetStore(clients.get('producer'), { ...offsetTopic, topic }, log, id.connector))
  try {
    return new SourceOffsets(id.connector, topic, await Promise.all(opening))
  } catch (error) {
    for (const store of opening) void store.then((opened) => opened.close()).catch(() => undefined)
    throw error
  }
}

/** The workers' topic, which the host reads once for all of its tasks. */
function sharedOffsets({ settings, log, shared }: TaskOptions, topic: LogTopic): Promise<Offsets> {
  const { clients, bootstrapServers } = settings
  const clientId = `${settings.clientId}-offsets`
  const own = new TaskClients({ config: {}, clients, bootstrapServers, clientId, log })
  const { offsets = new SharedOffsets() } = shared ?? {}
  const place = JSON.stringify([topic.topic, clients.own])
  return offsets.take(place, () => openOwnOffsetStore(() => own.get('own'), topic, log))
}

function sourceContext(
  { id, log, stopping }: TaskOptions,
  offsets: SourceOffsets,
  transactional: TransactionalSource | null,
): SourceContext {
  const offset: SourceContext['offset'] = async (partition) => {
    requireSourceMap(partition, `Connector ${id.connector}, task ${id.task}: the source partition asked for`)
    return Promise.resolve(offsets.offset(partition))
  }
  const boundary = transactional?.boundary
  return {
    connector: id.connector,
    task: id.task,
    log,
    signal: stopping.signal,
    offset,
    offsets: (partitions) => Promise.all(partitions.map(offset)),
    ...(boundary?.kind === 'connector' ? { transactions: boundary.requests } : {}),
  }
}

async function openSource({ config, events }: TaskOptions, plugin: SourceConnector, context: SourceContext) {
  const values = plugin.config.read(config)
  const problems = plugin.validate?.(values, config) ?? []
  if (problems.length > 0) throw new ConfigError(problems)
  await events.at('the opening of the connector')
  try {
    return await plugin.open(values, context)
  } finally {
    void events.at(IDLE)
  }
}
