/**
 * Numbers each value of a column by what the ensemble's tests can tell apart: a number by how many thresholds are at
 * or below it, a level by itself, and what is missing by a last bin of its own.
 */
export interface Binning {
  /** How many bins there are, the one for missing values (the last) included. */
  readonly bins: number
  /** Adds `bin * stride` for the values from `from` on to `starts[at]`, `starts[at + 1]`, … */
  add(values: Float64Array | Int32Array, from: number, target: BinTarget): void
}

export interface BinTarget {
  readonly starts: Int32Array
  readonly at: number
  readonly count: number
  readonly stride: number
}

export function binLevels(levels: number): Binning {
  return {
    bins: levels + 1,
    add(values, from, { starts, at, count, stride }) {
      for (let i = 0; i < count; i++) {
        const level = values[from + i]!
        starts[at + i]! += (level >= 0 && level < levels ? level : levels) * stride
      }
    },
  }
}

/** `thresholds` are distinct, ascending and without NaN. */
export function binNumbers(thresholds: Float64Array): Binning {
  const grid = createGrid(thresholds)
  const missing = thresholds.length + 1
  return {
    bins: missing + 1,
    add(values, from, { starts, at, count, stride }) {
      for (let i = 0; i < count; i++) {
        const x = values[from + i]!
        starts[at + i]! += (x === x ? rank(grid, x) : missing) * stride
      }
    },
  }
}

/**
 * Equal cells from the lowest to the highest threshold, so that a rank is found by looking into one cell. The cell of a
 * value grows with the value (rounding is monotone), so thresholds of lower cells are below it and those of higher
 * cells above: the rank is exact, whatever the rounding.
 */
interface Grid {
  readonly thresholds: Float64Array
  readonly low: number
  readonly scale: number
  /** The first threshold of each cell, and the number of thresholds at the end. */
  readonly first: Int32Array
}

function createGrid(thresholds: Float64Array): Grid {
  const cells = Math.max(1, Math.min(4096, thresholds.length * 4))
  const low = thresholds[0] ?? 0
  const scale = cells / (thresholds.at(-1)! - low)
  const grid = {
    thresholds,
    low,
    scale: Number.isFinite(scale) ? scale : 0,
    first: new Int32Array(cells + 1),
  }
  grid.first[cells] = thresholds.length
  for (let k = thresholds.length - 1, cell = cells - 1; cell >= 0; cell--) {
    while (k >= 0 && cellOf(grid, thresholds[k]!) >= cell) k--
    grid.first[cell] = k + 1
  }
  return grid
}

function cellOf({ low, scale, first }: Grid, x: number): number {
  return Math.min(((x - low) * scale) | 0, first.length - 2)
}

/** How many thresholds are at or below x. */
function rank(grid: Grid, x: number): number {
  const { thresholds, first } = grid
  const last = thresholds.length - 1
  if (last < 0 || x < thresholds[0]!) return 0
  if (x >= thresholds[last]!) return last + 1
  const cell = cellOf(grid, x)
  let low = first[cell]!
  let high = first[cell + 1]!
  while (low < high) {
    const middle = (low + high) >> 1
    if (x >= thresholds[middle]!) low = middle + 1
    else high = middle
  }
  return low
}
