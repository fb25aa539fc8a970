import type { RawConfig } from '../api/config.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../api/log.ts'
import type { InstallVersion } from '../inference/store/add-model-version.ts'
import { KafkaClient } from '../kafka/client.ts'
import { GroupMember } from '../kafka/groups/group.ts'
import { fenceProducers } from '../kafka/produce/fence-producers.ts'
import { ConfigProviders } from '../runtime/config-providers/config-providers.ts'
import { resolveSecretly } from '../runtime/config-providers/resolve-secretly.ts'
import { LogLevels } from '../runtime/host/log-levels.ts'
import type { HostSettings, TaskId } from '../runtime/host/protocol.ts'
import { ActiveTopics } from './active-topics.ts'
import { AssignedWork, type TaskConfigs } from './assigned-work.ts'
import { ClusterLoggers } from './cluster-loggers.ts'
import { amongWorkers } from './cluster/among-workers.ts'
import type { Place } from './cluster/place.ts'
import type { askPeer } from './cluster/peers.ts'
import type { SessionKeys } from './cluster/session-keys.ts'
import { TaskPublisher } from './cluster/task-publisher.ts'
import { ConnectorOffsets } from './connector-offsets.ts'
import type { StoredConnector } from './stores/config-state.ts'
import { workerTopics } from './settings/worker-topics.ts'
import { ConnectorCheck } from './configs/connector-check.ts'
import { ConnectorViews } from './connector-views.ts'
import { Herder, type HerderOptions } from './herder.ts'
import { shownElsewhere } from './shared/shown-elsewhere.ts'
import { hostSpawner, type SpawnHost } from './hosts/host-process.ts'
import { openStores, stoppedEarly, type Stores } from './stores/open-stores.ts'
import { connectorClass } from './configs/plugin-catalogue.ts'
import type { WorkerSettings } from './settings/settings.ts'
import { LagReports } from './lag-reports.ts'
import { LoneWorker } from './groups/lone-worker.ts'
import { shareOutFrom } from './groups/share-out.ts'
import { type SinkClients, sinkClients, sinkPlace } from './groups/sink-clients.ts'
import { sinkGroup } from './groups/sink-group.ts'
import { type ClusterView, type CreateMember, SinkMembership } from './groups/sink-membership.ts'
import type { MonitorsOptions } from './monitors.ts'
import { type GroupAdmin, groupAdmin } from './sink-offsets.ts'
import { sameConfig } from './configs/task-configs.ts'
import { StatusReporter } from './status-reporter.ts'
import { Suspects } from './hosts/suspects.ts'
import { TaskHosts } from './hosts/task-hosts.ts'
import { TaskRun } from './hosts/task-run.ts'
import { WorkerGroup, type WorkerGroupOptions } from './groups/worker-group.ts'

export interface WorkerOptions {
  readonly settings: WorkerSettings
  /** The REST API's advertised host and port. */
  readonly advertised: { readonly host: string; readonly port: number }
  readonly log: Logger
  /** The levels of `log`, which REST shows and sets. Absent: those of a log of its own. */
  readonly levels?: LogLevels
  readonly spawn?: SpawnHost
  /** Ends the attempts to reach Kafka. */
  readonly signal: AbortSignal
}

export interface RunningWorker {
  readonly herder: Herder
  readonly clusterId: string
  /** How a model that comes over REST reaches all workers; undefined where it stays on this one. */
  readonly installModel: InstallVersion | undefined
  /** Where it stands in its cluster. */
  readonly place: Place
  /** What other workers' requests are checked with; undefined where there are none. */
  readonly sessionKeys: Pick<SessionKeys, 'problemOf'> | undefined
  /** Whether it is a member of its group at the moment. */
  inGroup(): boolean
  /** Resolves when everything that was asked for has started, or failed to; of a standalone worker, which waits for no other. */
  settled(): Promise<void>
  /** Stops tasks, leaves the group; at most `task.shutdown.graceful.timeout.ms` and a little. */
  stop(): Promise<void>
}

