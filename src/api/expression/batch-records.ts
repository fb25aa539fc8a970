import type { RecordBatch, SideName } from '../batch.ts'
import type { Value } from '../schema.ts'
import { ExpressionError } from './expression-error.ts'
import type { ExpressionRecord, Frame, Needs, VariableName } from './scope.ts'
import { timestampOf } from './times.ts'
import { aKind, CelMap, type CelValue, celValue, fieldSchema, kindOf } from './values.ts'

const NO_TIMESTAMP = -1n

type Columns = ReadonlyMap<string, readonly Value[]>

/** The records of a batch, one at a time, for an expression that needs certain parts of them. */
export class BatchRecords implements ExpressionRecord {
  readonly #batch: RecordBatch
  readonly #columns: Readonly<Record<SideName, Columns | undefined>>
  #row = 0

  constructor(batch: RecordBatch, needs: Needs) {
    this.#batch = batch
    this.#columns = { key: columnsOf(batch, 'key', needs), value: columnsOf(batch, 'value', needs) }
  }

  at(row: number, frame: Frame): Frame {
    this.#row = row
    return frame
  }

  field(side: SideName, name: string): CelValue | undefined {
    const column = this.#columns[side]?.get(name)
    if (column === undefined) return this.#fieldOfWhole(side, name)
    const schema = fieldSchema(this.#batch.schema(side, this.#row), name)
    return schema === null ? undefined : celValue(column[this.#row] ?? null, schema)
  }

  #fieldOfWhole(side: SideName, name: string): CelValue | undefined {
    const whole = this.#side(side)
    return whole instanceof CelMap ? whole.get(name) : undefined
  }

  whyMissing(side: SideName, name: string): string {
    const whole = this.#side(side)
    const what =
      whole instanceof CelMap
        ? `There is no field ${name}`
        : `The ${side} is ${aKind(kindOf(whole))}, and has no field ${name}`
    return `${what}. Ask before: has(${side}.${name}) && …`
  }

  #side(side: SideName): CelValue {
    const value = this.#batch.value(side, this.#row)
    // the converter has said why it cannot be read
    const failure = this.#batch.failure(this.#row)
    if (failure !== undefined) throw failure
    return celValue(value, this.#batch.schema(side, this.#row))
  }

  variable(name: VariableName): CelValue {
    switch (name) {
      case 'key':
      case 'value':
        return this.#side(name)
      case 'headers':
        return headersOf(this.#batch, this.#row)
      case 'topic':
        return this.#batch.topic(this.#row)
      case 'partition':
        return BigInt(this.#batch.sourcePartition)
      case 'offset':
        return this.#batch.sourceOffset(this.#row)
      case 'timestamp':
        return timestampAt(this.#batch, this.#row)
    }
  }
}

/** The fields that are needed, where all records have the schema of a struct; else each is decoded as a whole. */
function columnsOf(batch: RecordBatch, side: SideName, needs: Needs): Columns | undefined {
  const names = needs[side]
  if (names === 'all' || names.size === 0) return undefined
  for (let row = 0; row < batch.length; row++) {
    if (!batch.isLive(row) || batch.isNull(side, row)) continue
    const schema = batch.schema(side, row)
    if (batch.isLive(row) && schema?.type !== 'STRUCT') return undefined
  }
  return new Map(Array.from(names, (name) => [name, batch.column(side, name, 'value', true).values]))
}

/** The last of each name counts, as Connect's `lastWithName` has it; the values are text. */
function headersOf(batch: RecordBatch, row: number): CelMap {
  const texts = new Map<Value, Value>()
  for (const { key, value } of batch.headers(row)) texts.set(key, value === null ? null : value.toString())
  return new CelMap(texts, null)
}

function timestampAt(batch: RecordBatch, row: number): Date | null {
  const milliseconds = batch.timestamp(row)
  if (milliseconds === NO_TIMESTAMP) return null
  const time = timestampOf(milliseconds)
  if (time === undefined) throw new ExpressionError('The timestamp of the record is beyond what one can be')
  return time
}
