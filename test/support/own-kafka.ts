import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { SILENT } from '../../src/api/log.ts'
import { type Broker, startBroker } from '../../src/dev/broker.ts'
import { freePort } from '../../src/dev/ports.ts'
import { eventually } from './eventually.ts'

/** A broker that may be killed and comes back where it was, with all that it had written. */
export class OwnKafka {
  readonly bootstrapServers: string
  readonly #port: number
  readonly #dataDir: string
  #broker: Broker

  private constructor(broker: Broker, port: number, dataDir: string) {
    this.#broker = broker
    this.#port = port
    this.#dataDir = dataDir
    this.bootstrapServers = broker.bootstrapServers
  }

  static async start(): Promise<OwnKafka> {
    const dataDir = await mkdtemp(path.join(tmpdir(), 'sluice-own-kafka-'))
    const port = await freePort()
    return new OwnKafka(await startBroker({ port, dataDir, log: SILENT }), port, dataDir)
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    this.#broker.kill()
    await this.#broker.exited
  }

  /** Starts it again; resolves when it serves. */
  async again(): Promise<void> {
    const options = { port: this.#port, dataDir: this.#dataDir, log: SILENT }
    // A process that was killed keeps its port, and its place in the folder, for a moment.
    this.#broker = await eventually(() => startBroker(options), { timeoutMs: 90_000 })
  }

  async close(): Promise<void> {
    await this.kill()
    await rm(this.#dataDir, { recursive: true, force: true })
  }
}
