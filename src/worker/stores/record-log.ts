import type { InternalTopic } from '../settings/modes.ts'

/** A record of one of Kafka Connect's three topics. */
export interface LogRecord {
  readonly key: string | null
  readonly value: Buffer | null
  readonly offset: bigint
}

/** A compacted topic as a store sees it; `kafka/compacted-log.ts` in a worker, memory in tests. */
export interface RecordLog {
  /**
   * Resolves when the record was read back: what was written is then part of the state. After `until`
   * (performance.now()) nothing of it is sent any more.
   */
  append(key: string, value: string | Buffer | null, until?: number): Promise<void>
  /** Resolves when everything that is in the topic now was read. */
  readToEnd(): Promise<void>
  close(): Promise<void>
}

/** Opens a log; resolves when it was read to its end, and follows it from then on. */
export type OpenLog = (topic: InternalTopic, onRecord: (record: LogRecord) => void) => Promise<RecordLog>

/** A key that ends in `-<number>`, as `task-a-0`: connector names may hold dashes themselves. */
export function splitTaskKey(
  rest: string,
): { readonly connector: string; readonly task: number } | undefined {
  const parts = /^(.*)-(\d+)$/s.exec(rest)
  return parts === null ? undefined : { connector: parts[1] ?? '', task: Number(parts[2]) }
}

/** A record's value as a JSON object; undefined where it is none. */
export function jsonObject(value: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const data: unknown = JSON.parse(value.toString('utf8'))
    return typeof data === 'object' && data !== null && !Array.isArray(data)
      ? (data as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
