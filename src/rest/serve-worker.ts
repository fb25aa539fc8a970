import { hostname } from 'node:os'
import { Access } from '../access/access.ts'
import { hostInUrl, isLoopback } from '../api/hosts.ts'
import type { Logger } from '../api/log.ts'
import type { LogLevels } from '../worker/cluster-loggers.ts'
import type { SpawnHost } from '../worker/hosts/host-process.ts'
import { isEveryAddress, type Listener } from '../worker/settings/listener.ts'
import { modelDirectory } from '../worker/model-directory.ts'
import type { WorkerSettings } from '../worker/settings/settings.ts'
import { type RunningWorker, startWorker } from '../worker/worker.ts'
import { auditToFile, auditToLog } from './audit.ts'
import { STARTING } from './context.ts'
import { HttpError } from './errors.ts'
import { type RestServer, startRest } from './server.ts'

export interface ServeOptions {
  readonly settings: WorkerSettings
  /** Sluice's own version. */
  readonly version: string
  readonly log: Logger
  /** The levels of `log`, to be set over REST. */
  readonly levels?: LogLevels
  readonly spawn?: SpawnHost
}

export interface ServedWorker {
  /** The REST API's own address. */
  readonly url: string
  /** Resolves when the worker is a member of its group, a standalone one when it is ready; rejects when it cannot be. */
  readonly started: Promise<RunningWorker>
  /** Stops tasks, leaves the group, closes the REST API. Idempotent. */
  stop(): Promise<void>
}

/**
 * A whole worker: its REST API, which answers at once, and the worker behind it, which starts as soon as Kafka can be
 * reached.
 */
export async function serveWorker({
  settings,
  version,
  log,
  levels,
  spawn,
}: ServeOptions): Promise<ServedWorker> {
  let worker: RunningWorker | undefined
  const { host } = settings.listener
  const advertisedHost = settings.advertised.host ?? (isEveryAddress(host) ? hostname() : host)
  const network = !isLoopback(host)
  const hosts = [host, advertisedHost, ...(network ? [hostname()] : []), ...settings.allowedHosts]
  const { access, audit } = await guarded(settings, log)
  warnOf(settings, network, log)
  const rest = await startRest(settings.listener, {
    worker: () => worker,
    version,
    hosts,
    log: log.child({ logger: 'sluice.rest' }),
    network,
    ...(access === undefined ? {} : { access }),
    ...(audit === undefined ? {} : { audit }),
    members: () => (worker === undefined ? [] : memberHosts(worker.place)),
    models: modelDirectory(settings.modelsDir, undefined, () => requireWorker(worker).models),
  })
  const stopping = new AbortController()
  const starting = startWorker({
    settings,
    advertised: { host: advertisedHost, port: settings.advertised.port ?? rest.port },
    log,
    signal: stopping.signal,
    ...(levels === undefined ? {} : { levels }),
    ...(spawn === undefined ? {} : { spawn }),
  })
  const started = starting.then((running) => {
    worker = running
    log.info('the worker is ready', { rest: urlOf(settings.listener, rest) })
    return running
  })
  let stopped: Promise<void> | undefined
  const stop = async (): Promise<void> => {
    stopping.abort()
    const running = await starting.catch(() => undefined)
    await running?.stop()
    await rest.close()
  }
  return { url: urlOf(settings.listener, rest), started, stop: () => (stopped ??= stop()) }
}

function requireWorker(worker: RunningWorker | undefined): RunningWorker {
  if (worker === undefined) throw new HttpError(503, STARTING)
  return worker
}

/** As far as this worker knows them: the leader knows all, the others the leader. */
function memberHosts({ leaderUrl, others }: RunningWorker['place']): string[] {
  return [leaderUrl, ...others].flatMap((url) =>
    url !== undefined && URL.canParse(url) ? [new URL(url).host] : [],
  )
}

/** Who may ask, and who is told of changes. @throws ConfigError, CommandError where a file cannot be used */
async function guarded({ access: settings, auditFile, rateLimit }: WorkerSettings, log: Logger) {
  const rest = log.child({ logger: 'sluice.rest' })
  const audit = auditFile === null ? undefined : await auditToFile(auditFile, rest)
  if (settings === null) return { audit }
  const access = new Access(settings, rest)
  await access.open()
  return { access: { access, rateLimit }, audit: audit ?? auditToLog(log) }
}

function warnOf({ access, listener: { host, tls } }: WorkerSettings, network: boolean, log: Logger): void {
  const listeners = host || '*'
  if (network && access === null)
    log.warn('the REST API is open to other machines without authentication', { listeners })
  else if (network && tls === undefined && (access?.users ?? access?.bearer) != null)
    log.warn('passwords and tokens reach the REST API in clear: use https, or a proxy with TLS', {
      listeners,
    })
}

function urlOf({ host, tls }: Listener, { port }: RestServer): string {
  const protocol = tls === undefined ? 'http' : 'https'
  return `${protocol}://${hostInUrl(host === '' ? '0.0.0.0' : host)}:${port}`
}
