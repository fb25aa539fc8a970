import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, open, readFile, rename, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CommandError } from '../api/errors.ts'
import type { Logger } from '../api/log.ts'
import {
  JVM_OPTIONS,
  LOG4J_PROPERTIES,
  newClusterId,
  OWNER_SCRIPT,
  serverProperties,
} from './broker-config.ts'
import { brokerAnswers } from './broker-probe.ts'
import { findJava, run } from './java.ts'
import { kafkaJars } from './kafka-jars.ts'
import { freePort, requireFreePorts } from './ports.ts'

const START_TIMEOUT_MS = 60_000
const STOP_GRACE_MS = 15_000
const PID_FILE = 'broker.pid'
const OWNER_NAME = 'sluice-broker'
const MAX_LOG_BYTES = 10 * 1024 * 1024

export interface BrokerOptions {
  readonly port: number
  /** The broker keeps all it has below `<dataDir>/kafka`; the same folder continues where it was. */
  readonly dataDir: string
  readonly log: Logger
}

export interface Broker {
  readonly bootstrapServers: string
  /** Of the process group that holds the JVM. */
  readonly pid: number
  /** The file with the broker's own log. */
  readonly logFile: string
  /** Resolves when the JVM has ended, for whatever reason. */
  readonly exited: Promise<void>
  /** Stops it: SIGTERM, and SIGKILL after a grace. */
  stop(): Promise<void>
  /** Ends it at once, for process exit handlers. */
  kill(): void
}

/**
 * Starts the embedded broker, a real Apache Kafka on 127.0.0.1, and resolves when it serves requests.
 * Throws `dev.environment` (no Java, no Maven), `dev.port` (taken) and `dev.start` (it ended or hangs).
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  await requireFreePorts([{ port: options.port, what: 'Kafka', option: '--kafka-port' }])
  const java = await findJava()
  const jars = await kafkaJars(options.log)
  const home = path.resolve(options.dataDir, 'kafka')
  await mkdir(home, { recursive: true })
  await requireUnused(home)
  const files = await writeSettings(home, options.port)
  const command = [
    java,
    ...JVM_OPTIONS,
    `-Dlog4j2.configurationFile=${files.log4j}`,
    '-cp',
    path.join(jars, '*'),
  ]
  await formatStorage(command, files, home)
  const broker = await launch([...command, 'kafka.Kafka', files.properties], files.log, options.port)
  await writeFile(path.join(home, PID_FILE), String(broker.pid))
  await untilServing(broker, options.port)
  options.log.info('broker is serving', { bootstrapServers: broker.bootstrapServers, pid: broker.pid })
  return broker
}

interface BrokerFiles {
  readonly properties: string
  readonly log4j: string
  readonly log: string
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

async function writeSettings(home: string, port: number): Promise<BrokerFiles> {
  const files = {
    properties: path.join(home, 'server.properties'),
    log4j: path.join(home, 'log4j2.properties'),
    log: path.join(home, 'broker.log'),
  }
  const address = { port, controllerPort: await freePort(), logDir: path.join(home, 'data') }
  await writeFile(files.properties, serverProperties(address))
  await writeFile(files.log4j, LOG4J_PROPERTIES)
  const size = await stat(files.log).then(
    (s) => s.size,
    () => 0,
  )
  if (size > MAX_LOG_BYTES) await rename(files.log, `${files.log}.1`)
  return files
}

async function formatStorage(command: readonly string[], files: BrokerFiles, home: string): Promise<void> {
  if (existsSync(path.join(home, 'data', 'meta.properties'))) return
  const [java = 'java', ...options] = command
  const tool = ['kafka.tools.StorageTool', 'format', '-t', newClusterId(), '-c', files.properties]
  const done = await run(java, [...options, ...tool])
  if (done?.code === 0) return
  throw notStarted(
    `its storage in ${home} could not be formatted: ${reasonIn(done?.output ?? '')}`,
    files.log,
  )
}

/** Starts the JVM in a process group of its own, so that a Ctrl-C in the terminal does not reach it. */
async function launch(command: readonly string[], logFile: string, port: number): Promise<Broker> {
  const output = await open(logFile, 'a')
  await output.write(`--- start ${new Date().toISOString()}\n`)
  const child = spawn('sh', ['-c', OWNER_SCRIPT, OWNER_NAME, ...command], {
    stdio: ['pipe', output.fd, output.fd],
    detached: true,
  })
  const exited = new Promise<void>((resolve) => {
    child.once('error', () => resolve())
    child.once('exit', () => resolve())
  }).then(() => killGroup(child))
  child.stdin?.on('error', () => undefined) // EPIPE, when it ended before us
  await output.close()
  const stop = async () => {
    child.stdin?.end()
    const graceOver = new AbortController()
    const late = sleep(STOP_GRACE_MS, undefined, { signal: graceOver.signal }).then(() => killGroup(child))
    await Promise.race([exited, late.catch(() => undefined)])
    graceOver.abort()
    await exited
  }
  const kill = () => killGroup(child)
  return { bootstrapServers: `127.0.0.1:${port}`, pid: child.pid ?? 0, logFile, exited, stop, kill }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // ESRCH: the whole group has gone already.
  }
}

async function untilServing(broker: Broker, port: number): Promise<void> {
  const state = { ended: false }
  void broker.exited.then(() => (state.ended = true))
  const deadline = Date.now() + START_TIMEOUT_MS
  while (!(await brokerAnswers(port))) {
    if (state.ended) throw notStarted(reasonIn(await readFile(broker.logFile, 'utf8')), broker.logFile)
    if (Date.now() > deadline) {
      await broker.stop()
      throw notStarted(
        `it does not answer on port ${port} after ${START_TIMEOUT_MS / 1000} s`,
        broker.logFile,
      )
    }
    await Promise.race([sleep(100), broker.exited])
  }
}

function notStarted(reason: string, logFile: string): CommandError {
  return new CommandError('dev.start', `the embedded Kafka did not start: ${reason}`, {
    suggestion: `see ${logFile}; another --data-dir starts from nothing`,
  })
}

/** The last line of the present start that names an error, or else its last line. */
function reasonIn(output: string): string {
  const lines = output
    .slice(output.lastIndexOf('--- start ') + 1)
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^\s+at /.test(line))
  return (
    lines.findLast((line) => /ERROR|FATAL|Exception|Error/.test(line)) ??
    lines.at(-1) ??
    'no output'
  ).trim()
}
