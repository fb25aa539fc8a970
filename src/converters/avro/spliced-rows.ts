import type { Column, FailRow } from '../../api/batch.ts'
import type { EncodedRows } from '../../api/converter.ts'
import { ConnectError, DataError } from '../../api/errors.ts'
import type { Field } from '../../api/schema.ts'
import { ByteWriter } from '../byte-writer.ts'
import { copyBytes } from '../packed-rows.ts'
import { HEADER } from './avro-rows.ts'
import type { AvroSide } from './avro-side.ts'
import type { OutputSchema, OutputSchemas } from './output-schemas.ts'
import { TailWriter } from './tails.ts'

/**
 * Encodes rows that are Avro already: the id of the output schema, the payload as it came, and the appended fields'
 * bytes. Nothing unvalidated is spliced: every row has been walked to its end.
 */
export async function encodeSpliced(
  topic: string,
  side: AvroSide,
  rows: Int32Array,
  outputs: OutputSchemas,
  fail: FailRow,
): Promise<EncodedRows> {
  const avro = side.rows
  const fields: Field[] = side.appended.flatMap((appended) => appended.fields)
  const columns: Column[] = side.appended.flatMap((appended) => appended.columns)
  const ids = new Int32Array(side.length).fill(-1)
  const tails = { start: new Int32Array(side.length), end: new Int32Array(side.length) }
  const out = new ByteWriter(Math.max(64, rows.length * fields.length * 10))
  for (const [index, writer] of avro.writers.entries()) {
    const found = new Int32Array(rows.length)
    let count = 0
    for (const row of rows) {
      if (avro.writerOf[row] === index && avro.walk(row, fail)) found[count++] = row
    }
    if (count === 0) continue
    const mine = found.subarray(0, count)
    const output = await outputOr(() => outputs.ofWriter(topic, writer, fields), mine, fail)
    if (output === null) continue
    for (const row of mine) ids[row] = output.id
    if (fields.length === 0) continue
    if (writer.record === null) continue // each of them failed when the fields were appended
    new TailWriter(fields, columns, output.appended).writeRows(mine, count, tails, out, fail)
  }
  return new SplicedRows(side, ids, tails.start, tails.end, out.bytes)
}

/** An output schema; where there is none for data's sake (a name Avro does not allow), the rows fail. */
export async function outputOr(
  ask: () => Promise<OutputSchema>,
  rows: Int32Array,
  fail: FailRow,
): Promise<OutputSchema | null> {
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    for (const row of rows) fail(row, new ConnectRowError(error))
    return null
  }
}

/** The same error for another row: each row has its own. */
class ConnectRowError extends DataError {
  constructor(error: ConnectError) {
    super(error.code, error.message, { cause: error })
    this.name = 'DataError'
  }
}

class SplicedRows implements EncodedRows {
  readonly #bytes: Buffer
  readonly #start: Int32Array
  readonly #end: Int32Array
  /** Per row: the output schema's id; −1 for a row that is null. */
  readonly #ids: Int32Array
  readonly #tails: Buffer
  readonly #tailStart: Int32Array
  readonly #tailEnd: Int32Array

  constructor(side: AvroSide, ids: Int32Array, tailStart: Int32Array, tailEnd: Int32Array, tails: Buffer) {
    const { bytes, start, end } = side.rows.slices
    this.#bytes = bytes
    this.#start = start
    this.#end = end
    this.#ids = ids
    this.#tails = tails
    this.#tailStart = tailStart
    this.#tailEnd = tailEnd
  }

  size(row: number): number {
    if (this.#ids[row]! < 0) return -1
    return this.#end[row]! - this.#start[row]! + this.#tailEnd[row]! - this.#tailStart[row]!
  }

  write(row: number, target: Buffer, at: number): number {
    writeHeader(this.#ids[row]!, target, at)
    const payloadEnd = copyBytes(
      this.#bytes,
      this.#start[row]! + HEADER,
      this.#end[row]!,
      target,
      at + HEADER,
    )
    return copyBytes(this.#tails, this.#tailStart[row]!, this.#tailEnd[row]!, target, payloadEnd)
  }
}

/** Confluent's wire format: a zero byte and the schema id, big-endian. */
export function writeHeader(id: number, target: Buffer, at: number): void {
  target[at] = 0
  target[at + 1] = id >>> 24
  target[at + 2] = id >>> 16
  target[at + 3] = id >>> 8
  target[at + 4] = id
}
