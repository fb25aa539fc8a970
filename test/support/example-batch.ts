import type { FetchedBatch } from '../../src/kafka/record-batches/records.ts'
import { recordsSide } from '../../src/converters/records-side.ts'
import type { ExampleRecord, SinkRecord } from '../../src/index.ts'
import { Batch } from '../../src/runtime/records/batch.ts'
import { FetchOrigin } from '../../src/runtime/records/origin.ts'
import { RowStates } from '../../src/runtime/records/row-states.ts'

/** A batch of records in object form, as if fetched from `t-0`; for transforms without a Kafka. */
export function batchOf(
  records: readonly ExampleRecord[],
  { partition = 0, offset = 0n }: { readonly partition?: number; readonly offset?: bigint } = {},
): Batch {
  const full = records.map(complete)
  const length = records.length
  const slices = () => ({
    bytes: Buffer.alloc(0),
    start: new Int32Array(length).fill(-1),
    end: new Int32Array(length),
    length,
  })
  const fetched: FetchedBatch = {
    topic: 't',
    partition,
    length,
    bytes: Buffer.alloc(0),
    keys: slices(),
    values: slices(),
    headers: slices(),
    baseOffset: offset,
    offsetDeltas: Float64Array.from({ length }, (_, i) => i),
    baseTimestamp: 0n,
    timestampDeltas: new Float64Array(length),
    nextOffset: BigInt(length),
  }
  const side = (schema: 'keySchema' | 'valueSchema', value: 'key' | 'value') =>
    recordsSide(
      full.map((r) => r[schema]),
      full.map((r) => r[value]),
    )
  const sides = { key: side('keySchema', 'key'), value: side('valueSchema', 'value') }
  return new Batch(new FetchOrigin(fetched), new RowStates(length), sides, {
    topics: full.map((r) => r.topic),
    partitions: Int32Array.from(full, (r) => r.partition),
    timestamps: BigInt64Array.from(full, (r) => r.timestamp),
    headers: full.map((r) => r.headers),
  })
}

export function complete(record: ExampleRecord): SinkRecord {
  return {
    topic: 't',
    partition: 0,
    timestamp: 0n,
    headers: [],
    keySchema: null,
    key: null,
    valueSchema: null,
    value: null,
    ...record,
  }
}
