import { UnavailableError } from '../../src/api/errors.ts'
import type { LogRecord, OpenLog, RecordLog } from '../../src/worker/stores/record-log.ts'
import type { Network } from './network.ts'
import type { Process, VirtualTime } from './virtual-time.ts'

interface Written {
  readonly key: string
  readonly value: string | null
}

interface Append extends Written {
  /** When it must not be sent any more. */
  readonly until: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

const REQUEST_TIMEOUT = 5_000
const DELIVERY_TIMEOUT = 30_000
const RETRY = 100

/** The topics of the simulated broker. What was written stays; `onWrite` sees each record as it is written. */
export class Topics {
  readonly #time: VirtualTime
  readonly #network: Network
  readonly #topics = new Map<string, { readonly records: Written[]; readonly readers: Set<Reader> }>()
  readonly #onWrite: (topic: string, record: Written, by: Process) => void

  constructor(
    time: VirtualTime,
    network: Network,
    onWrite: (topic: string, record: Written, by: Process) => void,
  ) {
    this.#time = time
    this.#network = network
    this.#onWrite = onWrite
  }

  records(topic: string): readonly Written[] {
    return this.#topic(topic).records
  }

  /** As a process opens a topic. */
  opener(process: Process): OpenLog {
    return async ({ topic }, onRecord) => {
      const reader = new Reader({
        time: this.#time,
        network: this.#network,
        process,
        onRecord,
        partition: {
          records: this.#topic(topic).records,
          write: (batch) => this.#write(topic, batch, process),
        },
      })
      this.#topic(topic).readers.add(reader)
      await reader.readToEnd()
      return reader
    }
  }

  #topic(name: string) {
    const found = this.#topics.get(name) ?? { records: [], readers: new Set<Reader>() }
    this.#topics.set(name, found)
    return found
  }

  #write(topic: string, batch: readonly Written[], by: Process): void {
    const { records, readers } = this.#topic(topic)
    for (const record of batch) {
      records.push({ key: record.key, value: record.value })
      this.#onWrite(topic, record, by)
    }
    for (const reader of readers) reader.fetch()
  }
}

interface ReaderOptions {
  readonly time: VirtualTime
  readonly network: Network
  readonly process: Process
  readonly onRecord: (record: LogRecord) => void
  readonly partition: { readonly records: readonly Written[]; write(batch: readonly Written[]): void }
}

/** One process's view of a topic: as kafka/compacted-log, but for the bytes. */
class Reader implements RecordLog {
  readonly #options: ReaderOptions
  #position = 0
  #isFetching = false
  #isClosed = false
  #isSending = false
  readonly #queue: Append[] = []
  #waiters: { readonly end: number; readonly resolve: () => void }[] = []

  constructor(options: ReaderOptions) {
    this.#options = options
  }

  append(key: string, value: string | null, until = Infinity): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ key, value, until, resolve, reject })
      void this.#drain()
    })
  }

  async readToEnd(): Promise<void> {
    const { network, process, partition } = this.#options
    await this.#readTo(
      await network.request<number>(process, REQUEST_TIMEOUT, (reply) =>
        reply({ answer: partition.records.length }),
      ),
    )
  }

  close(): Promise<void> {
    this.#isClosed = true
    return Promise.resolve()
  }

  /** There is something new, or may be. */
  fetch(): void {
    const { time, network, process, partition } = this.#options
    if (this.#isFetching || this.#isClosed || this.#position >= partition.records.length) return
    this.#isFetching = true
    time.after(network.isCut(process) ? RETRY : network.delay(), process, () => {
      this.#isFetching = false
      if (!network.isCut(process)) this.#take()
      this.fetch()
    })
  }

  #take(): void {
    const { partition, onRecord } = this.#options
    while (this.#position < partition.records.length) {
      const { key, value } = partition.records[this.#position]!
      onRecord({ key, value: value === null ? null : Buffer.from(value), offset: BigInt(this.#position++) })
    }
    const reached = this.#waiters.filter(({ end }) => end <= this.#position)
    this.#waiters = this.#waiters.filter(({ end }) => end > this.#position)
    for (const { resolve } of reached) resolve()
  }

  async #readTo(end: number): Promise<void> {
    if (this.#position >= end) return
    this.fetch()
    await new Promise<void>((resolve) => this.#waiters.push({ end, resolve }))
  }

  /** Sends what is queued, all that came while the last send was under way at once. */
  async #drain(): Promise<void> {
    if (this.#isSending) return
    this.#isSending = true
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0)
      try {
        void this.#readTo(await this.#send(batch)).then(() => batch.forEach(({ resolve }) => resolve()))
      } catch (error) {
        for (const { reject } of batch) reject(error as Error)
      }
    }
    this.#isSending = false
  }

  /** As an idempotent producer: again and again, for a while; the broker takes it once. */
  async #send(batch: readonly Append[]): Promise<number> {
    const { time, network, process, partition } = this.#options
    const until = Math.min(time.now + DELIVERY_TIMEOUT, ...batch.map((each) => each.until))
    let end: number | undefined
    for (;;) {
      if (time.now >= until)
        throw new UnavailableError('kafka.unavailable', 'the record was not sent in time')
      try {
        return await network.request<number>(process, REQUEST_TIMEOUT, (reply) => {
          if (end === undefined) {
            partition.write(batch)
            end = partition.records.length
          }
          reply({ answer: end })
        })
      } catch {
        if (time.now > until)
          throw new UnavailableError('kafka.unavailable', 'the broker did not take a record')
      }
    }
  }
}
