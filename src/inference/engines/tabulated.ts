import { allLeaves, bin, type MaskTable, mergeTables, numberLeaves, tabulateFeature } from './leaf-masks.ts'
import { treeCount, type TreeColumns, type TreeEngine, type TreeEnsemble } from './tree-ensemble.ts'

/** Trees with more leaves than this many 32-bit words hold are walked. */
const MAX_WORDS = 4
const MAX_TABLE_BYTES = 64 * 2 ** 20
/** Small tables are merged while the result has no more bins than this. */
const MAX_MERGED_BINS = 512
const MAX_MERGED_BYTES = 2 ** 20
/** Rows binned at a time: their starts stay in the first-level cache. */
const CHUNK = 256
/** Tables that one pass over the trees reads. */
const LANES = 8

/**
 * Tabulated leaf masks (after QuickScorer, Lucchese et al., SIGIR 2015). For every bin of every feature and every tree a
 * table holds the leaves that the feature's tests leave reachable; the AND over all features leaves exactly the one
 * leaf that a walk would reach, as every other leaf is removed where its path parts from the row's. Missing values,
 * level sets and unseen levels are bins like any other. Gives the walk's sums bit for bit.
 *
 * Null where trees have too many leaves, or the tables would be too large: such an ensemble is walked.
 */
export function createTabulated(e: TreeEnsemble): TreeEngine | null {
  const leaves = numberLeaves(e)
  const words = Math.ceil(leaves.most / 32)
  const binnings = bin(e)
  const columns = treeCount(e) * words
  const bytes = binnings.reduce((sum, binning) => sum + binning.bins * columns * 4, 0)
  if (words > MAX_WORDS || bytes > MAX_TABLE_BYTES) return null
  const all = allLeaves(e, leaves, words)
  const tables = binnings
    .map((binning, feature) => tabulateFeature(e, feature, { leaves, all, binning }))
    .filter((table) => table !== null)
  return new Tabulated(e, merge(tables, columns), all)
}

/** Merges the two smallest tables as long as that stays small. */
function merge(tables: MaskTable[], columns: number): MaskTable[] {
  let sorted = tables
  for (;;) {
    sorted = sorted.toSorted((a, b) => a.bins - b.bins)
    const [a, b, ...others] = sorted
    if (a === undefined || b === undefined) return sorted
    const bins = a.bins * b.bins
    if (bins > MAX_MERGED_BINS || bins * columns * 4 > MAX_MERGED_BYTES) return sorted
    sorted = [mergeTables(a, b), ...others]
  }
}

class Tabulated implements TreeEngine {
  readonly name = 'tabulated'
  readonly #e: TreeEnsemble
  readonly #words: number
  readonly #columns: number
  readonly #tables: readonly { readonly table: MaskTable; readonly base: number }[]
  /** All tables one after the other, then a row of all leaves, then one for what earlier passes left. */
  readonly #masks: Int32Array
  readonly #left: number
  /** The value of leaf i of the word w of tree t stands at ((t · words + w) · 32 + i). */
  readonly #values: Float64Array
  /** Where the row at hand has its masks; lanes without a table stay on the row of all leaves. */
  readonly #lanes: Int32Array
  /** starts[table · CHUNK + row]: where the masks of the row's bin begin. */
  readonly #starts: Int32Array

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
    this.#left = base + this.#columns
    this.#masks = new Int32Array(base + 2 * this.#columns)
    this.#masks.set(all, base)
    for (const placed of this.#tables) this.#masks.set(placed.table.masks, placed.base)
    this.#values = leafValues(e, this.#words)
    this.#starts = new Int32Array(tables.length * CHUNK)
  }

  sum(columns: TreeColumns, length: number, sums: Float64Array): void {
    const { outputs, firstTree } = this.#e
    const kernel = this.#words > 1 ? sumWords : this.#tables.length <= 4 ? sumFourLanes : sumEightLanes
    for (let from = 0; from < length; from += CHUNK) {
      const count = Math.min(CHUNK, length - from)
      this.#bin(columns, from, count)
      for (let i = 0; i < count; i++) {
        this.#loadLanes(i)
        for (let k = 0; k < outputs; k++) {
          const trees = { from: firstTree[k]!, to: firstTree[k + 1]!, words: this.#words }
          sums[k * length + from + i] = kernel(this.#masks, this.#values, this.#lanes, trees)
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

  /** Where the row's masks begin in each table; tables beyond the last lane are ANDed into one first. */
  #loadLanes(i: number): void {
    const lanes = this.#lanes
    const count = this.#tables.length
    for (let g = 0; g < lanes.length && g < count; g++) lanes[g] = this.#starts[g * CHUNK + i]!
    if (count <= lanes.length) return
    const masks = this.#masks
    const left = this.#left
    const columns = this.#columns
    masks.fill(-1, left, left + columns)
    for (let g = lanes.length - 1; g < count; g++) {
      const start = this.#starts[g * CHUNK + i]!
      for (let c = 0; c < columns; c++) masks[left + c]! &= masks[start + c]!
    }
    lanes[lanes.length - 1] = left
  }
}

interface Trees {
  readonly from: number
  readonly to: number
  readonly words: number
}

/** Exactly one bit is left of the AND: the leaf's. */
function sumFourLanes(
  masks: Int32Array,
  values: Float64Array,
  lanes: Int32Array,
  { from, to }: Trees,
): number {
  const a = lanes[0]!
  const b = lanes[1]!
  const c = lanes[2]!
  const d = lanes[3]!
  let sum = 0
  for (let t = from; t < to; t++) {
    const leaf = masks[a + t]! & masks[b + t]! & masks[c + t]! & masks[d + t]!
    sum += values[(t << 5) + 31 - Math.clz32(leaf)]!
  }
  return sum
}

function sumEightLanes(
  masks: Int32Array,
  values: Float64Array,
  lanes: Int32Array,
  { from, to }: Trees,
): number {
  const a = lanes[0]!
  const b = lanes[1]!
  const c = lanes[2]!
  const d = lanes[3]!
  const e = lanes[4]!
  const f = lanes[5]!
  const g = lanes[6]!
  const h = lanes[7]!
  let sum = 0
  for (let t = from; t < to; t++) {
    const first = masks[a + t]! & masks[b + t]! & masks[c + t]! & masks[d + t]!
    const leaf = first & masks[e + t]! & masks[f + t]! & masks[g + t]! & masks[h + t]!
    sum += values[(t << 5) + 31 - Math.clz32(leaf)]!
  }
  return sum
}

function sumWords(
  masks: Int32Array,
  values: Float64Array,
  lanes: Int32Array,
  { from, to, words }: Trees,
): number {
  let sum = 0
  for (let t = from; t < to; t++) {
    for (let at = t * words; at < (t + 1) * words; at++) {
      let leaf = -1
      for (let lane = 0; lane < LANES; lane++) leaf &= masks[lanes[lane]! + at]!
      if (leaf === 0) continue
      sum += values[(at << 5) + 31 - Math.clz32(leaf)]!
      break
    }
  }
  return sum
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
