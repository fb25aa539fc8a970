import type { MaskTable } from './leaf-masks.ts'
import { treeCount, type TreeColumns, type TreeEnsemble } from './tree-ensemble.ts'

/** Rows binned at a time: their starts stay in the first-level cache. */
const CHUNK = 256
/** Tables that one pass over the trees reads. */
const LANES = 8

/** Some trees with their tables of leaf masks, laid out to be read. */
export class TableBlock {
  readonly #e: TreeEnsemble
  readonly #words: number
  readonly #columns: number
  readonly #tables: readonly { readonly table: MaskTable; readonly base: number }[]
  /** All tables one after the other, then a row of all leaves, then one for what earlier passes left. */
  readonly #masks: Int32Array
  readonly #all: number
  readonly #left: number
  /** The value of leaf i of the word w of tree t stands at ((t · words + w) · 32 + i). */
  readonly #values: Float64Array
  /** Where the row at hand has its masks; lanes without a table stay on the row of all leaves. */
  readonly #lanes: Int32Array
  /** starts[table · CHUNK + row]: where the masks of the row's bin begin. */
  readonly #starts: Int32Array

  /** `all` are the leaves of all trees. */
  constructor(e: TreeEnsemble, tables: readonly MaskTable[], all: Int32Array) {
    this.#e = e
    this.#columns = all.length
    this.#words = all.length / treeCount(e)
    let base = 0
    this.#tables = tables.map((table) => {
      const placed = { table, base }
      base += table.masks.length
      return placed
    })
    this.#lanes = new Int32Array(LANES).fill(base)
    this.#all = base
    this.#left = base + this.#columns
    this.#masks = new Int32Array(base + 2 * this.#columns)
    this.#masks.set(all, base)
    for (const placed of this.#tables) this.#masks.set(placed.table.masks, placed.base)
    this.#values = leafValues(e, this.#words)
    this.#starts = new Int32Array(tables.length * CHUNK)
  }

  get bytes(): number {
    return this.#masks.byteLength
  }

  /** Adds the trees' leaves to the sums, one after the other. */
  add(columns: TreeColumns, length: number, sums: Float64Array): void {
    const { outputs, firstTree } = this.#e
    const kernel = this.#words > 1 ? addWords : this.#tables.length <= 4 ? addFourLanes : addEightLanes
    const masks = this.#masks
    const values = this.#values
    const lanes = this.#lanes
    for (let from = 0; from < length; from += CHUNK) {
      const count = Math.min(CHUNK, length - from)
      this.#bin(columns, from, count)
      for (let i = 0; i < count; i++) {
        this.#loadLanes(i)
        for (let k = 0; k < outputs; k++) {
          const at = k * length + from + i
          const trees = { sum: sums[at]!, from: firstTree[k]!, to: firstTree[k + 1]!, words: this.#words }
          sums[at] = kernel(masks, values, lanes, trees)
        }
      }
    }
  }

  #bin(columns: TreeColumns, from: number, count: number): void {
    const starts = this.#starts
    for (let g = 0; g < this.#tables.length; g++) {
      const { table, base } = this.#tables[g]!
      const at = g * CHUNK
      starts.fill(base, at, at + count)
      for (const { feature, binning, stride } of table.parts) {
        binning.add(columns[feature]!, from, { starts, at, count, stride: stride * this.#columns })
      }
    }
  }

  /** Where the row's masks begin in each table; where tables outnumber lanes, some are ANDed into one first. */
  #loadLanes(i: number): void {
    let next = this.#fillLanes(i, 0)
    while (this.#tables.length > next) {
      andEightLanes(this.#masks, this.#lanes, this.#left, this.#columns)
      next = this.#fillLanes(i, next)
    }
  }

  /** Fills the lanes with the tables from `next` on, and what earlier passes left; returns the first left over. */
  #fillLanes(i: number, next: number): number {
    const lanes = this.#lanes
    let table = next
    for (let lane = 0; lane < LANES; lane++) {
      if (lane === 0 && next > 0) lanes[lane] = this.#left
      else lanes[lane] = table < this.#tables.length ? this.#starts[table++ * CHUNK + i]! : this.#all
    }
    return table
  }
}

function andEightLanes(masks: Int32Array, lanes: Int32Array, target: number, columns: number): void {
  const a = lanes[0]!
  const b = lanes[1]!
  const c = lanes[2]!
  const d = lanes[3]!
  const e = lanes[4]!
  const f = lanes[5]!
  const g = lanes[6]!
  const h = lanes[7]!
  for (let t = 0; t < columns; t++) {
    const first = masks[a + t]! & masks[b + t]! & masks[c + t]! & masks[d + t]!
    masks[target + t] = first & masks[e + t]! & masks[f + t]! & masks[g + t]! & masks[h + t]!
  }
}

interface Trees {
  /** What earlier trees gave. */
  readonly sum: number
  readonly from: number
  readonly to: number
  readonly words: number
}

/** Exactly one bit is left of the AND: the leaf's. */
function addFourLanes(
  masks: Int32Array,
  values: Float64Array,
  lanes: Int32Array,
  { sum, from, to }: Trees,
): number {
  const a = lanes[0]!
  const b = lanes[1]!
  const c = lanes[2]!
  const d = lanes[3]!
  let total = sum
  for (let t = from; t < to; t++) {
    const leaf = masks[a + t]! & masks[b + t]! & masks[c + t]! & masks[d + t]!
    total += values[(t << 5) + 31 - Math.clz32(leaf)]!
  }
  return total
}

function addEightLanes(
  masks: Int32Array,
  values: Float64Array,
  lanes: Int32Array,
  { sum, from, to }: Trees,
): number {
  const a = lanes[0]!
  const b = lanes[1]!
  const c = lanes[2]!
  const d = lanes[3]!
  const e = lanes[4]!
  const f = lanes[5]!
  const g = lanes[6]!
  const h = lanes[7]!
  let total = sum
  for (let t = from; t < to; t++) {
    const first = masks[a + t]! & masks[b + t]! & masks[c + t]! & masks[d + t]!
    const leaf = first & masks[e + t]! & masks[f + t]! & masks[g + t]! & masks[h + t]!
    total += values[(t << 5) + 31 - Math.clz32(leaf)]!
  }
  return total
}

function addWords(
  masks: Int32Array,
  values: Float64Array,
  lanes: Int32Array,
  { sum, from, to, words }: Trees,
): number {
  let total = sum
  for (let t = from; t < to; t++) {
    for (let at = t * words; at < (t + 1) * words; at++) {
      let leaf = -1
      for (let lane = 0; lane < LANES; lane++) leaf &= masks[lanes[lane]! + at]!
      if (leaf === 0) continue
      total += values[(at << 5) + 31 - Math.clz32(leaf)]!
      break
    }
  }
  return total
}

function leafValues(e: TreeEnsemble, words: number): Float64Array {
  const values = new Float64Array(treeCount(e) * words * 32)
  for (let t = 0; t < treeCount(e); t++) {
    let at = t * words * 32
    for (let node = e.roots[t]!; node < e.roots[t + 1]!; node++) {
      if (e.feature[node]! < 0) values[at++] = e.value[node]!
    }
  }
  return values
}
