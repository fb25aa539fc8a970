import type { RawConfig } from '../../api/config.ts'
import { INSPECTION_LIMITS, inspectInProcess } from '../../inference/store/model-inspection.ts'
import { ModelStore } from '../../inference/store/model-store.ts'
import { messageOf, TaskError } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import type { Models } from '../../api/models.ts'
import { ConfigProviders } from '../config-providers/config-providers.ts'
import { resolveSecretly } from '../config-providers/resolve-secretly.ts'
import { createLogger } from './log.ts'
import { LogLevels } from './log-levels.ts'
import { openingProblems, problemsOf } from './opening-problems.ts'
import { openTask, type OpenTask, type TaskOptions } from './open-task.ts'
import { withClientDefaults } from '../plugins/client-settings.ts'
import { connectorOf } from '../plugins/configured-plugins.ts'
import { formatPackages } from '../plugins/plugin-lists.ts'
import { loadPackages } from '../plugins/plugin-packages.ts'
import { OffsetChannel } from './offset-channel.ts'
import { OwnershipChannel } from './ownership-channel.ts'
import {
  type FromHost,
  type HostSettings,
  MONITOR,
  nameOf,
  type Shown,
  type TaskId,
  type ToHost,
} from './protocol.ts'
import { openMonitor } from '../source/open-monitor.ts'
import { SharedOffsets } from '../source/shared-offsets.ts'
import { openSourceTask } from '../source/open-source-task.ts'
import { sourceTaskConfigs } from '../source/source-task-configs.ts'
import { traceOf } from '../delivery/trace.ts'
import { SharedClients } from './shared-clients.ts'
import { TaskMetrics } from './task-metrics.ts'
import { Lease } from './lease.ts'
import { startWatchdog } from './watchdog.ts'

const REPORT_INTERVAL_MS = 1000

interface Host {
  readonly providers: ConfigProviders
  readonly settings: HostSettings
  readonly models: Models
  readonly log: Logger
  readonly levels: LogLevels
  readonly lease: Lease
  /** Where the worker keeps the offsets of sources, if no topic does. */
  readonly offsets: OffsetChannel
  readonly ownership: OwnershipChannel
  readonly tasks: Map<string, Task>
  readonly shared: { readonly clients: SharedClients; readonly offsets: SharedOffsets }
}

type Opened = OpenTask | Awaited<ReturnType<typeof openSourceTask>> | ReturnType<typeof openMonitor>

interface Task {
  readonly id: TaskId
  readonly stopping: AbortController
  readonly open: Promise<Opened | undefined>
  readonly metrics: TaskMetrics
  /** What was shown since the worker was told last. */
  readonly shown: Map<string, Shown>
  /** The topics used since then. */
  readonly topics: Set<string>
}

function send(message: FromHost): void {
  if (process.connected) process.send?.(message)
}

/**
 * Resolves when the message has left the process. One that waits for room in the channel would be lost when a plugin
 * blocks or ends the process, and the worker would blame what came before.
 */
function sent(message: FromHost): Promise<void> | undefined {
  if (!process.connected) return undefined
  return new Promise((resolve) => process.send?.(message, undefined, undefined, () => resolve()))
}

/**
 * A task host: runs tasks for the worker process that started it and speaks `protocol.ts` with it. It ends when its
 * channel to the worker closes; a watchdog thread ends it even when the main thread is stuck in a model.
 */
export function runHost(): Promise<void> {
  startWatchdog(process.ppid)
  process.on('SIGINT', () => undefined) // the worker decides when its hosts stop
  process.on('disconnect', () => process.exit(0))
  let host: Host | undefined
  let opening: Promise<Host> | undefined
  process.on('message', (message: ToHost) => {
    if (message.type === 'settings') {
      opening = openHost(message).then((opened) => (host = opened))
      return
    }
    if (opening === undefined) throw new TaskError('task.failed', 'The worker must send its settings first.')
    void opening.then((opened) => handle(opened, message))
  })
  setInterval(() => report(host), REPORT_INTERVAL_MS).unref()
  send({ type: 'ready' })
  return new Promise(() => undefined)
}

