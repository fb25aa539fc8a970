import { setTimeout as sleep } from 'node:timers/promises'
import type { Consumer, Producer } from 'kafkajs'
import { eventually, uniqueName } from './eventually.ts'
import { kafkajsClient } from './kafka.ts'
import { fillTopic } from './topics.ts'

const EVERY_MS = 20
const AT_ONCE = 20

/**
 * Records that are written to a topic all the time, numbered from 0 and spread over its partitions in turn, and what arrives
 * of them in another topic, as it arrives.
 */
export class RecordStream {
  readonly source: string
  readonly target: string
  readonly partitions: number
  /** How many were written. */
  written = 0
  /** How often each number arrived. */
  readonly arrived = new Map<number, number>()
  /** How many arrived in all. */
  total = 0
  /** Per partition of the source: the longest time between two arrivals (milliseconds). */
  readonly #longest: number[]
  readonly #lastAt: number[]
  readonly #stopping = new AbortController()
  readonly #producer: Producer
  readonly #consumer: Consumer
  #writing: Promise<void> = Promise.resolve()

  private constructor(bootstrapServers: string, name: string, partitions: number) {
    this.source = uniqueName(`${name}-in`)
    this.target = uniqueName(`${name}-out`)
    this.partitions = partitions
    this.#longest = Array<number>(partitions).fill(0)
    this.#lastAt = Array<number>(partitions).fill(0)
    const kafka = kafkajsClient(bootstrapServers)
    this.#producer = kafka.producer({
      allowAutoTopicCreation: false,
      idempotent: true,
      maxInFlightRequests: 1,
    })
    this.#consumer = kafka.consumer({ groupId: uniqueName('tail'), maxWaitTimeInMs: 50 })
  }

  /** Creates both topics, and writes and reads until `stop`. */
  static async start(bootstrapServers: string, name: string, partitions: number): Promise<RecordStream> {
    const stream = new RecordStream(bootstrapServers, name, partitions)
    for (const topic of [stream.source, stream.target])
      await fillTopic(bootstrapServers, topic, partitions, [])
    await Promise.all([stream.#producer.connect(), stream.#consumer.connect()])
    await stream.#consumer.subscribe({ topic: stream.target, fromBeginning: true })
    await stream.#consumer.run({
      eachBatch: ({ batch }) => {
        for (const { key } of batch.messages) stream.#arrive(Number(String(key)))
        return Promise.resolve()
      },
    })
    stream.#writing = stream.#write()
    return stream
  }

  /** Resolves when each partition has had an arrival of a record that was written after now. */
  async flows(timeoutMs = 60_000): Promise<void> {
    const from = this.written
    const wanted = Array.from({ length: this.partitions }, (_, i) => from + this.partitions + i)
    await eventually(() => wanted.every((number) => this.arrived.has(number)), { timeoutMs })
  }

  /** How many arrived more than once, counted each time. */
  get doubled(): number {
    return this.total - this.arrived.size
  }

  /** The longest time between two arrivals in any partition since the last call (milliseconds). */
  takeLongestPause(): number {
    const longest = Math.max(...this.#longest)
    this.#longest.fill(0)
    return Math.round(longest)
  }

  /** Writes no more. Resolves when all that was written has arrived. */
  async finish(): Promise<void> {
    this.#stopping.abort()
    await this.#writing
    const lost = (): number[] =>
      Array.from({ length: this.written }, (_, number) => number).filter(
        (number) => !this.arrived.has(number),
      )
    await eventually(
      () => {
        const missing = lost()
        if (missing.length > 0) throw new Error(`${missing.length} records are lost, first ${missing[0]}`)
        return true
      },
      { timeoutMs: 60_000, everyMs: 200 },
    )
  }

  async close(): Promise<void> {
    this.#stopping.abort()
    await this.#writing.catch(() => undefined)
    await Promise.all([this.#producer.disconnect(), this.#consumer.disconnect()])
  }

  #arrive(number: number): void {
    this.arrived.set(number, (this.arrived.get(number) ?? 0) + 1)
    this.total++
    const partition = number % this.partitions
    const [now, before] = [performance.now(), this.#lastAt[partition] ?? 0]
    if (before > 0) this.#longest[partition] = Math.max(this.#longest[partition] ?? 0, now - before)
    this.#lastAt[partition] = now
  }

  async #write(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const messages = Array.from({ length: AT_ONCE }, (_, i) => ({
        key: String(this.written + i),
        value: 'stream',
        partition: (this.written + i) % this.partitions,
      }))
      await this.#producer.send({ topic: this.source, messages })
      this.written += messages.length
      await sleep(EVERY_MS)
    }
  }
}
