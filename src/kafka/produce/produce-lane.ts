import { type ConnectError, UnavailableError } from '../../api/errors.ts'
import type { TopicPartition } from '../admin.ts'
import { type EncodedBatch, seal } from '../record-batches/record-batch-encode.ts'
import { backOffMs } from '../retry.ts'

/** What InitProducerId gave. */
export interface ProducerIdentity {
  readonly producerId: bigint
  readonly producerEpoch: number
}

/** A batch on its way; `settle` is called once. */
export interface QueuedBatch extends RefusalOptions {
  batch: EncodedBatch
  /** When to give up (performance.now()). */
  readonly deadline: number
  settle(error: ConnectError | null): void
}

export interface RefusalOptions {
  /** Takes rows that Kafka refuses; without it the batch fails. */
  readonly refused?: RefusedRow
  /** Nothing after such a row is sent. */
  readonly stopsAtRefused?: boolean
  /** Nothing is sent after this time (performance.now()), not even for the first time. */
  readonly until?: number
}

/** Called with each row that Kafka refuses, and why. */
export type RefusedRow = (row: number, reason: string) => void

const SEQUENCES = 2 ** 31
const REQUEST_BYTES = 16 << 20

/**
 * The batches of one partition, sent one after the other. The head is sealed when it is first sent; a retry sends the
 * same bytes with the same sequence. Each lane has its own sequence, and keeps its identity when another lane needs a
 * new one.
 */
export class ProduceLane implements TopicPartition {
  readonly topic: string
  readonly partition: number
  readonly queue: QueuedBatch[] = []
  /** A request or a lookup is under way. */
  busy = false
  identity: ProducerIdentity | null = null
  /** The identity that must not be used again: what was sent with it is in doubt. */
  retired: ProducerIdentity | null = null
  /** Backing off: the timer that was set for it ends this, not a clock that might disagree with it. */
  waiting = false
  /** Kafka refused a record: what is sent still, before all that is behind it is given up. */
  stopsAfter: 'head' | 'nothing' | null = null
  /** How often the head needed a new identity. */
  resets = 0
  #sequence = 0
  #sealed = false
  #failures = 0

  readonly #transactional: boolean

  constructor(topic: string, partition: number, transactional = false) {
    this.topic = topic
    this.partition = partition
    this.#transactional = transactional
  }

  /** The head's bytes, final. */
  seal(): Buffer {
    const { batch } = this.queue[0]!
    if (!this.#sealed && this.identity !== null) {
      const { producerId, producerEpoch } = this.identity
      seal(batch, {
        producerId,
        producerEpoch,
        sequence: this.#sequence,
        transactional: this.#transactional,
      })
    }
    this.#sealed = true
    return batch.bytes
  }

  acknowledged(): void {
    this.#sequence = (this.#sequence + this.queue[0]!.batch.recordCount) % SEQUENCES
    this.#headDone()
  }

  /** Why its head may not be sent any more; null where it may. */
  tooLate(): UnavailableError | null {
    if (performance.now() <= (this.queue[0]?.until ?? Infinity)) return null
    const what = `Producing to ${this.topic}-${this.partition}`
    return new UnavailableError('kafka.unavailable', `${what}: not sent, as it may not be sent so late`)
  }

  /** Puts another batch, which may be none, in the place of the head, which was not written. */
  replace(batch: EncodedBatch | null): void {
    if (batch === null) {
      this.#headDone()
      return
    }
    this.queue[0]!.batch = batch
    this.#sealed = false
  }

  #headDone(): void {
    const head = this.queue.shift()!
    this.#sealed = false
    this.#failures = 0
    this.resets = 0
    head.settle(null)
  }

  /** Milliseconds to wait before the head is sent again; null where its time is up before. */
  backOff(): number | null {
    const wait = backOffMs(this.#failures++)
    if (performance.now() + wait > this.queue[0]!.deadline) return null
    this.waiting = true
    return wait
  }

  /** Starts over under another identity, with the head not sealed and sequences from 0. */
  retire(): void {
    this.retired = this.identity ?? this.retired
    this.start(null)
  }

  /** Begins under an identity, with the head not sealed and sequences from 0. */
  start(identity: ProducerIdentity | null): void {
    this.identity = identity
    this.#sequence = 0
    this.#sealed = false
  }

  /** Fails all that is queued: what came of the head may be in doubt, and what follows it must not overtake it. */
  fail(error: ConnectError): void {
    this.#sealed = false
    this.stopsAfter = null
    this.resets = 0
    this.#failures = 0
    for (const queued of this.queue.splice(0)) queued.settle(error)
  }
}

export function laneKey(topic: string, partition: number): string {
  return `${partition} ${topic}`
}

/** Lanes in groups whose heads fit into one request. */
export function splitBySize(lanes: readonly ProduceLane[]): ProduceLane[][] {
  const groups: ProduceLane[][] = []
  let size = Infinity
  for (const lane of lanes) {
    const bytes = lane.queue[0]!.batch.bytes.length
    if (size + bytes > REQUEST_BYTES) {
      groups.push([])
      size = 0
    }
    groups.at(-1)!.push(lane)
    size += bytes
  }
  return groups
}