async function openHost({ settings, alone }: Extract<ToHost, { type: 'settings' }>): Promise<Host> {
  const levels = new LogLevels(settings.logLevel)
  const log = createLogger(levels).child({ host: process.pid, logger: 'sluice.hosts' })
  // The worker has said what is wrong with them.
  await loadPackages(settings.pluginPackages, (problem) => log.debug('a plugin is left out', { ...problem }))
  const deadline = settings.taskDeadlineMs
  const inspectIn = (milliseconds: number) =>
    inspectInProcess({ ...INSPECTION_LIMITS, milliseconds }, undefined, undefined, formatPackages())
  const models = new ModelStore({
    modelsDir: settings.modelsDir,
    allowedDirs: settings.modelsAllowedDirs,
    log: log.child({ logger: 'sluice.models' }),
    inspect: inspectIn(deadline),
    // A task that runs alone may have taken its host down before, with its model. A third leaves time for the version before.
    inspectFirst: alone ? inspectIn(deadline / 3) : undefined,
    patience: deadline / 2,
  })
  models.watch()
  const providers = new ConfigProviders(settings.configProviders)
  const offsets = new OffsetChannel(send)
  const clients = new SharedClients({ clientId: `${settings.clientId}-tasks`, log })
  const shared = { clients, offsets: new SharedOffsets() }
  const ownership = new OwnershipChannel(send)
  const own = { offsets, ownership, shared, lease: new Lease(), tasks: new Map<string, Task>() }
  return { settings, providers, models, log, levels, ...own }
}

function handle(host: Host, message: Exclude<ToHost, { type: 'settings' }>): void {
  switch (message.type) {
    case 'lease':
      host.lease.renew(message.until)
      break
    case 'levels':
      host.levels.take(message.levels)
      break
    case 'start':
      start(host, message)
      break
    case 'validate':
      void validate(host, message)
      break
    case 'configure':
      void configure(host, message)
      break
    case 'stop':
      void stop(host, message.id)
      break
    case 'offsets':
      host.offsets.answer(message)
      break
    case 'ownership':
      host.ownership.answer(message)
      break
    default:
      void pass(host, message)
  }
}

function start(host: Host, { id, config, paused }: Extract<ToHost, { type: 'start' }>): void {
  const log = host.log.child({ connector: id.connector, task: id.task })
  const failed = (error: unknown): void => {
    send({ type: 'state', id, state: 'FAILED', trace: traceOf(error) })
  }
  const stopping = new AbortController()
  const metrics = new TaskMetrics()
  const task: Task = {
    id,
    stopping,
    metrics,
    shown: new Map(),
    topics: new Set(),
    open: openResolved(host, {
      id,
      config,
      paused,
      log,
      stopping,
      isOwner: () => host.lease.held,
      offsetLog: host.offsets.logOf(id),
      ownership: host.ownership.of(id),
      shared: host.shared,
      events: {
        at: (stage, rows) => sent({ type: 'at', id, stage, ...(rows === undefined ? {} : { rows }) }),
        failed,
        waits: (reason) => send({ type: 'waits', id, reason }),
        fenced: () => send({ type: 'fenced', id }),
        reconfigure: () => send({ type: 'reconfigure', id }),
        cleared: (offsets) => {
          for (const each of offsets) send({ type: 'cleared', id, ...each })
        },
        metrics,
        ...(host.settings.topicTracking ? { used: (topic) => void task.topics.add(topic) } : {}),
        show: (transform, name, figures) =>
          task.shown.set(`${transform} ${name}`, { transform, name, figures }),
      },
    }).then(
      (opened) => {
        send({ type: 'state', id, state: paused ? 'PAUSED' : 'RUNNING' })
        return opened
      },
      (error: unknown) => {
        send({ type: 'at', id, stage: 'idle' })
        if (!stopping.signal.aborted) failed(error)
        return undefined
      },
    ),
  }
  host.tasks.set(nameOf(id), task)
}