const LAST_GRACE = 1_000
/** A rebalance takes moments, but waits for members that died until their session ends. */
const HAND_BACK = 3_000

/**
 * Starts the worker process's part of everything: stores, membership, work. Resolves when the worker is a member of
 * its group. Tries on, for ever, while Kafka cannot be reached.
 * @throws TaskError where a topic does not fit, UnavailableError where `signal` ended it
 */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { settings, signal } = options
  const log = options.log.child({ logger: 'sluice.worker' })
  const client = new KafkaClient({
    bootstrapServers: settings.bootstrapServers,
    clientId: settings.clientId,
    log: log.child({ logger: 'sluice.kafka' }),
    security: settings.clients.own,
  })
  const closeClient = async (): Promise<void> => client.close()
  const stores = await openStores({ settings, client, log, signal }).catch(async (error: unknown) => {
    await closeClient()
    throw error
  })
  const worker = assembleWorker({
    ...options,
    log,
    stores,
    cluster: client,
    groups: groupAdmin(client),
    createMember: (member) => new GroupMember(client, member),
    consumerOf: sinkClients(settings, log.child({ logger: 'sluice.kafka' })),
    fence: (ids) => fenceProducers(client, ids),
    spawn: options.spawn ?? hostSpawner(settings.hostMemory),
  })
  const stop = async (): Promise<void> => {
    await worker.stop()
    await closeClient()
  }
  const stopping = Promise.withResolvers<never>()
  signal.addEventListener('abort', () => stopping.reject(stoppedEarly()), { once: true })
  try {
    await Promise.race([worker.start(), stopping.promise])
  } catch (error) {
    await stop()
    throw error
  }
  return { ...worker, stop }
}

/** What a worker is made of besides its settings: Kafka and processes, or their likeness in tests. */
export interface Surroundings extends Omit<WorkerOptions, 'signal' | 'spawn'> {
  readonly stores: Stores
  readonly cluster: ClusterView
  /** Where the offsets of sinks are. */
  readonly groups: GroupAdmin
  readonly createMember: CreateMember
  /** A client of a sink's own, where its consumer is another user or reads another Kafka; absent: none has. */
  readonly consumerOf?: SinkClients
  readonly spawn: SpawnHost
  /** Fences the producers of transactional ids. */
  readonly fence: (ids: readonly string[]) => Promise<void>
  /** Asks another worker; over HTTP, but in simulations. */
  readonly ask?: typeof askPeer | undefined
}

