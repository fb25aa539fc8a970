import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CommandError, messageOf } from '../api/errors.ts'
import type { Logger } from '../api/log.ts'
import {
  type BrokerAddress,
  JVM_OPTIONS,
  LOG4J_PROPERTIES,
  newClusterId,
  serverProperties,
} from './broker-config.ts'
import { brokerAnswers } from './broker-probe.ts'
import { errorIn, lastWords, launchBroker, OWNER_NAME, type BrokerProcess } from './broker-process.ts'
import { findJava, run } from './java.ts'
import { kafkaJars } from './kafka-jars.ts'
import { freePort, requireFreePorts } from './ports.ts'

const START_TIMEOUT_MS = 60_000
const MAX_LOG_BYTES = 10 * 1024 * 1024
const PID_FILE = 'broker.pid'

export interface BrokerOptions {
  readonly port: number
  /** The broker keeps all it has below `<dataDir>/kafka`; the same folder continues where it was. */
  readonly dataDir: string
  readonly log: Logger
  /** The command line option that chooses the port, for the message when it is taken. Default `--kafka-port`. */
  readonly portOption?: string
  /** False where the caller leads a process group of its own, which its supervisor kills as a whole. Default true. */
  readonly ownGroup?: boolean
  /** For a broker with more than a listener in clear. */
  readonly special?: {
    readonly settings: (
      ours: Pick<BrokerAddress, 'port' | 'controllerPort'>,
    ) => Readonly<Record<string, string>>
    /** Users that are there from the start, as options of Kafka's storage tool. */
    readonly format: readonly string[]
  }
  /** Gives the start up. */
  readonly signal?: AbortSignal
}

export interface Broker extends BrokerProcess {
  readonly bootstrapServers: string
  /** The file with the broker's own log. */
  readonly logFile: string
}

/**
 * Starts the embedded broker, a real Apache Kafka on 127.0.0.1, and resolves when it serves requests.
 * Throws `dev.environment` (no Java, no Maven), `dev.port` (taken) and `dev.start` (it ended or hangs).
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const { port, log, signal, portOption = '--kafka-port', ownGroup = true } = options
  await requireFreePorts([{ port, what: 'Kafka', option: portOption }])
  const java = await findJava()
  const home = path.resolve(options.dataDir, 'kafka')
  await mkdir(home, { recursive: true }).catch((error: unknown) => {
    const suggestion = 'choose a folder that can be written with --data-dir'
    throw new CommandError('dev.environment', messageOf(error), { suggestion })
  })
  await requireUnused(home)
  const jars = await kafkaJars(log, signal)
  const files = await writeSettings(home, options)
  const command = [
    java,
    ...JVM_OPTIONS,
    `-Dlog4j2.configurationFile=${files.log4j}`,
    '-cp',
    path.join(jars, '*'),
  ]
  await formatStorage(command, files, { home, more: options.special?.format ?? [] })
  const launched = await launchBroker([...command, 'kafka.Kafka', files.properties], files.log, ownGroup)
  await writeFile(path.join(home, PID_FILE), String(launched.pid))
  const broker = { ...launched, bootstrapServers: `127.0.0.1:${port}`, logFile: files.log }
  await untilServing(broker, port, signal)
  log.info('broker is serving', { bootstrapServers: broker.bootstrapServers, pid: broker.pid })
  return broker
}

/** The error of a broker that ended although nobody stopped it. */
export async function brokerEnded(broker: Broker): Promise<CommandError> {
  const reason = await lastWords(broker.logFile)
  return new CommandError('dev.start', `the embedded Kafka ended by itself: ${reason}`, {
    suggestion: `see ${broker.logFile}`,
  })
}

/**
 * Kafka's own lock comes too late: a second process has replayed and extended the metadata log by then.
 * A process number can be used again after a restart of the machine, so the command line is looked at too.
 */
async function requireUnused(home: string): Promise<void> {
  const pid = Number(await readFile(path.join(home, PID_FILE), 'utf8').catch(() => '0'))
  if (pid === 0 || !isAlive(pid)) return
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => OWNER_NAME)
  if (!commandLine.includes(OWNER_NAME)) return
  throw new CommandError('dev.start', `another broker (process ${pid}) uses ${home}`, {
    suggestion: 'stop it first, or choose another --data-dir',
  })
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

interface BrokerFiles {
  readonly properties: string
  readonly log4j: string
  readonly log: string
}

async function writeSettings(home: string, { port, special }: BrokerOptions): Promise<BrokerFiles> {
  const files = {
    properties: path.join(home, 'server.properties'),
    log4j: path.join(home, 'log4j2.properties'),
    log: path.join(home, 'broker.log'),
  }
  const ports = { port, controllerPort: await freePort() }
  const more = special?.settings(ports) ?? {}
  await writeFile(files.properties, serverProperties({ ...ports, logDir: path.join(home, 'data'), more }))
  await writeFile(files.log4j, LOG4J_PROPERTIES)
  const size = await stat(files.log).then(
    (s) => s.size,
    () => 0,
  )
  if (size > MAX_LOG_BYTES) await rename(files.log, `${files.log}.1`)
  return files
}

async function formatStorage(
  command: readonly string[],
  files: BrokerFiles,
  { home, more }: { readonly home: string; readonly more: readonly string[] },
): Promise<void> {
  if (existsSync(path.join(home, 'data', 'meta.properties'))) return
  const [java = 'java', ...options] = command
  const tool = ['kafka.tools.StorageTool', 'format', '-t', newClusterId(), '-c', files.properties, ...more]
  const done = await run(java, [...options, ...tool])
  if (done?.code === 0) return
  throw notStarted(`its storage in ${home} could not be formatted: ${errorIn(done?.output ?? '')}`, files.log)
}

async function untilServing(broker: Broker, port: number, signal?: AbortSignal): Promise<void> {
  const state = { ended: false }
  void broker.exited.then(() => (state.ended = true))
  const deadline = Date.now() + START_TIMEOUT_MS
  while (!(await brokerAnswers('127.0.0.1', port))) {
    if (state.ended) throw notStarted(await lastWords(broker.logFile), broker.logFile)
    if (signal?.aborted === true || Date.now() > deadline) {
      await broker.stop()
      throw notStarted(`it did not answer on port ${port} in time`, broker.logFile)
    }
    await Promise.race([sleep(100), broker.exited])
  }
}

function notStarted(reason: string, logFile: string): CommandError {
  return new CommandError('dev.start', `the embedded Kafka did not start: ${reason}`, {
    suggestion: `see ${logFile}; another --data-dir starts from nothing`,
  })
}
