import { type Binning, binLevels, binNumbers } from './binning.ts'
import { BY_LEVELS, MISSING_RIGHT, OUTSIDE_RIGHT, treeCount, type TreeEnsemble } from './tree-ensemble.ts'

/** The leaves of each tree numbered from left to right, and which of them each node can reach. */
export interface Leaves {
  /** The most leaves that a tree has. */
  readonly most: number
  /** Leaves `from[node]` to `to[node]` of its tree are below a node. */
  readonly from: Int32Array
  readonly to: Int32Array
}

export function numberLeaves(e: TreeEnsemble): Leaves {
  const nodes = e.feature.length
  const leaves = { from: new Int32Array(nodes), to: new Int32Array(nodes) }
  let most = 0
  for (let t = 0; t < treeCount(e); t++) {
    let count = 0
    for (let node = e.roots[t]!; node < e.roots[t + 1]!; node++) {
      leaves.from[node] = count
      if (e.feature[node]! < 0) count++
    }
    most = Math.max(most, count)
    // Children stand behind their parent, so going backwards meets them first.
    for (let node = e.roots[t + 1]! - 1; node >= e.roots[t]!; node--) {
      leaves.to[node] = e.feature[node]! < 0 ? leaves.from[node]! + 1 : leaves.to[e.right[node]!]!
    }
  }
  return { ...leaves, most }
}

/** The leaves of every tree, as masks: `words` for each tree. */
export function allLeaves(e: TreeEnsemble, leaves: Leaves, words: number): Int32Array {
  const masks = new Int32Array(treeCount(e) * words)
  for (let t = 0; t < treeCount(e); t++) masks.set(wordMasks(0, leaves.to[e.roots[t]!]!, words), t * words)
  return masks
}

/** For each bin of one or more features, and each word of each tree's leaves: the leaves that their tests leave over. */
export interface MaskTable {
  /** The features, the bins of which are combined: bin = Σ bin of feature × its stride. */
  readonly parts: readonly { readonly feature: number; readonly binning: Binning; readonly stride: number }[]
  readonly bins: number
  readonly masks: Int32Array
}

/** How a feature's values are numbered, and by which thresholds. */
export interface FeatureBins extends Binning {
  readonly feature: number
  readonly thresholds: Float64Array
  /** How many splits read it. */
  readonly splits: number
}

/** The bins of each feature that a split reads. */
export function bin(e: TreeEnsemble): FeatureBins[] {
  const found = new Map<number, { splits: number; thresholds: Set<number> }>()
  for (let node = 0; node < e.feature.length; node++) {
    const feature = e.feature[node]!
    if (feature < 0) continue
    const of = found.get(feature) ?? { splits: 0, thresholds: new Set() }
    of.splits++
    if (!Number.isNaN(e.value[node]!)) of.thresholds.add(e.value[node]!)
    found.set(feature, of)
  }
  return Array.from(found, ([feature, { splits, ...values }]) => {
    const thresholds = Float64Array.from(values.thresholds).sort()
    const kind = e.features[feature]!
    return { ...(kind === 'numeric' ? binNumbers(thresholds) : binLevels(kind)), feature, thresholds, splits }
  })
}

/** The table of one feature. `all` are the leaves of all trees. */
export function tabulateFeature(
  e: TreeEnsemble,
  binning: FeatureBins,
  { leaves, all }: { leaves: Leaves; all: Int32Array },
): MaskTable {
  const { feature, bins } = binning
  const columns = all.length
  const words = columns / treeCount(e)
  const masks = new Int32Array(bins * columns)
  for (let b = 0; b < bins; b++) masks.set(all, b * columns)
  const directions = new Uint8Array(bins)
  // A tree's masks are made beside the table, bin by bin, where they stay in the cache.
  const kept = new Int32Array(bins * words)
  for (let t = 0; t < treeCount(e); t++) {
    kept.fill(-1)
    for (let node = e.roots[t]!; node < e.roots[t + 1]!; node++) {
      if (e.feature[node] !== feature) continue
      fillDirections(e, node, directions, binning.thresholds)
      // The leaves on the side that a value does not take are out of reach.
      const [right, left] = [e.right[node]!, node + 1].map((child) =>
        wordMasks(leaves.from[child]!, leaves.to[child]!, words),
      )
      removeLeaves(kept, directions, { ifLeft: right!, ifRight: left! })
    }
    for (let b = 0; b < bins; b++) {
      for (let w = 0; w < words; w++) masks[b * columns + t * words + w]! &= kept[b * words + w]!
    }
  }
  return { parts: [{ feature, binning, stride: 1 }], bins, masks }
}

function removeLeaves(
  kept: Int32Array,
  directions: Uint8Array,
  { ifLeft, ifRight }: { ifLeft: Int32Array; ifRight: Int32Array },
): void {
  const words = ifLeft.length
  for (let w = 0; w < words; w++) {
    const [left, right] = [~ifLeft[w]!, ~ifRight[w]!]
    if ((left & right) === -1) continue
    const other = left ^ right
    // Without a branch, which would be guessed wrong for every other level.
    for (let b = 0, at = w; b < directions.length; b++, at += words)
      kept[at]! &= left ^ (other & -directions[b]!)
  }
}

/** directions[bin] = 1 where the bin's values go right at a split. */
function fillDirections(
  e: TreeEnsemble,
  node: number,
  directions: Uint8Array,
  thresholds: Float64Array,
): void {
  const missing = directions.length - 1
  if ((e.flags[node]! & BY_LEVELS) !== 0) fillFromSet(e, node, directions)
  else if (e.features[e.feature[node]!] !== 'numeric') {
    for (let level = 0; level < missing; level++) directions[level] = Number(level >= e.value[node]!)
  } else {
    // Bin b holds what is at or above thresholds[b − 1]; a threshold of NaN is found nowhere.
    const found = thresholds.indexOf(e.value[node]!)
    directions.fill(0)
    if (found >= 0) directions.fill(1, found + 1)
  }
  directions[missing] = Number((e.flags[node]! & MISSING_RIGHT) !== 0)
}

function fillFromSet(
  { flags, setFrom, setSize, setAt, bits }: TreeEnsemble,
  node: number,
  directions: Uint8Array,
): void {
  directions.fill(Number((flags[node]! & OUTSIDE_RIGHT) !== 0))
  const [from, at] = [setFrom[node]!, setAt[node]!]
  const end = Math.min(directions.length - 1, from + setSize[node]!)
  for (let level = from; level < end; level++) {
    const i = level - from
    directions[level] = (bits[at + (i >> 3)]! >> (i & 7)) & 1
  }
}

function wordMasks(from: number, to: number, words: number): Int32Array {
  const masks = new Int32Array(words)
  for (let leaf = from; leaf < to; leaf++) masks[leaf >> 5]! |= 1 << (leaf & 31)
  return masks
}

/** One table for two: a load less per tree and row, for more bins. */
export function mergeTables(a: MaskTable, b: MaskTable): MaskTable {
  const columns = a.masks.length / a.bins
  const masks = new Int32Array(a.bins * b.bins * columns)
  for (let i = 0, at = 0; i < b.bins; i++) {
    for (let j = 0; j < a.bins; j++) {
      for (let c = 0; c < columns; c++) masks[at++] = a.masks[j * columns + c]! & b.masks[i * columns + c]!
    }
  }
  const parts = [...a.parts, ...b.parts.map((part) => ({ ...part, stride: part.stride * a.bins }))]
  return { parts, bins: a.bins * b.bins, masks }
}
