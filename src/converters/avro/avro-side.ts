import type { Column, ColumnFor, ColumnRequest, FailRow, LiveRows, Side } from '../../api/batch.ts'
import { ConnectError } from '../../api/errors.ts'
import type { Field, Schema, Value } from '../../api/schema.ts'
import { appendTo, guarded } from '../records-side.ts'
import { extendSchema } from '../schema-extension.ts'
import {
  columnValue,
  draftColumn,
  type ColumnDraft,
  fieldExists,
  finishColumn,
  missingField,
  notAStruct,
  setColumn,
} from '../value-columns.ts'
import type { AvroRows } from './avro-rows.ts'
import { fillColumn } from './field-columns.ts'

/** Fields that one `append` added, as columns. */
export interface Appended {
  readonly fields: readonly Field[]
  readonly columns: readonly Column[]
}

/**
 * Keys or values that stay Avro bytes: columns are read in place, and appended fields are kept beside the bytes until
 * they are spliced. Objects are made only where somebody asks for a whole value.
 */
export class AvroSide implements Side {
  readonly length: number
  readonly rows: AvroRows
  readonly appended: readonly Appended[]

  constructor(rows: AvroRows, appended: readonly Appended[] = []) {
    this.length = rows.length
    this.rows = rows
    this.appended = appended
  }

  isNull(row: number): boolean {
    return this.rows.isNull(row)
  }

  schema(row: number, fail: FailRow): Schema | null {
    const writer = this.rows.writers[this.rows.writerOf[row]!]
    if (writer === undefined) return null
    let schema: Schema | null = null
    guarded(row, fail, () => {
      schema = this.appended.reduce((base, { fields }) => extendSchema(base, fields), writer.connect())
    })
    return schema
  }

  value(row: number, fail: FailRow): Value {
    let value: Value = null
    if (this.isNull(row)) return value
    guarded(row, fail, () => {
      const decoded = this.rows.decode(row)
      value = decoded
      if (decoded === null) return
      for (const { fields, columns } of this.appended) value = appendTo(value, null, row, fields, columns)
    })
    return value
  }

  column<R extends ColumnRequest>(
    field: string,
    request: R,
    rows: LiveRows,
    fail: FailRow,
    optional = false,
  ): ColumnFor<R> {
    this.rows.walkLive(rows, fail)
    const draft = draftColumn(field, request, this.length)
    const appended = this.#appendedColumn(field)
    for (const [index, writer] of this.rows.writers.entries()) {
      const found = this.rows.walkedRows(index, rows)
      const refuse = (error: () => ConnectError) => {
        for (let i = 0; i < found.count; i++) fail(found.rows[i]!, error())
      }
      const place = writer.fieldIndex.get(field)
      if (writer.record === null) refuse(() => notAStruct(writer.root.name))
      else if (place !== undefined) this.#fill(draft, index, place, found, fail)
      else if (appended !== undefined) fillAppended(draft, appended, found, fail)
      else if (!optional) refuse(() => missingField(field))
    }
    return finishColumn<R>(draft)
  }

  #fill(
    draft: ColumnDraft,
    index: number,
    place: number,
    found: { rows: Int32Array; count: number },
    fail: FailRow,
  ): void {
    const { reader, positions, stride, slices } = this.rows
    const writer = this.rows.writers[index]!
    const from = {
      ...found,
      reader,
      positions,
      stride,
      field: place,
      ends: slices.end,
      node: writer.plan.nodes[place]!,
    }
    try {
      fillColumn(draft, from, () => writer.fieldSchema(place), fail)
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error
      for (let i = 0; i < found.count; i++) fail(found.rows[i]!, error)
    }
  }

  #appendedColumn(name: string): { field: Field; column: Column } | undefined {
    for (const { fields, columns } of this.appended) {
      const place = fields.findIndex((field) => field.name === name)
      if (place >= 0) return { field: fields[place]!, column: columns[place]! }
    }
    return undefined
  }

  append(fields: readonly Field[], columns: readonly Column[], rows: LiveRows, fail: FailRow): AvroSide {
    const doubled = fields.find((field) => this.#appendedColumn(field.name) !== undefined)
    for (const [index, writer] of this.rows.writers.entries()) {
      const taken = doubled ?? fields.find((field) => writer.fieldIndex.has(field.name))
      if (writer.record !== null && taken === undefined) continue
      for (let row = 0; row < this.length; row++) {
        if (this.rows.writerOf[row] !== index || !rows.isLive(row)) continue
        fail(row, writer.record === null ? notAStruct(writer.root.name) : fieldExists(taken!.name))
      }
    }
    for (const [i, field] of fields.entries()) checkAppended(columns[i]!, field, this, rows, fail)
    return new AvroSide(this.rows, [...this.appended, { fields, columns }])
  }
}

/** Fails the rows whose new value its field's schema does not allow, as the plain form does. */
function checkAppended(column: Column, field: Field, side: Side, rows: LiveRows, fail: FailRow): void {
  const safe = field.schema.optional && field.schema.type === 'FLOAT64' && column.type === 'float64'
  if (safe) return
  const known = column.type === 'category' ? column.domain.length : 0
  for (let row = 0; row < side.length; row++) {
    if (column.type === 'category' && field.schema.optional) {
      const level = column.levels[row]!
      if (level >= -1 && level < known) continue
    }
    if (side.isNull(row) || !rows.isLive(row)) continue
    guarded(row, fail, () => columnValue(column, row, field.name, field.schema))
  }
}

function fillAppended(
  draft: ColumnDraft,
  { field, column }: { field: Field; column: Column },
  found: { rows: Int32Array; count: number },
  fail: FailRow,
): void {
  for (let i = 0; i < found.count; i++) {
    const row = found.rows[i]!
    guarded(row, fail, () =>
      setColumn(draft, row, columnValue(column, row, field.name, field.schema), field.schema),
    )
  }
}
