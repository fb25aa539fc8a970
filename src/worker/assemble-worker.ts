import type { RawConfig } from '../api/config.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { hostInUrl } from '../api/hosts.ts'
import type { Logger } from '../api/log.ts'
import type { ClusterModels } from './model-directory.ts'
import { ConfigProviders } from '../runtime/config-providers/config-providers.ts'
import { resolveSecretly } from '../runtime/config-providers/resolve-secretly.ts'
import { LogLevels } from '../runtime/host/log-levels.ts'
import { ActiveTopics } from './active-topics.ts'
import { AssignedWork } from './assigned-work.ts'
import { ClusterLoggers } from './cluster-loggers.ts'
import { amongWorkers } from './cluster/among-workers.ts'
import type { Place } from './cluster/place.ts'
import type { PeerSignatures } from './cluster/peer-signatures.ts'
import type { AskPeer, Peers } from './cluster/peers.ts'
import type { SessionKeys } from './cluster/session-keys.ts'
import { TaskPublisher } from './cluster/task-publisher.ts'
import { ConnectorOffsets } from './connector-offsets.ts'
import { ConnectorCheck } from './configs/connector-check.ts'
import { ConnectorViews } from './connector-views.ts'
import { Herder } from './herder.ts'
import { shownElsewhere } from './shared/shown-elsewhere.ts'
import { type OwnershipKeeper, SourceOwnership } from './source-ownership.ts'
import type { SpawnHost } from './hosts/host-process.ts'
import type { Stores } from './stores/open-stores.ts'
import { connectorClass } from './configs/plugin-catalogue.ts'
import type { WorkerSettings } from './settings/settings.ts'
import { LagReports } from './lag-reports.ts'
import { LoneWorker } from './groups/lone-worker.ts'
import { MissingPlugins } from './groups/missing-plugins.ts'
import { shareOutFrom } from './groups/share-out.ts'
import type { SinkClients } from './groups/sink-clients.ts'
import type { ClusterView, CreateMember } from './groups/sink-membership.ts'
import type { GroupAdmin } from './sink-offsets.ts'
import { StatusReporter } from './status-reporter.ts'
import { Suspects } from './hosts/suspects.ts'
import { TaskHosts } from './hosts/task-hosts.ts'
import { WorkerGroup, type WorkerGroupOptions } from './groups/worker-group.ts'
import { hostSettings } from './host-settings.ts'
import { monitorCreator, taskCreator } from './create-tasks.ts'

export interface RunningWorker {
  readonly herder: Herder
  readonly clusterId: string
  /** How a model that comes over REST reaches all workers; undefined where it stays on this one. */
  readonly models: ClusterModels | undefined
  /** Where it stands in its cluster. */
  readonly place: Place
  /** What other workers' requests are checked with; undefined where there are none. */
  readonly sessionKeys: Pick<SessionKeys, 'problemOf' | 'required'> | undefined
  /** The other workers. */
  readonly peers: Pick<Peers, 'ask'>
  /** Tell for whom a worker asks another one; undefined where there are none. */
  readonly signatures: Pick<PeerSignatures, 'sign' | 'verify'> | undefined
  /** Whether it is a member of its group at the moment. */
  inGroup(): boolean
  /** Resolves when everything that was asked for has started, or failed to; of a standalone worker, which waits for no other. */
  settled(): Promise<void>
  /** Stops tasks, leaves the group; at most `task.shutdown.graceful.timeout.ms` and a little. */
  stop(): Promise<void>
}

/** What a worker is made of besides its settings: Kafka and processes, or their likeness in tests. */
export interface Surroundings {
  readonly settings: WorkerSettings
  /** The REST API's advertised host and port. */
  readonly advertised: { readonly host: string; readonly port: number }
  readonly log: Logger
  /** The levels of `log`, which REST shows and sets. Absent: those of a log of its own. */
  readonly levels?: LogLevels
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
  readonly ask?: AskPeer | undefined
}

const LAST_GRACE = 1_000
/** A rebalance takes moments, but waits for members that died until their session ends. */
const HAND_BACK = 3_000

