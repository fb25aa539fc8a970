import type { RecordBatch, SinkRecord } from './batch.ts'
import { ConnectError, DataError, messageOf } from './errors.ts'
import type { Transform } from './plugins.ts'

/**
 * An ordinary per-record transform made of a function: it returns the record to go on with, or undefined to drop it.
 * What it throws fails that record alone.
 */
export function mapRecords(map: (record: SinkRecord) => SinkRecord | undefined): Transform {
  return {
    apply(batch: RecordBatch): RecordBatch {
      const records: (SinkRecord | undefined)[] = new Array<SinkRecord | undefined>(batch.length)
      eachRecord(batch, (row) => {
        const record = batch.record(row)
        if (batch.isLive(row)) records[row] = map(record)
      })
      return batch.withRecords(records)
    },
  }
}

/** Visits the rows that are records. What is thrown fails that record alone. */
export function eachRecord(batch: RecordBatch, visit: (row: number) => void): void {
  for (let row = 0; row < batch.length; row++) {
    if (!batch.isLive(row)) continue
    try {
      visit(row)
    } catch (error) {
      batch.fail(
        row,
        error instanceof ConnectError
          ? error
          : new DataError('record.value', messageOf(error), { cause: error }),
      )
    }
  }
}
