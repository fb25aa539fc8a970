import { CommandError } from '../api/errors.ts'
import type { Logger } from '../api/log.ts'
import { brokerAnswers } from './broker-probe.ts'
import { requireFreePorts } from './ports.ts'
import { Service } from './service.ts'
import { modelsDir, writeWorkerConfig } from './worker-config.ts'

const HEALTH_TIMEOUT_MS = 2000

export interface StackOptions {
  readonly kafkaPort: number
  readonly registryPort: number
  /** Of the first worker; the ports of further ones count up from it. */
  readonly restPort: number
  readonly dataDir: string
  readonly workers: number
  /** Uses this Kafka instead of starting one. */
  readonly bootstrapServers?: string
  /** An open file for the logs of all processes; they go to our standard error without it. */
  readonly logFile?: number
}

export interface Addresses {
  readonly bootstrapServers: string
  readonly schemaRegistry: string
  /** One URL per worker. */
  readonly rest: readonly string[]
  /** Where the workers look for models. */
  readonly modelsDir: string
}

/**
 * A broker, a registry and workers, each a supervised process. They start in this order and stop in the reverse one,
 * so that no worker ever loses the broker it commits to.
 */
export class Stack {
  readonly addresses: Addresses
  readonly #options: StackOptions
  readonly #log: Logger
  /** Those of one phase start and stop together. */
  readonly #phases: Service[][] = []

  constructor(options: StackOptions, log: Logger) {
    this.#options = options
    this.#log = log
    this.addresses = {
      bootstrapServers: options.bootstrapServers ?? `127.0.0.1:${options.kafkaPort}`,
      schemaRegistry: `http://127.0.0.1:${options.registryPort}`,
      rest: restPorts(options).map((port) => `http://127.0.0.1:${port}`),
      modelsDir: modelsDir(),
    }
  }

  /**
   * Resolves when all are healthy. Throws `dev.port`, `dev.environment` or `dev.start`, and also when the signal
   * aborts; then nothing is left running.
   */
  async start(signal: AbortSignal): Promise<void> {
    await requireFreePorts(wantedPorts(this.#options))
    const stop = () => void this.stop()
    signal.addEventListener('abort', stop, { once: true })
    try {
      if (this.#options.bootstrapServers === undefined) await this.#startPhase([this.#broker()], signal)
      else await requireKafka(this.#options.bootstrapServers)
      await this.#startPhase([this.#registry()], signal)
      await this.#startPhase(await this.#workers(), signal)
    } catch (error) {
      await this.stop()
      throw error
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  /** Workers, registry, broker: in this order. */
  async stop(): Promise<void> {
    for (const phase of this.#phases.toReversed()) await Promise.all(phase.map((service) => service.stop()))
  }

  /** Ends all at once. */
  kill(): void {
    for (const service of this.#phases.flat()) service.kill()
  }

  async #startPhase(services: Service[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#phases.push(services)
    await Promise.all(services.map((service) => service.start()))
  }

  #common(): { log: Logger; stderr: 'inherit' | number } {
    return { log: this.#log, stderr: this.#options.logFile ?? 'inherit' }
  }

  #broker(): Service {
    const { kafkaPort, dataDir } = this.#options
    return new Service({
      name: 'broker',
      args: ['broker', '--port', String(kafkaPort), '--data-dir', dataDir],
      healthy: () => brokerAnswers('127.0.0.1', kafkaPort),
      ...this.#common(),
      graceMs: 20_000,
      startMs: 600_000, // the first time it downloads Kafka; it watches its own start more closely
    })
  }

  #registry(): Service {
    const { bootstrapServers, schemaRegistry } = this.addresses
    const port = String(this.#options.registryPort)
    return new Service({
      name: 'registry',
      args: ['registry', '--port', port, '--bootstrap-servers', bootstrapServers],
      healthy: () => answersOk(`${schemaRegistry}/subjects`),
      ...this.#common(),
      graceMs: 5000,
    })
  }

  async #workers(): Promise<Service[]> {
    const { bootstrapServers, schemaRegistry, rest } = this.addresses
    const { dataDir } = this.#options
    return Promise.all(
      rest.map(async (url) => {
        const restPort = Number(new URL(url).port)
        const file = await writeWorkerConfig({ bootstrapServers, schemaRegistry, restPort, dataDir })
        return new Service({
          name: `worker on port ${restPort}`,
          args: ['worker', file],
          // Which of several a line is of; one alone needs no name.
          ...(rest.length > 1 ? { logName: `worker-${restPort}` } : {}),
          healthy: () => answersOk(`${url}/health`),
          ...this.#common(),
          graceMs: 15_000,
        })
      }),
    )
  }
}

function restPorts({ restPort, workers }: StackOptions): number[] {
  return Array.from({ length: workers }, (_, index) => restPort + index)
}

function wantedPorts(options: StackOptions): { port: number; what: string; option: string }[] {
  const kafka = { port: options.kafkaPort, what: 'Kafka', option: '--kafka-port' }
  const registry = { port: options.registryPort, what: 'schema registry', option: '--registry-port' }
  const rest = restPorts(options).map((port) => ({ port, what: 'REST API', option: '--rest-port' }))
  return [...(options.bootstrapServers === undefined ? [kafka] : []), registry, ...rest]
}

/** Throws `dev.start` when no broker of the list answers. */
async function requireKafka(bootstrapServers: string): Promise<void> {
  const asked = bootstrapServers.split(',').map(async (server) => {
    const url = URL.parse(`kafka://${server.trim()}`)
    return url !== null && url.port !== '' && brokerAnswers(url.hostname, Number(url.port))
  })
  if ((await Promise.all(asked)).includes(true)) return
  throw new CommandError('dev.start', `no Kafka broker answers at ${bootstrapServers}`, {
    suggestion: 'check --bootstrap-servers (host:port, separated by commas), or leave it out to start one',
  })
}

async function answersOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) })
    await response.body?.cancel() // however long it is: only the status counts
    return response.ok
  } catch {
    return false
  }
}
