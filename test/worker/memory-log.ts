import type { LogRecord, OpenLog } from '../../src/worker/stores/record-log.ts'

/** The three topics in memory: what is written is read back at once by every log that is open on the topic. */
export class MemoryTopics {
  readonly topics = new Map<string, { key: string; value: string | Buffer | null }[]>()
  readonly #readers = new Map<string, ((record: LogRecord) => void)[]>()

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
      readToEnd: () => Promise.resolve(),
      close: () => {
        readers.splice(readers.indexOf(onRecord), 1)
        return Promise.resolve()
      },
    })
  }

  records(topic: string): { key: string; value: string | Buffer | null }[] {
    const found = this.topics.get(topic) ?? []
    this.topics.set(topic, found)
    return found
  }

  write(topic: string, key: string, value: string | Buffer | null): void {
    const records = this.records(topic)
    records.push({ key, value })
    for (const reader of this.#readers.get(topic) ?? []) reader(asRecord({ key, value }, records.length - 1))
  }
}

function asRecord({ key, value }: { key: string; value: string | Buffer | null }, at: number): LogRecord {
  return { key, value: value === null ? null : Buffer.from(value), offset: BigInt(at) }
}