/** Puts a worker together; nothing runs before `start`, which resolves with the first assignment. */
export function assembleWorker(surroundings: Surroundings): RunningWorker & { start(): Promise<void> } {
  const { settings, advertised, log, stores } = surroundings
  const { configs, statuses, clusterId, offsetFile } = stores
  const providers = new ConfigProviders(settings.configProviders)
  const { shared } = stores
  const resolve = resolverOf(providers, shared)
  const hosts = hostsOf(surroundings, () => group.heldUntil, { answer: (message) => keeper.answer(message) })
  const versionOf = (name: string): string | null => connectorClass(configs.get(name)?.config).version
  const workerId = `${hostInUrl(advertised.host)}:${advertised.port}`
  const reporter = new StatusReporter(statuses, workerId, versionOf)
  const suspects = new Suspects(shared?.suspects)
  shared?.suspects.follow((...known) => suspects.take(...known))
  const topics = new ActiveTopics({ tracking: settings.topicTracking, statuses, configs })
  const createTask = taskCreator(surroundings, { hosts, reporter, suspects, topics })
  const createMonitor = monitorCreator(surroundings, { hosts, reporter })
  const publish: TaskPublisher['publish'] = (...tasks) => publisher.publish(...tasks)
  const missing = new MissingPlugins({ configs, statuses })
  const failedOn = (connector: string): string[] => missing.failedOn(connector, workerId)
  const made = { createTask, createMonitor, suspects, resolve, publish, workerId, failedOn }
  const restartsAll = writesInTransactions(settings, configs)
  const work = new AssignedWork({ configs, statuses: reporter, hosts, log, restartsAll, ...made })
  const onGeneration = (generation: number): void => {
    reporter.generation = generation
    statuses.joined({ generation, workerId })
  }
  const onTaken = async (_: unknown, leads: boolean): Promise<void> => {
    void sessionKeys?.refresh()
    if (leads) await herder.removeStaleStatuses()
  }
  const group: WorkerGroup | LoneWorker = placeOf(surroundings, { work, missing }, { onGeneration, onTaken })
  const rejoin = (reason: string): void => group.rejoin(reason)
  moveWhereMissing(statuses, missing, group)
  configs.writtenBy(group)
  const { mode, advertisedProtocol: protocol, peerTls: tls } = settings
  const { ask, fence: fenceIds } = surroundings
  const { sessionKeys, signatures, peers, fence, foreign } = amongWorkers(
    { mode, configs, log, fence: fenceIds, workerId, protocol, tls, ask },
    group,
  )
  const place = group
  const told = { ...toldOf(surroundings, { providers, resolve, hosts, work, workerId, peers }), topics }
  const among = { place, rejoin, fence, foreign }
  const herder: Herder = new Herder({ configs, statuses, reporter, work, ...told, ...among })
  const leader = { place, keys: sessionKeys, peers, configs }
  const publisher = new TaskPublisher({ ...leader, write: (...tasks) => herder.putTasks(...tasks) })
  const keeper = new SourceOwnership({ ...leader, herder, work })
  const stop = async (): Promise<void> => {
    sessionKeys?.close()
    await stopWork({ group, work, hosts }, settings.shutdownTimeout)
    const open = [configs, statuses, told.offsets, offsetFile, shared]
    await Promise.all(open.flatMap((each) => each?.close() ?? []))
  }
  const settled = async (): Promise<void> => {
    await group.settled()
    await work.settled()
  }
  const inGroup = (): boolean => group.inGroup
  const shown = { herder, clusterId, place, sessionKeys, peers, signatures, models: shared?.models }
  return { ...shown, start: () => group.start(), inGroup, settled, stop }
}

/** With models that came over REST in their place, as far as they are known. */
function resolverOf(providers: ConfigProviders, shared: Stores['shared']) {
  return async (config: RawConfig): Promise<RawConfig> => {
    await shared?.current()
    return resolveSecretly(providers, config)
  }
}

/** The leader shares out again what a worker lacks the plugin of. */
function moveWhereMissing(
  statuses: Stores['statuses'],
  missing: MissingPlugins,
  group: WorkerGroup | LoneWorker,
): void {
  statuses.follow((connector, status) => {
    if (missing.heard(connector, status) && group.leads)
      group.rejoin(`worker ${status.workerId} does not have the plugin of connector ${connector}`)
  })
}

/** Whether a connector's tasks write in transactions. */
function writesInTransactions({ mode }: WorkerSettings, configs: Stores['configs']) {
  return (connector: string): boolean =>
    mode.kind === 'distributed' &&
    mode.transactionalSources &&
    connectorClass(configs.get(connector)?.config).type === 'source'
}

function hostsOf(
  { spawn, settings, stores, log }: Surroundings,
  heldUntil: () => number,
  ownership: OwnershipKeeper,
): TaskHosts {
  return new TaskHosts({
    spawn,
    settings: hostSettings(settings),
    max: settings.taskHosts,
    deadline: settings.taskDeadline,
    maxMemory: settings.hostMemory,
    heldUntil,
    log,
    offsets: stores.offsetFile,
    ownership,
  })
}

interface Made {
  readonly providers: ConfigProviders
  readonly resolve: (config: RawConfig) => Promise<RawConfig>
  readonly hosts: TaskHosts
  readonly work: AssignedWork
  readonly workerId: string
  readonly peers: Peers
}

/** What the REST API shows and checks, beside what it changes. */
function toldOf(surroundings: Surroundings, made: Made) {
  const { providers, resolve, hosts, work, workerId, peers } = made
  const { settings, groups, log, stores } = surroundings
  const { configs, statuses, shared } = stores
  const views = new ConnectorViews(configs, statuses, (value) => providers.isReference(value))
  const validating: Pick<TaskHosts, 'validate'> = {
    validate: async (...config) => {
      await shared?.current()
      return hosts.validate(...config)
    },
  }
  const { levels = new LogLevels(settings.logLevel) } = surroundings
  levels.follow((table) => hosts.setLevels(table))
  return {
    views,
    check: new ConnectorCheck(validating, settings, log),
    offsets: new ConnectorOffsets({
      places: stores.offsets,
      groups,
      stored: (name) => views.stored(name),
      resolve,
    }),
    lag: new LagReports({ configs, statuses, work, workerId, peers, log }),
    loggers: new ClusterLoggers({ levels, configs, log }),
    shownElsewhere: (connector: string, name: string) =>
      shownElsewhere(connector, name, { statuses, workerId, peers }),
  }
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
  { work, missing }: { readonly work: AssignedWork; readonly missing: MissingPlugins },
  events: GroupEvents,
): WorkerGroup | LoneWorker {
  const { mode } = settings
  if (mode.kind === 'standalone') return new LoneWorker({ configs, work, onTaken: events.onTaken })
  const url = `${settings.advertisedProtocol}://${hostInUrl(advertised.host)}:${advertised.port}/`
  const shareOut = shareOutFrom({ configs, maxDelay: mode.rebalanceDelay, missing })
  return new WorkerGroup({ mode, settings, url, configs, work, shareOut, ...events, log }, createMember)
}

/** Waits, but not for ever. */
async function bounded(time: number, work: Promise<void>, late: () => void): Promise<void> {
  const timer = sleep(time, 'late', { ref: false })
  if ((await Promise.race([work, timer])) === 'late') late()
}
