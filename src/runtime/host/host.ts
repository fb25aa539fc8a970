import type { RawConfig } from '../../api/config.ts'
import { INSPECTION_LIMITS, inspectInProcess } from '../../inference/store/model-inspection.ts'
import { ModelStore } from '../../inference/store/model-store.ts'
import { ConfigError, ConnectError, messageOf, TaskError } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import type { Models } from '../../api/models.ts'
import { checkSchemas } from '../chain/check-config.ts'
import { ConfigProviders } from '../config-providers/config-providers.ts'
import { resolveSecretly } from '../config-providers/resolve-secretly.ts'
import { createLogger } from './log.ts'
import { matchingTopics } from '../sink/matching-topics.ts'
import { openPlugins, openTask, type OpenTask, type TaskOptions } from './open-task.ts'
import { connectorOf } from '../plugins/configured-plugins.ts'
import { formatPackages } from '../plugins/plugin-lists.ts'
import { loadPackages } from '../plugins/plugin-packages.ts'
import type { FromHost, HostSettings, Shown, TaskId, ToHost } from './protocol.ts'
import { openSourceTask } from '../source/open-source-task.ts'
import { sourceTaskConfigs } from '../source/source-task-configs.ts'
import { traceOf } from '../delivery/trace.ts'
import { startWatchdog } from './watchdog.ts'

const METRICS_INTERVAL_MS = 1000

interface Host {
  readonly providers: ConfigProviders
  readonly settings: HostSettings
  readonly models: Models
  readonly log: Logger
  readonly tasks: Map<string, Task>
}

type Opened = OpenTask | Awaited<ReturnType<typeof openSourceTask>>

