import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import { pathToFileURL } from 'node:url'
import { SILENT } from '../../src/api/log.ts'
import { type RegistryServer, startRegistry } from '../../src/registry/server.ts'
import { eventually } from '../support/eventually.ts'
import { kafkajsClient } from '../support/kafka.ts'
import { REPOSITORY } from '../support/process.ts'
import { countCommitted, countRecords, fillTopic } from '../support/topics.ts'
import { type ClusterSettings, type ClusterWorker, WorkerCluster } from '../support/worker-cluster.ts'
import { startWriting, type Writing, type WriteOptions } from './clients.ts'
import { OwnKafka } from '../support/own-kafka.ts'

const CONNECTOR = 'score'
const SOURCE = 'irises'
export const TARGET = 'classified'
export const DEAD = 'unreadable'
const GROUP = `connect-${CONNECTOR}`
export const PATIENT = { timeoutMs: 180_000, everyMs: 200 }

const SCHEMA = JSON.stringify({
  type: 'record',
  name: 'Audited',
  fields: [
    ...['id', 'crc'].map((name) => ({ name, type: 'long' })),
    ...['sepal_length', 'sepal_width', 'petal_length', 'petal_width'].map((name) => ({
      name,
      type: 'double',
    })),
  ],
})

export interface Task {
  readonly id: number
  readonly state: string
  readonly worker_id: string
}

export interface StageOptions {
  readonly partitions: number
  readonly workers: number
  readonly settings?: ClusterSettings
  /** What the connector has beside its class, topics, model and converters. */
  readonly config?: Readonly<Record<string, string>>
  /** What is broken in the workers, of a negative control; see mutations.mjs. */
  readonly mutation?: string
}

/**
 * A broker, a registry and workers of one cluster, all of their own, and one connector that classifies irises by an ONNX
 * model, from a topic to a topic.
 */
export class Stage {
  readonly kafka: OwnKafka
  readonly cluster: WorkerCluster
  readonly partitions: number
  readonly #registry: RegistryServer
  readonly #schemaId: number

  private constructor(
    kafka: OwnKafka,
    registry: RegistryServer,
    cluster: WorkerCluster,
    schemaId: number,
    partitions: number,
  ) {
    this.kafka = kafka
    this.#registry = registry
    this.cluster = cluster
    this.#schemaId = schemaId
    this.partitions = partitions
  }

  static async open({
    partitions,
    workers,
    settings = {},
    config = {},
    mutation,
  }: StageOptions): Promise<Stage> {
    const kafka = await OwnKafka.start()
    const { bootstrapServers } = kafka
    const registry = await startRegistry({
      bootstrapServers: [bootstrapServers],
      topic: '_schemas',
      port: 0,
      log: SILENT,
    })
    const client = new SchemaRegistry({ host: registry.url })
    const { id } = await client.register(
      { type: SchemaType.AVRO, schema: SCHEMA },
      { subject: `${SOURCE}-value` },
    )
    const cluster = new WorkerCluster(
      {
        'bootstrap.servers': bootstrapServers,
        'models.dir': `${REPOSITORY}/models`,
        'task.hosts': '1',
        'log.level': 'warn',
        ...settings,
      },
      mutation === undefined ? {} : mutated(mutation),
    )
    const stage = new Stage(kafka, registry, cluster, id, partitions)
    for (const topic of [SOURCE, TARGET, DEAD]) await fillTopic(bootstrapServers, topic, partitions, [])
    for (let i = 0; i < workers; i++) await cluster.sluice()
    await stage.#create(config)
    return stage
  }

  get bootstrapServers(): string {
    return this.kafka.bootstrapServers
  }

  get workers(): readonly ClusterWorker[] {
    return this.cluster.workers
  }

  /** A worker that is not there, for now or for good: nobody asks it, and its tasks have to run elsewhere. */
  forget(worker: ClusterWorker): void {
    const at = this.cluster.workers.indexOf(worker)
    if (at >= 0) this.cluster.workers.splice(at, 1)
  }

  remember(worker: ClusterWorker): void {
    this.cluster.workers.push(worker)
  }

  write(options: Omit<WriteOptions, 'partitions' | 'schemaId'>): Promise<Writing> {
    const { partitions } = this
    return startWriting(this.bootstrapServers, SOURCE, { ...options, partitions, schemaId: this.#schemaId })
  }

  /** Its tasks, as the first worker that answers sees them; none while nobody does. */
  async tasks(): Promise<readonly Task[]> {
    for (const worker of this.workers) {
      const answer = await worker.call('GET', `/connectors/${CONNECTOR}/status`).catch(() => undefined)
      if (answer?.code === 200) return (answer.body as { readonly tasks: readonly Task[] }).tasks
    }
    return []
  }

  /** Resolves when all tasks run, on workers that are there. */
  async running(timeoutMs = PATIENT.timeoutMs): Promise<void> {
    await eventually(
      async () => {
        const [tasks, ids] = [await this.tasks(), new Set(this.workers.map(({ id }) => id))]
        const run = tasks.filter(({ state, worker_id: id }) => state === 'RUNNING' && ids.has(id))
        return run.length > 0 && run.length === tasks.length
      },
      { timeoutMs, everyMs: 100 },
    )
  }

  /** The end offsets of the target, by partition, when the broker says them. */
  ends(): Promise<number[]> {
    return eventually(() => this.#ends(), PATIENT)
  }

  async #ends(): Promise<number[]> {
    const admin = kafkajsClient(this.bootstrapServers).admin()
    await admin.connect()
    try {
      const ends = Array.from({ length: this.partitions }, () => 0)
      for (const { partition, high } of await admin.fetchTopicOffsets(TARGET)) ends[partition] = Number(high)
      return ends
    } finally {
      await admin.disconnect()
    }
  }

  /** Resolves when the group has committed all of the source. */
  async drained(): Promise<void> {
    const { bootstrapServers } = this
    await eventually(async () => {
      const wanted = await countRecords(bootstrapServers, SOURCE)
      const committed = await countCommitted(bootstrapServers, GROUP, SOURCE)
      if (wanted > 0 && committed === wanted) return true
      throw new Error(`committed ${committed} of ${wanted}; tasks: ${JSON.stringify(await this.tasks())}`)
    }, PATIENT)
  }

  async close(): Promise<void> {
    await this.cluster.stop()
    await this.#registry.close().catch(() => undefined)
    await this.kafka.close()
  }

  async #create(more: Readonly<Record<string, string>>): Promise<void> {
    const config = {
      'connector.class': 'TopicSink',
      'tasks.max': String(this.partitions),
      topics: SOURCE,
      'target.topic': TARGET,
      'value.converter': 'AvroConverter',
      'value.converter.schema.registry.url': this.#registry.url,
      transforms: 'classify',
      'transforms.classify.type': 'ScoreOnnx$Value',
      'transforms.classify.model': 'iris-onnx',
      ...more,
    }
    const { code, body } = await this.workers[0]!.call('PUT', `/connectors/${CONNECTOR}/config`, config)
    if (code !== 201) throw new Error(`${code} ${JSON.stringify(body)}`)
    await this.running()
  }
}

function mutated(mutation: string): Record<string, string> {
  const hooks = pathToFileURL(`${import.meta.dirname}/mutations.mjs`).href
  return { SLUICE_MUTATION: mutation, NODE_OPTIONS: `--import ${hooks}` }
}
