import type { RawConfig } from '../../api/config.ts'
import { Fetcher } from '../../kafka/fetch/fetch.ts'
import { readOffsetReset } from '../../kafka/fetch/offset-reset.ts'
import type { KafkaClient } from '../../kafka/client.ts'
import { fetchOffsets } from '../../kafka/groups/offsets.ts'
import type { BatchWriter } from '../../kafka/transactions/transactional-producer.ts'
import { ConfigError, TaskError } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import type { Models } from '../../api/models.ts'
import type { SinkContext } from '../../api/plugins.ts'
import { type Show, TransformChain } from '../chain/chain.ts'
import { commonKeys, deadLetterKeys, sinkKeys } from '../plugins/connector-keys.ts'
import { DeadLetters } from '../delivery/dead-letters.ts'
import { Encoder } from '../delivery/encoder.ts'
import { ensureTopic } from '../delivery/ensure-topic.ts'
import { ErrorPolicy } from '../delivery/error-policy.ts'
import { connectorOf } from '../plugins/configured-plugins.ts'
import type { PartitionOffset } from '../sink/positions.ts'
import type { AskOwnership } from './ownership-channel.ts'
import type { HostSettings, TaskId } from './protocol.ts'
import type { OpenOffsetLog } from '../source/offset-store.ts'
import type { SharedOffsets } from '../source/shared-offsets.ts'
import { exactlyOnce, offsetsOfItsOwn } from '../sink/exactly-once.ts'
import { topicReader } from '../sink/read-topics.ts'
import { Puts } from '../sink/puts.ts'
import { Outbox, SinkPipeline } from '../sink/sink-pipeline.ts'
import { SinkRequests } from '../sink/sink-requests.ts'
import { RunningSinkTask } from '../sink/sink-task.ts'
import { topicRefusal } from '../delivery/written-topics.ts'
import { openDelivery } from './open-delivery.ts'
import type { SharedClients } from './shared-clients.ts'
import { TaskClients } from './task-clients.ts'
import { closeConverters, openConverters } from './task-converters.ts'
import type { TaskMetrics } from './task-metrics.ts'
import { WaitLog } from './wait-log.ts'
import { IDLE, type Tell, StageTracker } from './stage-tracker.ts'

export interface TaskEvents {
  /** A plugin is about to be called, with these rows where it gets some; `idle` when none is at work. */
  readonly at: Tell
  readonly failed: (error: unknown) => void
  readonly fenced: () => void
  /** Of a monitor: the configs of the connector's tasks are to be asked for again. */
  readonly reconfigure?: () => void
  /** Suspect rows before these offsets are done with. */
  readonly cleared: (offsets: readonly PartitionOffset[]) => void
  readonly metrics: TaskMetrics
  /** The task uses a topic: a sink has read from it, a source has written to it. Absent where nobody looks. */
  readonly used?: (topic: string) => void
  /** What the task waits for, in words; null when that is over. Absent where nobody looks. */
  readonly waits?: (reason: string | null) => void
  /** Absent where nobody looks. */
  readonly show?: Show
}

export interface OpenTask {
  readonly kind: 'sink'
  readonly task: RunningSinkTask
  close(): Promise<void>
}

export interface TaskOptions {
  readonly id: TaskId
  readonly config: RawConfig
  readonly paused: boolean
  readonly settings: HostSettings
  readonly models: Models
  readonly log: Logger
  readonly events: TaskEvents
  /** The offsets of a source whose worker keeps them (`offsetTopic` is null). */
  readonly offsetLog?: OpenOffsetLog
  /** Asks the worker whether a source task may write in transactions. Absent: it is the only one. */
  readonly ownership?: AskOwnership
  /** What the tasks of its host use together. Absent: it has all of it for itself. */
  readonly shared?: { readonly clients: SharedClients; readonly offsets: SharedOffsets }
  /** Aborted when the task must stop, also while it opens. */
  readonly stopping: AbortController
  /** Whether the task is surely nobody else's at the moment (`lease.ts`). Absent: it always is. */
  readonly isOwner?: () => boolean
}

/**
 * Opens everything a sink task needs, its plugins and models first, and returns it running, without partitions yet.
 * Each task has connections of its own for what waits: a long poll of one never delays another.
 */