/** Puts a worker together; nothing runs before `start`, which resolves with the first assignment. */
export function assembleWorker(surroundings: Surroundings): RunningWorker & { start(): Promise<void> } {
  const { settings, advertised, log, stores } = surroundings
  const { configs, statuses, clusterId, offsetFile } = stores
  const providers = new ConfigProviders(settings.configProviders)
  const { shared } = stores
  const resolve = async (config: RawConfig): Promise<RawConfig> => {
    await shared?.current()
    return resolveSecretly(providers, config)
  }
  const hosts = new TaskHosts({
    spawn: surroundings.spawn,
    settings: hostSettings(settings),
    max: settings.taskHosts,
    deadline: settings.taskDeadline,
    maxMemory: settings.hostMemory,
    heldUntil: () => group.heldUntil,
    log,
    offsets: offsetFile,
  })
  const versionOf = (name: string): string | null => connectorClass(configs.get(name)?.config).version
  const workerId = `${advertised.host}:${advertised.port}`
  const reporter = new StatusReporter(statuses, workerId, versionOf)
  const suspects = new Suspects(shared?.suspects)
  shared?.suspects.follow((...known) => suspects.take(...known))
  const topics = new ActiveTopics({ tracking: settings.topicTracking, statuses, configs })
  const createTask = taskCreator(surroundings, { hosts, reporter, suspects, topics })
  const createMonitor = monitorCreator(surroundings, { hosts, reporter })
  const publish: TaskPublisher['publish'] = (...tasks) => publisher.publish(...tasks)
  const made = { createTask, createMonitor, suspects, resolve, publish, workerId }
  const work = new AssignedWork({ configs, statuses: reporter, hosts, log, ...made })
  const group: WorkerGroup | LoneWorker = placeOf(surroundings, work, {
    onGeneration: (generation) => {
      reporter.generation = generation
      statuses.joined({ generation, workerId })
    },
    onTaken: async (_, leads) => {
      void sessionKeys?.refresh()
      if (leads) await herder.removeStaleStatuses()
    },
  })
  const views = new ConnectorViews(configs, statuses, (value) => providers.isReference(value))
  const validating: Pick<TaskHosts, 'validate'> = {
    validate: async (...config) => {
      await shared?.current()
      return hosts.validate(...config)
    },
  }
  const check = new ConnectorCheck(validating, settings, log)
  const stored = (name: string): StoredConnector => views.stored(name)
  const { groups } = surroundings
  const offsets = new ConnectorOffsets({ places: stores.offsets, groups, stored, resolve })
  const lag = new LagReports({ configs, statuses, work, workerId, log })
  const rejoin = (reason: string): void => group.rejoin(reason)
  const { levels = new LogLevels(settings.logLevel) } = surroundings
  levels.follow((table) => hosts.setLevels(table))
  const loggers = new ClusterLoggers({ levels, configs, log })
  configs.writtenBy(group)
  const { mode } = settings
  const { sessionKeys, ...among } = amongWorkers({ mode, configs, log, fence: surroundings.fence }, group)
  const place = group
  const elsewhere: HerderOptions['shownElsewhere'] = (connector, name) =>
    shownElsewhere(connector, name, { statuses, workerId })
  const told = { views, check, offsets, topics, loggers, lag, shownElsewhere: elsewhere }
  const herder: Herder = new Herder({ configs, statuses, reporter, work, ...told, place, rejoin, ...among })
  const write: Herder['putTasks'] = (...tasks) => herder.putTasks(...tasks)
  const { ask } = surroundings
  const publisher = new TaskPublisher({ place, keys: sessionKeys, configs, write, ask })
  const stop = async (): Promise<void> => {
    sessionKeys?.close()
    await stopWork({ group, work, hosts }, settings.shutdownTimeout)
    const open = [configs, statuses, offsets, offsetFile, shared]
    await Promise.all(open.map((each) => each?.close()))
  }
  const settled = async (): Promise<void> => {
    await group.settled()
    await work.settled()
  }
  const inGroup = (): boolean => group.inGroup
  const installModel: InstallVersion | undefined = shared && ((checked) => shared.models.publish(checked))
  const shown = { herder, clusterId, place, sessionKeys, installModel }
  return { ...shown, start: () => group.start(), inGroup, settled, stop }
}

interface Stopping {
  readonly group: WorkerGroup | LoneWorker
  readonly work: AssignedWork
  readonly hosts: TaskHosts
}

/** Stops tasks, and leaves the group when others may run them. */
async function stopWork({ group, work, hosts }: Stopping, timeout: number): Promise<void> {
  group.retire()
  await bounded(timeout, work.dropAll(), () => hosts.kill('the worker stops'))
  await bounded(LAST_GRACE, work.settled(), () => undefined)
  await bounded(HAND_BACK, group.handBack(), () => undefined)
  await group.leave()
  await hosts.stop()
}

type GroupEvents = Pick<WorkerGroupOptions, 'onGeneration' | 'onTaken'>

/** What tells a worker what to run: its group; a standalone worker runs everything. */
function placeOf(
  { settings, advertised, stores: { configs }, createMember, log }: Surroundings,
  work: AssignedWork,
  events: GroupEvents,
): WorkerGroup | LoneWorker {
  const { mode } = settings
  if (mode.kind === 'standalone') return new LoneWorker({ configs, work, onTaken: events.onTaken })
  const url = `http://${urlHost(advertised.host)}:${advertised.port}/`
  const shareOut = shareOutFrom({ configs, maxDelay: mode.rebalanceDelay })
  return new WorkerGroup({ mode, settings, url, configs, work, shareOut, ...events, log }, createMember)
}

