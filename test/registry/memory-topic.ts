import type { LoggedRecord, OpenSchemaLog } from '../../src/registry/schema-log.ts'

export interface WrittenRecord {
  readonly key: string
  readonly value: string | null
}

/** A schemas topic in memory: what a registry wrote stays for the next one that opens it. */
export class MemoryTopic {
  records: WrittenRecord[]
  /** Awaited before each record is written; a test holds writes up with it, or makes them fail. */
  beforeAppend: () => Promise<void> = () => Promise.resolve()
  /** Awaited after each record is written, before its writer hears of it. */
  afterAppend: () => Promise<void> = () => Promise.resolve()

  constructor(records: readonly WrittenRecord[] = []) {
    this.records = [...records]
  }

  readonly open: OpenSchemaLog = (onRecord) => {
    let read = 0
    const readAll = () => {
      for (; read < this.records.length; read++) onRecord(logged(this.records[read]))
      return Promise.resolve()
    }
    void readAll()
    return Promise.resolve({
      append: async (key, value) => {
        await this.beforeAppend()
        this.records.push({ key, value })
        await this.afterAppend()
        await readAll()
      },
      readToEnd: readAll,
      close: () => Promise.resolve(),
    })
  }

  /** Keeps the last record of each key, as Kafka does sooner or later. */
  compact(): void {
    const last = new Map(this.records.map((record, index) => [record.key, index]))
    this.records = this.records.filter(
      (record, index) => last.get(record.key) === index && record.value !== null,
    )
  }
}

function logged(record: WrittenRecord | undefined): LoggedRecord {
  const value = record?.value ?? null
  return { key: record?.key ?? null, value: value === null ? null : Buffer.from(value) }
}
