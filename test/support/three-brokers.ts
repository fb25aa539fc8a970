import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { SILENT } from '../../src/api/log.ts'
import { type Broker, startBroker } from '../../src/dev/broker.ts'
import { newClusterId } from '../../src/dev/broker-config.ts'
import { freePort } from '../../src/dev/ports.ts'
import { eventually } from './eventually.ts'
import { kafkajsClient } from './kafka.ts'

const IDS = [1, 2, 3] as const

/** As production has it: three copies of everything, two of which must have what is acknowledged. */
const REPLICATED = {
  'default.replication.factor': '3',
  'min.insync.replicas': '2',
  'offsets.topic.replication.factor': '3',
  'transaction.state.log.replication.factor': '3',
  'transaction.state.log.min.isr': '2',
}

interface Node {
  readonly id: number
  readonly port: number
  readonly controllerPort: number
  broker: Broker | null
}

/** Three real brokers on loopback, each also a controller, of which one may be gone. Some 400 MB each. */
export class ThreeBrokers {
  readonly bootstrapServers: string
  readonly #nodes: readonly Node[]
  readonly #folder: string
  readonly #clusterId = newClusterId()

  private constructor(nodes: readonly Node[], folder: string) {
    this.#nodes = nodes
    this.#folder = folder
    this.bootstrapServers = nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')
  }

  /** Resolves when all three serve; takes some 15 s. */
  static async start(): Promise<ThreeBrokers> {
    const folder = await mkdtemp(path.join(tmpdir(), 'sluice-three-brokers-'))
    const nodes: Node[] = []
    for (const id of IDS)
      nodes.push({ id, port: await freePort(), controllerPort: await freePort(), broker: null })
    const cluster = new ThreeBrokers(nodes, folder)
    process.once('exit', () => nodes.forEach(({ broker }) => broker?.kill()))
    await Promise.all(nodes.map((node) => cluster.#start(node)))
    await cluster.untilInSync()
    return cluster
  }

  /** Ends a broker by SIGKILL. */
  async kill(id: number): Promise<void> {
    const node = this.#node(id)
    node.broker?.kill()
    await node.broker?.exited
    node.broker = null
  }

  /** Starts a broker that was killed, with what it had, and resolves when all three are in sync. */
  async again(id: number): Promise<void> {
    await this.#start(this.#node(id))
    await this.untilInSync()
  }

  async stop(): Promise<void> {
    await Promise.all(IDS.map((id) => this.kill(id)))
    await rm(this.#folder, { recursive: true, force: true })
  }

  /** Until all three are part of the cluster and every partition has its three copies in sync: another may go then. */
  async untilInSync(): Promise<void> {
    const admin = kafkajsClient(this.bootstrapServers).admin()
    await admin.connect()
    const isWhole = async (): Promise<boolean> => {
      const { brokers } = await admin.describeCluster()
      const { topics } = await admin.fetchTopicMetadata()
      const partitions = topics.flatMap((topic) => topic.partitions)
      return (
        brokers.length === IDS.length &&
        partitions.every(({ isr, replicas }) => isr.length === replicas.length)
      )
    }
    try {
      await eventually(isWhole, { timeoutMs: 60_000, everyMs: 200 })
    } finally {
      await admin.disconnect()
    }
  }

  #node(id: number): Node {
    const node = this.#nodes.find((each) => each.id === id)
    if (node === undefined) throw new Error(`there is no broker ${id}`)
    return node
  }

  async #start(node: Node): Promise<void> {
    const { id, port, controllerPort } = node
    const voters = this.#nodes.map((each) => `${each.id}@127.0.0.1:${each.controllerPort}`).join(',')
    node.broker = await startBroker({
      port,
      dataDir: path.join(this.#folder, String(id)),
      log: SILENT,
      special: {
        // The last id that is given counts: theirs is one and the same.
        format: ['-t', this.#clusterId],
        settings: () => ({
          ...REPLICATED,
          'node.id': String(id),
          'controller.quorum.voters': voters,
          listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
        }),
      },
    })
  }
}
