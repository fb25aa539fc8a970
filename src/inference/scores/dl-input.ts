import type { TreeColumns } from '../engines/tree-ensemble.ts'
import type { SparseRows } from './dl-layers.ts'

/** How H2O's Deep Learning lays out a row for its first layer: one block per category, then the numbers. */
export interface DlInputs {
  /** Where each category's block starts, and where the last one ends. */
  readonly catOffsets: readonly number[]
  /** False: a category's first level is all zero. */
  readonly useAllLevels: boolean
  /** A missing category: the last of its block (a MOJO), or all zero (a POJO). */
  readonly missing: 'last' | 'zero'
  readonly numbers: number
  /** (x − sub) · mul; null where numbers are taken as they are. */
  readonly standardization: { readonly sub: readonly number[]; readonly mul: readonly number[] } | null
}

/** The inputs of a row that may differ from 0, in entries of four. A missing number is 0 after standardisation: the mean. */
export function expandRows(inputs: DlInputs, columns: TreeColumns, length: number): SparseRows {
  const cats = inputs.catOffsets.length - 1
  const width = Math.ceil((cats + inputs.numbers) / 4) * 4
  const rows = { width, columns: new Int32Array(length * width), values: new Float64Array(length * width) }
  for (let c = 0; c < cats; c++) expandCategory(inputs, c, columns[c]!, rows)
  for (let n = 0; n < inputs.numbers; n++) expandNumber(inputs, n, columns[cats + n]!, rows)
  return rows
}

function expandCategory(inputs: DlInputs, c: number, levels: TreeColumns[number], rows: SparseRows): void {
  const [start, end] = [inputs.catOffsets[c]!, inputs.catOffsets[c + 1]!]
  const skipped = inputs.useAllLevels ? 0 : 1
  for (let r = 0, at = c; r < levels.length; r++, at += rows.width) {
    const level = levels[r]!
    if (level < 0 && inputs.missing === 'zero') continue
    const column = level < 0 ? end - 1 : Math.min(start + level - skipped, end - 1)
    if (column < start) continue
    rows.columns[at] = column
    rows.values[at] = 1
  }
}

function expandNumber(inputs: DlInputs, n: number, numbers: TreeColumns[number], rows: SparseRows): void {
  const cats = inputs.catOffsets.length - 1
  const column = inputs.catOffsets[cats]! + n
  const sub = inputs.standardization?.sub[n] ?? 0
  const mul = inputs.standardization?.mul[n] ?? 1
  for (let r = 0, at = cats + n; r < numbers.length; r++, at += rows.width) {
    const x = numbers[r]!
    rows.columns[at] = column
    rows.values[at] = Number.isNaN(x) ? 0 : (x - sub) * mul
  }
}
