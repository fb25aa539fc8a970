import type { SourceRecord } from '../../src/index.ts'

/** A record of a source that counts: its value and its offset are the number. */
export function sourceRecord(n: number, more: Partial<SourceRecord> = {}): SourceRecord {
  return {
    topic: 'out',
    partition: null,
    timestamp: -1n,
    headers: [],
    keySchema: null,
    key: null,
    valueSchema: { type: 'STRING', optional: false },
    value: String(n),
    sourcePartition: { file: 'f' },
    sourceOffset: { n },
    ...more,
  }
}
