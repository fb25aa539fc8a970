import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import { Kafka, logLevel, Partitioners, type Admin } from 'kafkajs'
import { CommandError } from '../api/errors.ts'
import { textOf } from './answer.ts'
import { packageRoot } from './package-root.ts'
import type { HeldOutFlight } from './quickstart-flights.ts'
import type { Addresses } from './stack.ts'

const PARTITIONS = 6
const ROWS_PER_REQUEST = 2500
const RUN_HEADER = 'quickstart-run'
const SETTLE_MS = 30_000
const RETRY_MS = 100

/** What was read back for one flight. */
export interface Score {
  readonly prediction: string
  /** The model's probability of a delay. */
  readonly probability: number
}

/**
 * The job seen from outside: flights go in and scores come out by kafkajs and its registry client, which share no code
 * with the worker. A flight's key is its row number and a header names the run, so that records of earlier runs (the
 * topics keep them) are told apart.
 */
export class FlightTopics {
  readonly #kafka: Kafka
  readonly #registry: SchemaRegistry
  readonly #registryUrl: string
  readonly #run: string

  constructor({ bootstrapServers, schemaRegistry }: Addresses, run: string) {
    this.#kafka = new Kafka({
      clientId: 'quickstart',
      brokers: bootstrapServers.split(','),
      logLevel: logLevel.NOTHING,
    })
    this.#registry = new SchemaRegistry({ host: schemaRegistry })
    this.#registryUrl = schemaRegistry
    this.#run = run
  }

  /** Creates the topics that are missing. */
  async create(topics: readonly string[]): Promise<void> {
    await this.#withAdmin((admin) =>
      admin.createTopics({
        waitForLeaders: true,
        topics: topics.map((topic) => ({ topic, numPartitions: PARTITIONS, replicationFactor: 1 })),
      }),
    )
  }

  /** Registers `schemas/flight.avsc` for the topic's values and returns its id. */
  async registerSchema(topic: string): Promise<number> {
    const schema = await readFile(path.join(packageRoot(), 'schemas', 'flight.avsc'), 'utf8')
    const response = await fetch(`${this.#registryUrl}/subjects/${topic}-value/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schema: JSON.stringify(JSON.parse(schema)) }),
    })
    if (!response.ok) {
      throw new CommandError(
        'dev.start',
        `the registry refused schemas/flight.avsc: ${await textOf(response)}`,
      )
    }
    return (JSON.parse(await textOf(response)) as { id: number }).id
  }

  async produce(topic: string, schemaId: number, flights: readonly HeldOutFlight[]): Promise<void> {
    const producer = this.#kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
    await producer.connect()
    try {
      for (let start = 0; start < flights.length; start += ROWS_PER_REQUEST) {
        const rows = flights.slice(start, start + ROWS_PER_REQUEST)
        const messages = rows.map(async ({ record }, i) => ({
          key: String(start + i),
          value: await this.#registry.encode(schemaId, record),
          headers: { [RUN_HEADER]: this.#run },
        }))
        await producer.send({ topic, messages: await Promise.all(messages) })
      }
    } finally {
      await producer.disconnect()
    }
  }

  /** Where each partition ends now: what a later `readScores` need not read. */
  async ends(topic: string): Promise<readonly { partition: number; offset: string }[]> {
    return this.#withAdmin((admin) => admin.fetchTopicOffsets(topic))
  }

  /**
   * Calls `onScores` with this run's scores by row number, one batch at a time, from the given offsets on. A row can
   * come twice (delivery is at least once). Returns the function that ends it.
   */
  async readScores(
    topic: string,
    from: readonly { partition: number; offset: string }[],
    onScores: (scores: ReadonlyMap<number, Score>) => void,
  ): Promise<() => Promise<void>> {
    const groupId = `quickstart-${this.#run}`
    const consumer = this.#kafka.consumer({ groupId, maxWaitTimeInMs: 200 })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      eachBatch: async ({ batch }) => {
        const ours = batch.messages.filter(({ headers }) => headers?.[RUN_HEADER]?.toString() === this.#run)
        const scores = ours.map(async ({ key, value }) => {
          const decoded = (await this.#registry.decode(value ?? Buffer.alloc(0))) as Record<string, unknown>
          const score = { prediction: String(decoded['prediction']), probability: Number(decoded['p_YES']) }
          return [Number(key), score] as const
        })
        onScores(new Map(await Promise.all(scores)))
      },
    })
    for (const { partition, offset } of from) consumer.seek({ topic, partition, offset })
    return async () => {
      await consumer.disconnect()
      await this.#withAdmin((admin) => admin.deleteGroups([groupId]))
    }
  }

  /** Tries again what kafkajs calls retriable: a topic that was just created has no leader for a moment. */
  async #withAdmin<T>(use: (admin: Admin) => Promise<T>): Promise<T> {
    const deadline = performance.now() + SETTLE_MS
    for (;;) {
      const admin = this.#kafka.admin()
      try {
        await admin.connect()
        return await use(admin)
      } catch (error) {
        const isPassing = error instanceof Error && 'retriable' in error && error.retriable === true
        if (!isPassing || performance.now() > deadline) throw error
      } finally {
        await admin.disconnect()
      }
      await sleep(RETRY_MS)
    }
  }
}
