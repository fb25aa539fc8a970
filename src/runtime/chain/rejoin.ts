import { recordsSide } from '../../converters/records-side.ts'
import type { Side, SideName } from '../../api/batch.ts'
import type { Schema, Value } from '../../api/schema.ts'
import { Batch, type Changes } from '../records/batch.ts'

/**
 * What a transform returned, with the rows that it was not for as they were before. Sides and attributes that it left
 * alone stay as they are, bytes included.
 */
export function rejoin(before: Batch, after: Batch, held: readonly number[]): Batch {
  if (held.length === 0 || after === before) return after
  const others = new Set(held)
  const of = (row: number): Batch => (others.has(row) ? before : after)
  const sides = { key: side('key', before, after, of), value: side('value', before, after, of) }
  return new Batch(after.origin, after.states, sides, { ...after.changes, ...attributes(before, after, of) })
}

type BatchOf = (row: number) => Batch

function side(name: SideName, before: Batch, after: Batch, of: BatchOf): Side {
  if (before.sides[name] === after.sides[name]) return after.sides[name]
  const schemas = new Array<Schema | null>(after.length).fill(null)
  const values = new Array<Value>(after.length).fill(null)
  for (const row of after.states.liveRows()) {
    schemas[row] = of(row).schema(name, row)
    values[row] = of(row).value(name, row)
  }
  return recordsSide(schemas, values)
}

function attributes(before: Batch, after: Batch, of: BatchOf): Changes {
  const differs = (name: keyof Changes): boolean => before.changes[name] !== after.changes[name]
  const rows = Array.from({ length: after.length }, (_, row) => row)
  return {
    ...(differs('topics') && { topics: rows.map((row) => of(row).topic(row)) }),
    ...(differs('partitions') && { partitions: Int32Array.from(rows, (row) => of(row).partition(row)) }),
    ...(differs('timestamps') && { timestamps: BigInt64Array.from(rows, (row) => of(row).timestamp(row)) }),
    ...((differs('headers') || differs('added')) && {
      headers: rows.map((row) => of(row).headers(row)),
      added: [],
    }),
  }
}
