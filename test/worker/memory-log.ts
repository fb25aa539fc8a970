import type { LogRecord, OpenLog } from '../../src/worker/stores/record-log.ts'

/** The three topics in memory: what is written is read back at once by every log that is open on the topic. */
export class MemoryTopics {
  readonly topics = new Map<string, { key: string; value: string | Buffer | null }[]>()
  readonly #readers = new Map<string, ((record: LogRecord) => void)[]>()
  /** What readers that lag have not read yet. */
  readonly #lagging = new Map<(record: LogRecord) => void, LogRecord[]>()

  readonly open: OpenLog = async ({ topic }, onRecord) => {
    const records = this.records(topic)
    records.forEach((record, at) => onRecord(asRecord(record, at)))
    const readers = this.#readers.get(topic) ?? []
    this.#readers.set(topic, readers)
    readers.push(onRecord)
    return Promise.resolve({
      append: async (key, value) => {
        await new Promise(setImmediate)
        this.write(topic, key, value)
      },
      readToEnd: () => {
        this.#catchUp(onRecord)
        return Promise.resolve()
      },
      close: () => {
        readers.splice(readers.indexOf(onRecord), 1)
        return Promise.resolve()
      },
    })
  }

  /** The reader of a topic that opened it as number `n` reads nothing more until it reads to the end, or `catchUp`. */
  lag(topic: string, n: number): { catchUp: () => void } {
    const reader = this.#readers.get(topic)?.[n]
    if (reader === undefined) throw new Error(`topic ${topic} has no reader ${n}`)
    this.#lagging.set(reader, [])
    return { catchUp: () => this.#catchUp(reader) }
  }

  #catchUp(reader: (record: LogRecord) => void): void {
    const missed = this.#lagging.get(reader) ?? []
    this.#lagging.delete(reader)
    for (const record of missed) reader(record)
  }

  records(topic: string): { key: string; value: string | Buffer | null }[] {
    const found = this.topics.get(topic) ?? []
    this.topics.set(topic, found)
    return found
  }

  write(topic: string, key: string, value: string | Buffer | null): void {
    const records = this.records(topic)
    records.push({ key, value })
    for (const reader of this.#readers.get(topic) ?? []) {
      const record = asRecord({ key, value }, records.length - 1)
      const missed = this.#lagging.get(reader)
      if (missed === undefined) reader(record)
      else missed.push(record)
    }
  }
}

function asRecord({ key, value }: { key: string; value: string | Buffer | null }, at: number): LogRecord {
  return { key, value: value === null ? null : Buffer.from(value), offset: BigInt(at) }
}
