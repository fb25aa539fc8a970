import type { Header, SideName } from '../../api/batch.ts'
import type { Converter, EncodedRows } from '../../api/converter.ts'
import { type ConnectError, DataError } from '../../api/errors.ts'
import type { Schema, Value } from '../../api/schema.ts'
import { recordsSide } from '../../converters/records-side.ts'
import { encodeBatches } from '../../kafka/record-batches/record-batch-encode.ts'
import type { FetchedBatch } from '../../kafka/record-batches/records.ts'
import { headerRows } from '../records/raw-rows.ts'
import { fetchedFrom, type NextOffsets } from './dry-batches.ts'

/** A key or value: bytes as they are, or data that the connector's converter makes bytes of. */
export type InputData = Buffer | null | { readonly schema: Schema | null; readonly value: Value }

/** A record that a sink is to read, as if it lay in Kafka. */
export interface InputRecord {
  readonly topic: string
  readonly partition: number
  /** Null: the one behind the record before it in its partition. */
  readonly offset: bigint | null
  readonly timestamp: bigint
  readonly headers: readonly Header[]
  readonly key: InputData
  readonly value: InputData
}

/** What one fetch would bring, and which of the records each of its rows is. */
export interface InputBatch {
  readonly fetched: FetchedBatch
  readonly records: Int32Array
}

/** A record that cannot be written to a topic, and so cannot be read there. */
export interface Unusable {
  readonly record: number
  readonly error: ConnectError
}

type Converters = Readonly<Record<SideName, { readonly converter: Converter }>>

/** More than the longest line that a command reads has in UTF-8. */
const MAX_BATCH_BYTES = 256 * 2 ** 20

/**
 * Records as the batches that a task would fetch: encoded by the connector's own converters, put into record batches, and
 * read back. A record that is no good ends it: what is before it is given.
 */
export async function inputBatches(
  records: readonly InputRecord[],
  converters: Converters,
  offsets: NextOffsets,
): Promise<{ readonly batches: readonly InputBatch[]; readonly unusable?: Unusable }> {
  const batches: InputBatch[] = []
  for (let first = 0; first < records.length;) {
    const next = endOfRun(records, first)
    const run = Int32Array.from({ length: next - first }, (_, i) => first + i)
    const encoded = await encodedRun(records, run, converters)
    batches.push(...storedRun(records, encoded, offsets))
    if (encoded.unusable !== undefined) return { batches, unusable: encoded.unusable }
    first = next
  }
  return { batches }
}

/** Behind the records that one batch of one partition can hold. */
function endOfRun(records: readonly InputRecord[], first: number): number {
  let next = first + 1
  for (; next < records.length; next++) {
    const [before, { topic, partition, offset }] = [records[next - 1]!, records[next]!]
    const follows = offset === null || (before.offset !== null && offset === before.offset + 1n)
    if (topic !== before.topic || partition !== before.partition || !follows) break
  }
  return next
}

interface EncodedRun {
  readonly rows: Int32Array
  readonly keys: EncodedRows
  readonly values: EncodedRows
  readonly unusable?: Unusable
}

async function encodedRun(
  records: readonly InputRecord[],
  run: Int32Array,
  converters: Converters,
): Promise<EncodedRun> {
  const failed: Unusable[] = []
  const fail = (record: number, error: ConnectError): void => void failed.push({ record, error })
  const side = async (name: SideName): Promise<EncodedRows> => {
    const typed = run.filter((row) => isTyped(records[row]![name]))
    const data = records.map(({ [name]: each }) => (isTyped(each) ? each : { schema: null, value: null }))
    const values = recordsSide(
      data.map(({ schema, value }) => (value === null ? null : schema)),
      data.map(({ value }) => value),
    )
    const { converter } = converters[name]
    return withBytes(
      records.map(({ [name]: each }) => each),
      await converter.encode(records[run[0]!]!.topic, values, typed, fail),
    )
  }
  const [keys, values] = [await side('key'), await side('value')]
  const [unusable] = failed.toSorted((a, b) => a.record - b.record)
  if (unusable === undefined) return { rows: run, keys, values }
  return { rows: run.filter((row) => row < unusable.record), keys, values, unusable }
}

function isTyped(data: InputData): data is Exclude<InputData, Buffer | null> {
  return data !== null && !Buffer.isBuffer(data)
}

function withBytes(data: readonly InputData[], encoded: EncodedRows): EncodedRows {
  const bytesOf = (row: number): Buffer | null => data[row] as Buffer | null
  return {
    size: (row) => (isTyped(data[row]!) ? encoded.size(row) : (bytesOf(row)?.length ?? -1)),
    write: (row, target, at) =>
      isTyped(data[row]!) ? encoded.write(row, target, at) : at + bytesOf(row)!.copy(target, at),
  }
}

function storedRun(
  records: readonly InputRecord[],
  { rows, keys, values }: EncodedRun,
  offsets: NextOffsets,
): InputBatch[] {
  const [first] = rows
  if (first === undefined) return []
  const { topic, partition, offset, timestamp: baseTimestamp } = records[first]!
  const place = { topic, partition }
  const headers = headerRows((row) => records[row]!.headers)
  const timestamp = (row: number): bigint => records[row]!.timestamp
  const timestampDelta = (row: number): number => Number(timestamp(row) - baseTimestamp)
  const outgoing = { rows, keys, values, headers, baseTimestamp, timestampDelta, timestamp }
  if (offset !== null) offsets.set(place, offset)
  const encoded = encodeBatches(outgoing, MAX_BATCH_BYTES, 'none', (_, size) => {
    throw new DataError('record.too-large', `The record has ${size} bytes, more than a dry run reads.`)
  })
  return encoded.map((batch) => {
    const fetched = fetchedFrom(place, batch, offsets.at(place))
    offsets.set(place, fetched.nextOffset)
    return { fetched, records: batch.rows }
  })
}