interface Task {
  readonly stopping: AbortController
  readonly open: Promise<Opened | undefined>
  records: number
  failed: number
  /** What was shown since the worker was told last. */
  readonly shown: Map<string, Shown>
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

function idOf({ connector, task }: TaskId): string {
  return `${connector}-${task}`
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
  setInterval(() => reportMetrics(host), METRICS_INTERVAL_MS).unref()
  send({ type: 'ready' })
  return new Promise(() => undefined)
}

async function openHost({ settings, alone }: Extract<ToHost, { type: 'settings' }>): Promise<Host> {
  const log = createLogger(settings.logLevel).child({ host: process.pid })
  // The worker has said what is wrong with them.
  await loadPackages(settings.pluginPackages, (problem) => log.debug('a plugin is left out', { ...problem }))
  const deadline = settings.taskDeadlineMs
  const inspectIn = (milliseconds: number) =>
    inspectInProcess({ ...INSPECTION_LIMITS, milliseconds }, undefined, undefined, formatPackages())
  const models = new ModelStore({
    modelsDir: settings.modelsDir,
    allowedDirs: settings.modelsAllowedDirs,
    log,
    inspect: inspectIn(deadline),
    // A task that runs alone may have taken its host down before, with its model. A third leaves time for the version before.
    inspectFirst: alone ? inspectIn(deadline / 3) : undefined,
    patience: deadline / 2,
  })
  models.watch()
  const providers = new ConfigProviders(settings.configProviders)
  return { settings, providers, models, log, tasks: new Map() }
}

function handle(host: Host, message: Exclude<ToHost, { type: 'settings' }>): void {
  switch (message.type) {
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
  const task: Task = {
    stopping,
    records: 0,
    failed: 0,
    shown: new Map(),
    open: openResolved(host, {
      id,
      config,
      paused,
      log,
      stopping,
      events: {
        at: (stage, rows) => sent({ type: 'at', id, stage, ...(rows === undefined ? {} : { rows }) }),
        failed,
        waits: (reason) => send({ type: 'waits', id, reason }),
        fenced: () => send({ type: 'fenced', id }),
        cleared: (offsets) => {
          for (const each of offsets) send({ type: 'cleared', id, ...each })
        },
        batch: (records, bad) => {
          task.records += records
          task.failed += bad
        },
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
  host.tasks.set(idOf(id), task)
}

/** With what config providers give for the configuration and the worker's converters, read anew at each start. */
async function openResolved(host: Host, task: Omit<TaskOptions, 'settings' | 'models'>): Promise<Opened> {
  await task.events.at('the reading of values of config providers')
  return openAnyTask({ ...task, ...(await resolved(host, task.config)), models: host.models })
}

async function resolved(
  { providers, settings }: Host,
  config: RawConfig,
): Promise<{ readonly config: RawConfig; readonly settings: HostSettings }> {
  const [own, converterDefaults] = await Promise.all([
    resolveSecretly(providers, config),
    resolveSecretly(providers, settings.converterDefaults),
  ])
  return { config: own, settings: { ...settings, converterDefaults } }
}

/** A task of either kind, as its connector's class says. */
async function openAnyTask(options: TaskOptions): Promise<Opened> {
  const plugin = connectorOf(options.config)
  return plugin.kind === 'source' ? openSourceTask(options, plugin) : openTask(options)
}

type TaskMessage = Extract<ToHost, { type: 'assign' | 'revoke' | 'lost' | 'pause' | 'resume' }>

async function pass(host: Host, message: TaskMessage): Promise<void> {
  const { id } = message
  const opened = await host.tasks.get(idOf(id))?.open
  const task = opened?.task
  try {
    if (message.type === 'pause' || message.type === 'resume') await task?.[message.type]()
    else if (opened?.kind !== 'sink')
      return // a source is in no group
    else if (message.type === 'assign') await opened.task.assign(message.membership, message.suspects)
    else await opened.task[message.type]()
  } catch (error) {
    send({ type: 'state', id, state: 'FAILED', trace: traceOf(error) })
  }
  if (message.type === 'revoke') send({ type: 'revoked', id })
  if (message.type === 'pause' && task !== undefined) send({ type: 'state', id, state: 'PAUSED' })
  if (message.type === 'resume' && task !== undefined) send({ type: 'state', id, state: 'RUNNING' })
}

async function stop(host: Host, id: TaskId): Promise<void> {
  const task = host.tasks.get(idOf(id))
  task?.stopping.abort()
  const opened = await task?.open
  host.tasks.delete(idOf(id))
  try {
    await opened?.task.stop()
  } catch (error) {
    host.log.warn('a task did not stop cleanly', { ...id, error: messageOf(error) })
  }
  await opened?.close().catch(() => undefined)
  if (task !== undefined) sendShown(id, task)
  send({ type: 'stopped', id })
}

async function validate(host: Host, { call, config }: Extract<ToHost, { type: 'validate' }>): Promise<void> {
  const id: TaskId = { connector: config['name'] ?? '', task: -1 }
  const events = {
    at: () => undefined,
    failed: () => undefined,
    fenced: () => undefined,
    cleared: () => undefined,
    batch: () => undefined,
  }
  try {
    const whole = await resolved(host, config)
    const options = {
      id,
      ...whole,
      paused: true,
      models: host.models,
      log: host.log,
      events,
    }
    const plugins = await openPlugins(options, new AbortController().signal)
    const log = host.log.child({ connector: id.connector })
    // What a source writes has its own schemas, not those that a topic had before.
    const readsTopics = connectorOf(whole.config).kind === 'sink'
    const matching = async () => (readsTopics ? matchingTopics(host.settings, whole.config, log) : [])
    const problems = await checkSchemas(plugins, readsTopics ? whole.config : {}, { matching, log }).finally(
      () => plugins.close(),
    )
    send({ type: 'validated', call, problems })
  } catch (error) {
    const problems =
      error instanceof ConfigError ? error.problems : [{ path: pathOf(error), message: messageOf(error) }]
    send({ type: 'validated', call, problems })
  }
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

function pathOf(error: unknown): string {
  return error instanceof ConnectError && error.configPath !== undefined ? error.configPath : 'transforms'
}

function reportMetrics(host: Host | undefined): void {
  if (host === undefined) return
  for (const [name, task] of host.tasks) {
    const at = name.lastIndexOf('-')
    const id = { connector: name.slice(0, at), task: Number(name.slice(at + 1)) }
    send({ type: 'metrics', id, records: task.records, failed: task.failed })
    sendShown(id, task)
  }
}

function sendShown(id: TaskId, { shown }: Task): void {
  if (shown.size === 0) return
  send({ type: 'shown', id, shown: [...shown.values()] })
  shown.clear()
}
