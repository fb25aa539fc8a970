import { recordsSide } from '../../converters/records-side.ts'
import type {
  CategoryColumn,
  Column,
  ColumnFor,
  ColumnRequest,
  Header,
  RecordBatch,
  Side,
  SideName,
  SinkRecord,
  StringColumn,
} from '../../api/batch.ts'
import { type ConnectError, DataError } from '../../api/errors.ts'
import type { Field, Schema, Value } from '../../api/schema.ts'
import { type AddedHeader, addedHeader, headerAt } from './added-headers.ts'
import type { Origin } from './origin.ts'
import type { RowStates } from './row-states.ts'

interface Sides {
  readonly key: Side
  readonly value: Side
}

/** What a transform may have changed besides key and value; absent means as it came. */
export interface Changes {
  readonly topics?: readonly string[]
  readonly partitions?: Int32Array
  readonly timestamps?: BigInt64Array
  readonly headers?: readonly (readonly Header[])[]
  /** Behind those, or behind the ones that came. */
  readonly added?: readonly AddedHeader[]
}

const DATA_PROBLEMS = new Set(['record.malformed', 'record.schema', 'schema.unknown', 'schema.invalid'])

/**
 * The records of one fetch of a partition, or of one poll, until they are committed. Key and value are sides (bytes
 * until somebody needs more); topic, timestamp and headers are the origin's until a transform replaces them.
 */
export class Batch implements RecordBatch {
  readonly length: number
  readonly sourceTopic: string
  readonly sourcePartition: number
  readonly origin: Origin
  readonly states: RowStates
  readonly sides: Sides
  readonly changes: Changes

  constructor(origin: Origin, states: RowStates, sides: Sides, changes: Changes = {}) {
    this.length = origin.length
    this.sourceTopic = origin.topic
    this.sourcePartition = origin.partition
    this.origin = origin
    this.states = states
    this.sides = sides
    this.changes = changes
  }

  sourceOffset(row: number): bigint {
    return this.origin.offset(row)
  }

  topic(row: number): string {
    return this.changes.topics?.[row] ?? this.origin.targetTopic(row)
  }

  /** The partition a row is on its way to; −1 where its key decides. */
  partition(row: number): number {
    return this.changes.partitions?.[row] ?? this.origin.targetPartition(row)
  }

  timestamp(row: number): bigint {
    return this.changes.timestamps?.[row] ?? this.origin.timestamp(row)
  }

  headers(row: number): readonly Header[] {
    const { headers, added = [] } = this.changes
    const before = headers?.[row] ?? this.origin.headers(row)
    return added.length === 0 ? before : [...before, ...added.flatMap((each) => headerAt(each, row))]
  }

  isNull(side: SideName, row: number): boolean {
    return this.sides[side].isNull(row)
  }

  schema(side: SideName, row: number): Schema | null {
    return this.sides[side].schema(row, this.#failOn(side))
  }

  value(side: SideName, row: number): Value {
    return this.sides[side].value(row, this.#failOn(side))
  }

  record(row: number): SinkRecord {
    return {
      topic: this.topic(row),
      partition: this.partition(row),
      timestamp: this.timestamp(row),
      headers: this.headers(row),
      keySchema: this.schema('key', row),
      key: this.value('key', row),
      valueSchema: this.schema('value', row),
      value: this.value('value', row),
    }
  }

  detached(): Batch {
    return new Batch(this.origin, this.states.copy(), this.sides, this.changes)
  }

  column<R extends ColumnRequest>(side: SideName, field: string, request: R, optional = false): ColumnFor<R> {
    return this.sides[side].column(field, request, this.states, this.#failOn(side), optional)
  }

  append(side: SideName, fields: readonly Field[], columns: readonly Column[]): Batch {
    const appended = this.sides[side].append(fields, columns, this.states, this.#failOn(side))
    return new Batch(this.origin, this.states, { ...this.sides, [side]: appended }, this.changes)
  }

  withRecords(records: readonly (SinkRecord | undefined)[]): Batch {
    for (let row = 0; row < this.length; row++) {
      if (records[row] === undefined && this.isLive(row)) this.drop(row)
    }
    const all = Array.from({ length: this.length }, (_, row) => records[row])
    const sides = {
      key: recordsSide(
        all.map((r) => r?.keySchema ?? null),
        all.map((r) => r?.key ?? null),
      ),
      value: recordsSide(
        all.map((r) => r?.valueSchema ?? null),
        all.map((r) => r?.value ?? null),
      ),
    }
    return new Batch(this.origin, this.states, sides, {
      topics: all.map((r) => r?.topic ?? this.sourceTopic),
      partitions: Int32Array.from(all, (r) => r?.partition ?? this.sourcePartition),
      timestamps: BigInt64Array.from(all, (r) => r?.timestamp ?? -1n),
      headers: all.map((r) => r?.headers ?? []),
    })
  }

  withData(side: SideName, schemas: readonly (Schema | null)[], values: readonly Value[]): Batch {
    const sides = { ...this.sides, [side]: recordsSide(schemas, values) }
    return new Batch(this.origin, this.states, sides, this.changes)
  }

  withTopics(topics: readonly (string | undefined)[]): Batch {
    const all = Array.from({ length: this.length }, (_, row) => topics[row] ?? this.topic(row))
    return this.#changed({ topics: all })
  }

  withTimestamps(timestamps: BigInt64Array): Batch {
    return this.#changed({ timestamps })
  }

  withHeaders(headers: readonly (readonly Header[] | undefined)[]): Batch {
    const all = Array.from({ length: this.length }, (_, row) => headers[row] ?? this.headers(row))
    return this.#changed({ headers: all, added: [] })
  }

  #changed(changes: Changes): Batch {
    return new Batch(this.origin, this.states, this.sides, { ...this.changes, ...changes })
  }

  withHeader(key: string, column: StringColumn | CategoryColumn): Batch {
    const added = [...(this.changes.added ?? []), addedHeader(key, column)]
    return new Batch(this.origin, this.states, this.sides, { ...this.changes, added })
  }

  isLive(row: number): boolean {
    return this.states.isLive(row)
  }

  drop(row: number): void {
    this.states.drop(row)
  }

  fail(row: number, error: ConnectError): void {
    this.states.fail(row, error)
  }

  failure(row: number): ConnectError | undefined {
    return this.states.failure(row)?.error
  }

  /** Broken bytes are the converter's matter, whichever plugin was the first to look at them. */
  #failOn(side: SideName) {
    return (row: number, error: ConnectError): void => {
      if (error.stage === undefined && DATA_PROBLEMS.has(error.code)) {
        const stage = side === 'key' ? 'KEY_CONVERTER' : 'VALUE_CONVERTER'
        this.states.fail(row, new DataError(error.code, error.message, { stage, cause: error.cause }))
      } else this.states.fail(row, error)
    }
  }
}
