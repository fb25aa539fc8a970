import {
  type CategoryColumn,
  type Column,
  type Float64Column,
  type ModelColumn,
  type Scores,
  type TensorColumn,
} from 'sluice'

/** The scores that one model gave for some rows. */
export interface Part {
  readonly rows: Int32Array
  readonly scores: Scores
}

/** The rows that each of `count` models was chosen for, in order. */
export function rowsOf(chosen: Int32Array, count: number): Int32Array[] {
  const sizes = new Int32Array(count)
  for (const at of chosen) sizes[at]!++
  const rows = Array.from(sizes, (size) => new Int32Array(size))
  sizes.fill(0)
  chosen.forEach((at, row) => (rows[at]![sizes[at]!++] = row))
  return rows
}

/** A column with these rows alone. */
export function gather(column: ModelColumn, rows: Int32Array): ModelColumn {
  switch (column.type) {
    case 'float64':
      return gatherNumbers(column, rows)
    case 'category':
      return { ...column, levels: rows.map((row) => column.levels[row]!) }
    case 'string':
      return { type: 'string', values: Array.from(rows, (row) => column.values[row] ?? null) }
    case 'value':
      return { type: 'value', values: Array.from(rows, (row) => column.values[row] ?? null) }
    case 'tensor':
      return gatherTensor(column, rows)
  }
}

function gatherNumbers({ values, present, exact }: Float64Column, rows: Int32Array): Column {
  const gathered = { values: new Float64Array(rows.length), present: new Uint8Array(rows.length) }
  rows.forEach((row, i) => {
    gathered.values[i] = values[row]!
    gathered.present[i] = present[row]!
  })
  const digits = exact === undefined ? {} : { exact: BigInt64Array.from(rows, (row) => exact[row]!) }
  return { type: 'float64', ...gathered, ...digits }
}

function gatherTensor(column: TensorColumn, rows: Int32Array): TensorColumn {
  const size = column.shape.reduce((product, each) => product * each, 1)
  const data = column.data.slice(0, rows.length * size)
  const exact = column.exact?.slice(0, rows.length * size)
  rows.forEach((row, i) => {
    for (let k = 0; k < size; k++) {
      data[i * size + k] = column.data[row * size + k]!
      if (exact !== undefined) exact[i * size + k] = column.exact?.[row * size + k] ?? 0n
    }
  })
  return { ...column, data, ...(exact === undefined ? {} : { exact }) }
}

/** The scores of `length` rows, each from the part that has it. */
export function scatter(parts: readonly Part[], length: number): Scores {
  const [first] = parts
  if (first === undefined) throw new RangeError('no scores')
  const numbers = (columnOf: (scores: Scores) => Float64Column | undefined): Float64Column => {
    const column: Float64Column = {
      type: 'float64',
      values: new Float64Array(length).fill(NaN),
      present: new Uint8Array(length),
      ...(columnOf(first.scores)?.exact === undefined ? {} : { exact: new BigInt64Array(length) }),
    }
    for (const { rows, scores } of parts) {
      const from = columnOf(scores)
      rows.forEach((row, i) => {
        column.values[row] = from?.values[i] ?? NaN
        column.present[row] = from?.present[i] ?? 0
        if (column.exact !== undefined) column.exact[row] = from?.exact?.[i] ?? 0n
      })
    }
    return column
  }
  const outputs = first.scores.outputs.map((_, k) => numbers((scores) => scores.outputs[k]))
  const found = parts.flatMap(({ rows, scores }) =>
    [...(scores.problems ?? [])].map(([i, said]) => [rows[i]!, said] as const),
  )
  const calibrated = first.scores.calibrated?.map((_, k) => numbers((scores) => scores.calibrated?.[k]))
  const more = {
    ...(calibrated === undefined ? {} : { calibrated }),
    ...(found.length > 0 ? { problems: new Map(found) } : {}),
  }
  const { prediction } = first.scores
  if (prediction.type === 'float64') {
    return {
      prediction: numbers((scores) => (scores.prediction.type === 'float64' ? scores.prediction : undefined)),
      outputs,
      ...more,
    }
  }
  return { prediction: scatterLevels(parts, prediction.domain, length), outputs, ...more }
}

/** Models that share records have the same labels in the same order. */
function scatterLevels(parts: readonly Part[], domain: readonly string[], length: number): CategoryColumn {
  const levels = new Int32Array(length).fill(-1)
  for (const { rows, scores } of parts) {
    const { prediction } = scores
    if (prediction.type === 'category') rows.forEach((row, i) => (levels[row] = prediction.levels[i] ?? -1))
  }
  return { type: 'category', domain, levels }
}
