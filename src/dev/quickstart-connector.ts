import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CommandError } from '../api/errors.ts'
import { textOf } from './answer.ts'
import { packageRoot } from './package-root.ts'

const RETRY_CONFLICT_MS = 30_000

interface ConnectorFile {
  readonly name: string
  readonly config: Record<string, string>
}

interface ConnectorStatus {
  readonly connector: { readonly state: string; readonly trace?: string }
  readonly tasks: readonly { readonly id: number; readonly state: string; readonly trace?: string }[]
}

/** The job of the quickstart, over the worker's REST API. */
export class FlightDelayConnector {
  readonly #rest: string
  readonly #file: ConnectorFile

  private constructor(rest: string, file: ConnectorFile) {
    this.#rest = rest
    this.#file = file
  }

  /** Reads `config/connectors/flight-delay.json`; only the registry's address follows this run's ports. */
  static async load(rest: string, schemaRegistry: string): Promise<FlightDelayConnector> {
    const file = path.join(packageRoot(), 'config', 'connectors', 'flight-delay.json')
    const { name, config } = JSON.parse(await readFile(file, 'utf8')) as ConnectorFile
    return new FlightDelayConnector(rest, {
      name,
      config: { ...config, 'value.converter.schema.registry.url': schemaRegistry },
    })
  }

  get sourceTopic(): string {
    return this.#file.config['topics'] ?? ''
  }

  get targetTopic(): string {
    return this.#file.config['target.topic'] ?? ''
  }

  get statusUrl(): string {
    return `${this.#rest}/connectors/${this.#file.name}/status`
  }

  /** Deletes the connector of an earlier run, if there is one; its committed offsets stay. */
  async remove(): Promise<void> {
    await this.#call('DELETE', `/connectors/${this.#file.name}`, undefined, [204, 404])
  }

  async create(): Promise<void> {
    await this.#call('POST', '/connectors', this.#file, [201])
  }

  /** Throws what the connector or one of its tasks failed with. */
  async requireHealthy(): Promise<void> {
    const path = `/connectors/${this.#file.name}/status`
    const response = await this.#call('GET', path, undefined, [200, 404])
    if (response.status === 404) return // the status follows the configuration with a delay
    const { connector, tasks } = JSON.parse(await textOf(response)) as ConnectorStatus
    const failed = [connector, ...tasks].find(({ state }) => state === 'FAILED')
    if (failed === undefined) return
    const reason = (failed.trace ?? 'without a trace').split('\n')[0] ?? ''
    throw new CommandError('dev.start', `the connector ${this.#file.name} failed: ${reason}`)
  }

  /** A worker that is rebalancing answers 409, and is asked again. */
  async #call(method: string, path: string, body: unknown, expected: readonly number[]): Promise<Response> {
    const deadline = Date.now() + RETRY_CONFLICT_MS
    for (;;) {
      const response = await fetch(this.#rest + path, {
        method,
        headers: { 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(RETRY_CONFLICT_MS),
      })
      if (expected.includes(response.status)) return response
      const text = await textOf(response)
      if (response.status !== 409 || Date.now() > deadline) {
        throw new CommandError('dev.start', `${method} ${path} gave ${response.status}: ${text}`)
      }
      await sleep(250)
    }
  }
}