/** With what config providers give for the configuration and the worker's converters, read anew at each start. */
async function openResolved(host: Host, task: Omit<TaskOptions, 'settings' | 'models'>): Promise<Opened> {
  await task.events.at('the reading of values of config providers')
  const { config, settings } = await resolved(host, task.config)
  const whole = withClientDefaults(settings.clients, config)
  return openAnyTask({ ...task, config: whole, settings, models: host.models })
}

async function resolved(
  { providers, settings }: Host,
  config: RawConfig,
): Promise<{ readonly config: RawConfig; readonly settings: HostSettings }> {
  const resolve = (raw: RawConfig): Promise<RawConfig> => resolveSecretly(providers, raw)
  const { own, producer, consumer, admin } = settings.clients
  const clients = {
    own: await resolve(own),
    producer: await resolve(producer),
    consumer: await resolve(consumer),
    admin: await resolve(admin),
  }
  const converterDefaults = await resolve(settings.converterDefaults)
  return { config: await resolve(config), settings: { ...settings, converterDefaults, clients } }
}

/** A task of either kind, as its connector's class says. */
async function openAnyTask(options: TaskOptions): Promise<Opened> {
  const plugin = connectorOf(options.config)
  if (plugin.kind === 'sink') return openTask(options)
  return options.id.task === MONITOR ? openMonitor(options, plugin) : openSourceTask(options, plugin)
}

type TaskMessage = Extract<ToHost, { type: 'assign' | 'revoke' | 'lost' | 'pause' | 'resume' }>

async function pass(host: Host, message: TaskMessage): Promise<void> {
  const { id } = message
  const opened = await host.tasks.get(nameOf(id))?.open
  const task = opened?.task
  try {
    if (message.type === 'pause' || message.type === 'resume') await task?.[message.type]()
    else if (opened?.kind === 'source' && message.type === 'lost') opened.task.lost()
    else if (opened?.kind !== 'sink')
      return // a source is in no group
    else if (message.type === 'assign') await opened.task.assign(message.membership, message.suspects)
    else if (message.type === 'revoke') await opened.task.revoke(message.keep)
    else await opened.task.lost()
  } catch (error) {
    send({ type: 'state', id, state: 'FAILED', trace: traceOf(error) })
  }
  if (message.type === 'revoke') send({ type: 'revoked', id })
  if (message.type === 'pause' && task !== undefined) send({ type: 'state', id, state: 'PAUSED' })
  if (message.type === 'resume' && task !== undefined) send({ type: 'state', id, state: 'RUNNING' })
}

async function stop(host: Host, id: TaskId): Promise<void> {
  const task = host.tasks.get(nameOf(id))
  task?.stopping.abort()
  const opened = await task?.open
  host.tasks.delete(nameOf(id))
  try {
    await opened?.task.stop()
  } catch (error) {
    host.log.warn('a task did not stop cleanly', { ...id, error: messageOf(error) })
  }
  await opened?.close().catch(() => undefined)
  if (task !== undefined) reportTask(id, task)
  send({ type: 'stopped', id })
}

async function validate(host: Host, { call, config }: Extract<ToHost, { type: 'validate' }>): Promise<void> {
  const { models, log } = host
  const check = async () => openingProblems({ ...(await resolved(host, config)), models, log })
  send({ type: 'validated', call, problems: await check().catch(problemsOf) })
}

async function configure(
  host: Host,
  { call, config }: Extract<ToHost, { type: 'configure' }>,
): Promise<void> {
  try {
    const tasks = await sourceTaskConfigs(config, (await resolved(host, config)).config)
    send({ type: 'configured', call, tasks })
  } catch (error) {
    send({ type: 'configured', call, tasks: [], trace: traceOf(error) })
  }
}

function report(host: Host | undefined): void {
  send({ type: 'heartbeat' })
  for (const task of host?.tasks.values() ?? []) {
    reportTask(task.id, task)
  }
}

function reportTask(id: TaskId, { metrics, shown, topics }: Task): void {
  if (metrics.changed) send({ type: 'metrics', id, metrics: metrics.snapshot() })
  if (topics.size > 0) send({ type: 'topics', id, topics: [...topics] })
  topics.clear()
  if (shown.size === 0) return
  send({ type: 'shown', id, shown: [...shown.values()] })
  shown.clear()
}
