import type { Header } from '../../api/batch.ts'
import type { EncodedRows } from '../../api/converter.ts'
import type { SourceRecord } from '../../api/plugins.ts'
import type { Schema, Value } from '../../api/schema.ts'
import { toJson } from '../../api/to-json.ts'
import type { Coordinates, Origin } from '../records/origin.ts'
import { offsetJson } from './offset-format.ts'

/**
 * Records of one poll. They were no bytes before: a dead letter holds its key and value as JSON text. A record without
 * a time goes out with the present one.
 */
export class PollOrigin implements Origin {
  readonly kind = 'poll'
  readonly length: number
  readonly topic = ''
  readonly partition = -1
  readonly rawHeaders = null
  readonly keyless: number
  readonly baseTimestamp = BigInt(Date.now())
  readonly keys: EncodedRows
  readonly values: EncodedRows
  readonly #records: readonly SourceRecord[]
  readonly #before: bigint

  /** `before`: how many records the task polled before; `poll`: how many times. */
  constructor(records: readonly SourceRecord[], before: bigint, poll: number) {
    this.#records = records
    this.#before = before
    this.length = records.length
    this.keyless = poll % 0x7fffffff
    this.keys = jsonRows((row) => [records[row]!.key, records[row]!.keySchema])
    this.values = jsonRows((row) => [records[row]!.value, records[row]!.valueSchema])
  }

  readonly timestampDelta = (row: number): number =>
    Number(this.outgoingTime(this.timestamp(row)) - this.baseTimestamp)

  offset(row: number): bigint {
    return this.#before + BigInt(row)
  }

  targetTopic(row: number): string {
    return this.#records[row]!.topic
  }

  targetPartition(row: number): number {
    return this.#records[row]!.partition ?? -1
  }

  timestamp(row: number): bigint {
    return this.#records[row]!.timestamp
  }

  outgoingTime(timestamp: bigint): bigint {
    return timestamp < 0n ? this.baseTimestamp : timestamp
  }

  headers(row: number): readonly Header[] {
    return this.#records[row]!.headers
  }

  place(row: number): string {
    const { partition, offset } = this.coordinates(row)
    return `${partition} at ${offset}`
  }

  coordinates(row: number): Coordinates {
    const { topic, sourcePartition, sourceOffset } = this.#records[row]!
    return { topic, partition: offsetJson(sourcePartition), offset: offsetJson(sourceOffset) }
  }
}

/** JSON text, made when it is asked for: few records become dead letters. */
function jsonRows(valueOf: (row: number) => readonly [Value, Schema | null]): EncodedRows {
  const made = new Map<number, Buffer | null>()
  const bytesOf = (row: number): Buffer | null => {
    const known = made.get(row)
    if (known !== undefined) return known
    const [value, schema] = valueOf(row)
    const bytes = value === null ? null : Buffer.from(toJson(value, schema))
    made.set(row, bytes)
    return bytes
  }
  return {
    size: (row) => bytesOf(row)?.length ?? -1,
    write: (row, target, at) => at + (bytesOf(row)?.copy(target, at) ?? 0),
  }
}