function taskCreator(
  { settings, cluster, createMember, consumerOf, log, stores: { configs } }: Surroundings,
  {
    hosts,
    reporter,
    suspects,
    topics,
  }: {
    readonly hosts: TaskHosts
    readonly reporter: StatusReporter
    readonly suspects: Suspects
    readonly topics: ActiveTopics
  },
) {
  return (id: TaskId, { config, resolved }: TaskConfigs, paused: boolean): TaskRun => {
    const taskLog = log.child({ ...id })
    return new TaskRun({
      id,
      config,
      paused,
      hosts,
      suspects,
      join: (task, waits, replaced) =>
        isSource(resolved)
          ? { ...IN_NO_GROUP, lost: () => task.lost() }
          : sinkPlace(
              resolved,
              (own) => {
                const options = { ...sinkGroup(settings, resolved, taskLog, id.task), waits, replaced }
                const create: CreateMember =
                  own === undefined ? createMember : (member) => new GroupMember(own, member)
                return new SinkMembership(options, own ?? cluster, create, task)
              },
              consumerOf,
            ),
      report: (state, trace, reason) => void reporter.task(id, state, trace, reason),
      onTopics: (used) => topics.used(id, used),
      willReturn: () => sameConfig(configs.get(id.connector)?.tasks[id.task], config),
      stopTimeout: settings.shutdownTimeout,
      log: taskLog,
    })
  }
}

/** A monitor is run as a task is; its state is its connector's. */
function monitorCreator(
  { settings, log }: Surroundings,
  { hosts, reporter }: { readonly hosts: TaskHosts; readonly reporter: StatusReporter },
): MonitorsOptions['create'] {
  return (id, { config }, onReconfigure) =>
    new TaskRun({
      ...{ id, config, paused: false, hosts, suspects: new Suspects(), onReconfigure },
      join: () => IN_NO_GROUP,
      report: (state, trace) => void reporter.connector(id.connector, state, trace),
      stopTimeout: settings.shutdownTimeout,
      log: log.child({ connector: id.connector }),
    })
}

/** What a source task has for the place in a group that a sink task has. */
const IN_NO_GROUP = {
  start: () => undefined,
  rejoin: () => undefined,
  leave: () => Promise.resolve(),
}

function isSource(config: RawConfig): boolean {
  return connectorClass(config).type === 'source'
}

function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/** Waits, but not for ever. */
async function bounded(time: number, work: Promise<void>, late: () => void): Promise<void> {
  const timer = sleep(time, 'late', { ref: false })
  if ((await Promise.race([work, timer])) === 'late') late()
}

/** What the task hosts of a worker must know of its settings. */
export function hostSettings(settings: WorkerSettings): HostSettings {
  return {
    bootstrapServers: settings.bootstrapServers,
    clients: settings.clientsAsWritten,
    clientId: settings.clientId,
    workerTopics: workerTopics(settings.mode),
    pluginPackages: settings.pluginPackages,
    modelsDir: settings.modelsDir,
    modelsAllowedDirs: settings.modelsAllowedDirs,
    images: settings.images,
    offsetFlushIntervalMs: settings.offsetFlushInterval,
    offsetTopic: settings.mode.kind === 'standalone' ? null : settings.mode.offsetTopic,
    topicCreation: settings.topicCreation,
    topicTracking: settings.topicTracking.enabled,
    stopTimeoutMs: settings.shutdownTimeout,
    taskDeadlineMs: settings.taskDeadline,
    configProviders: settings.configProviders,
    converterDefaults: settings.converterDefaults,
    logLevel: settings.logLevel,
  }
}
