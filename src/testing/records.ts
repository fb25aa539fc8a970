import { recordsSide } from '../converters/records-side.ts'
import type { SinkRecord } from '../api/batch.ts'
import type { Slices } from '../api/converter.ts'
import type { ExampleRecord } from '../api/plugins.ts'
import type { FetchedBatch } from '../kafka/record-batches/records.ts'
import { Batch } from '../runtime/records/batch.ts'
import { FetchOrigin } from '../runtime/records/origin.ts'
import { RowStates } from '../runtime/records/row-states.ts'

/** Where a batch was fetched. */
export interface FetchedFrom {
  readonly topic?: string
  readonly partition?: number
  readonly offset?: bigint
}

/** A batch of records in object form, as if one fetch had brought them; for plugins without a Kafka. */
export function batchOf(records: readonly ExampleRecord[], from: FetchedFrom = {}): Batch {
  const full = records.map(complete)
  const side = (schema: 'keySchema' | 'valueSchema', value: 'key' | 'value') =>
    recordsSide(
      full.map((r) => r[schema]),
      full.map((r) => r[value]),
    )
  const sides = { key: side('keySchema', 'key'), value: side('valueSchema', 'value') }
  return new Batch(new FetchOrigin(fetched(records.length, from)), new RowStates(records.length), sides, {
    topics: full.map((r) => r.topic),
    partitions: Int32Array.from(full, (r) => r.partition),
    timestamps: BigInt64Array.from(full, (r) => r.timestamp),
    headers: full.map((r) => r.headers),
  })
}

/** A fetch without bytes: the batch has its records as objects. */
function fetched(length: number, { topic = 't', partition = 0, offset = 0n }: FetchedFrom): FetchedBatch {
  const slices = (): Slices => ({
    bytes: Buffer.alloc(0),
    start: new Int32Array(length).fill(-1),
    end: new Int32Array(length),
    length,
  })
  return {
    topic,
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
    nextOffset: offset + BigInt(length),
  }
}

/** A record of an example with all its parts. */
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