export async function openTask(options: TaskOptions): Promise<OpenTask> {
  const { config, settings, log, stopping } = options
  const { metrics, waits, used } = options.events
  const transactional = exactlyOnce(options)
  const stages = new StageTracker(options.events.at)
  const plugins = await openPlugins(options, stopping.signal, stages)
  const { workerTopics } = settings
  const encoding = { converters: plugins.converters, workerTopics, outside: stages.outside }
  const clients = openClients(options)
  const client = clients.get('consumer')
  const policy = new ErrorPolicy(commonKeys.read(config), log, { tell: waits, metrics })
  const sending = openDelivery(options, transactional, clients, policy)
  const { delivery, writer } = sending
  const fetcher = openFetcher(options, client)
  const close = async (): Promise<void> => {
    await fetcher.close()
    await sending.close()
    await clients.close()
    plugins.close()
  }
  try {
    const [outbox, requests] = [new Outbox(), new SinkRequests()]
    const context = sinkContext(options, clients, { outbox, stages, requests }, stopping.signal)
    const letters = () => openDeadLetters(options, clients.get('admin'), writer)
    const pipeline = new SinkPipeline({
      ...plugins,
      deadLetters: await policy.retry(letters, stopping.signal),
      sink: await openSink(options, context, transactional !== null), // last: nothing after it fails and would leave it open
      outbox,
      policy,
      encoder: new Encoder({ client: clients.get('producer'), producer: writer, ...encoding }),
      ...{ delivery, stages, metrics, used },
    })
    const task = new RunningSinkTask(
      {
        pipeline,
        fetcher,
        requests,
        puts: new Puts({ pipeline, requests, policy, wait: waitLog(options) }),
        flushIntervalMs: sending.commitIntervalMs,
        transactions: sending.transactions,
        log,
        startAt: ({ groupId, partitions }) => fetchOffsets(client, groupId, partitions),
        commit: (membership, offsets) => delivery.commit({ membership, offsets }),
        isOwner: options.isOwner ?? (() => true),
        onFailed: options.events.failed,
        onFenced: options.events.fenced,
        onCleared: options.events.cleared,
        ...{ metrics, stopping },
      },
      options.paused,
    )
    return { kind: 'sink', task, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Undefined where the connector has no topic for them. */
export async function openDeadLetters(
  { id, config, settings, events }: TaskOptions,
  client: KafkaClient,
  producer: Pick<BatchWriter, 'send'>,
) {
  const values = deadLetterKeys.read(config)
  const path = 'errors.deadletterqueue.topic.name'
  const refusal = values[path] === '' ? undefined : topicRefusal(values[path], settings.workerTopics)
  if (refusal !== undefined) throw new ConfigError([{ path, message: refusal }])
  return DeadLetters.open(client, producer, values, { id, metrics: events.metrics })
}

function openFetcher({ config, log }: TaskOptions, client: KafkaClient): Fetcher {
  const sinkConfig = sinkKeys.read(config)
  return new Fetcher(client, {
    isolation: sinkConfig['consumer.override.isolation.level'] as 'read_committed' | 'read_uncommitted',
    reset: readOffsetReset(sinkConfig['consumer.override.auto.offset.reset']) ?? 'earliest',
    log,
  })
}

/** A task's own connections for what waits or carries data: a long poll of one never delays another. */
export function openClients({ id, config, settings, log, shared }: TaskOptions): TaskClients {
  const { clients, bootstrapServers } = settings
  const clientId = `${settings.clientId}-${id.connector}-${id.task}`
  return new TaskClients({ config, clients, bootstrapServers, clientId, log, shared: shared?.clients })
}

/** Opens converters and transforms, as a check of a configuration too: no Kafka is needed. */
export async function openPlugins(
  { config, settings, models, log, events }: Omit<TaskOptions, 'stopping'>,
  signal: AbortSignal,
  stages?: StageTracker,
) {
  const context = { log, ...(stages === undefined ? {} : { outside: stages.outside }) }
  const converters = openConverters(config, settings.converterDefaults, context)
  const { at, show } = events
  const opening = TransformChain.open(config, models, log, { images: settings.images, show, before: at })
  const chain = await opening
    .finally(() => at(IDLE))
    .catch((error: unknown) => {
      closeConverters(converters)
      throw error
    })
  const close = (): void => {
    chain.close()
    closeConverters(converters)
  }
  if (!signal.aborted) return { converters, chain, close }
  close()
  throw new TaskError('task.failed', 'The task was stopped while it started.')
}

async function openSink({ config, events }: TaskOptions, context: SinkContext, transactional: boolean) {
  const plugin = connectorOf(config)
  if (plugin.kind !== 'sink') throw new TaskError('task.failed', `${plugin.name} is no sink.`)
  const values = plugin.config.read(config)
  const problems = plugin.validate?.(values, config, (topic) => context.reads(topic)) ?? []
  if (problems.length > 0) throw new ConfigError(problems)
  await events.at('the opening of the connector')
  try {
    const task = await plugin.open(values, context)
    if (transactional && task.preCommit !== undefined) {
      await task.stop?.()
      throw offsetsOfItsOwn(plugin.name)
    }
    return task
  } finally {
    void events.at(IDLE)
  }
}

function waitLog({ log, events: { waits } }: TaskOptions): WaitLog {
  return new WaitLog({ log, ...(waits === undefined ? {} : { tell: waits }) })
}

interface Surroundings {
  readonly outbox: Outbox
  readonly stages: StageTracker
  readonly requests: SinkRequests
}

function sinkContext(
  { id, config, settings, models, log }: TaskOptions,
  clients: TaskClients,
  { outbox, stages, requests }: Surroundings,
  signal: AbortSignal,
): SinkContext {
  return {
    connector: id.connector,
    task: id.task,
    log,
    models,
    signal,
    reads: topicReader(config),
    emit: (batch, options = {}) => outbox.emit(batch, options),
    report: (batch, row, error) => batch.fail(row, error),
    pause: (partitions) => requests.pause(partitions),
    resume: (partitions) => requests.resume(partitions),
    offset: (partition, offset) => requests.offset(partition, offset),
    timeout: (milliseconds) => requests.timeout(milliseconds),
    ensureTopic: async (topic, like) => {
      if (topicRefusal(topic, settings.workerTopics) !== undefined) return // its rows fail at delivery
      void stages.at(IDLE) // a Kafka that is slow is no fault of the sink
      await ensureTopic(clients.get('consumer'), clients.get('admin'), { log, topic, like })
      await stages.at('put')
    },
  }
}
