/** How a column is read: a number, or the number of its levels. */
export type Feature = 'numeric' | number

/** Flags of a split. */
export const MISSING_RIGHT = 1
/** The split asks for a set of levels instead of a threshold. */
export const BY_LEVELS = 2
/** Levels that the set does not cover go right. */
export const OUTSIDE_RIGHT = 4

/**
 * A tree ensemble as flat arrays: what every reader of trees gives and every tree engine runs. Nodes stand in preorder,
 * so a split's left child is the next node. A split sends a value right where `value >= threshold`, or where the set
 * of levels has it; a missing value (NaN, unseen level) goes right where MISSING_RIGHT is set. A threshold of NaN
 * sends every value left. Per row, output k is the sum of the reached leaves of its trees, added in their order.
 */
export interface TreeEnsemble {
  readonly features: readonly Feature[]
  readonly outputs: number
  /** Tree t has the nodes `roots[t]` to `roots[t + 1]` (length: trees + 1). */
  readonly roots: Int32Array
  /** Trees `firstTree[k]` to `firstTree[k + 1]` belong to output k (length: outputs + 1). */
  readonly firstTree: Int32Array
  /** The column that a split reads; −1 for a leaf. */
  readonly feature: Int32Array
  /** A split's threshold or a leaf's value. */
  readonly value: Float64Array
  /** A split's right child; 0 for a leaf. */
  readonly right: Int32Array
  readonly flags: Uint8Array
  /** Level sets: `setFrom` is the first level covered, `setSize` how many, `setAt` where the bits start in `bits`. */
  readonly setFrom: Int32Array
  readonly setSize: Int32Array
  readonly setAt: Int32Array
  readonly bits: Uint8Array
}

/** A batch's columns in the order of `features`: Float64Array (NaN = missing) or Int32Array of levels (< 0 = missing). */
export type TreeColumns = readonly (Float64Array | Int32Array)[]

/** Runs an ensemble over columns. */
export interface TreeEngine {
  readonly name: 'tabulated' | 'walk'
  /** Writes output k of row r to `sums[k * length + r]`. */
  sum(columns: TreeColumns, length: number, sums: Float64Array): void
}

/** Does level number `level` go right at a split by levels? */
export function goesRight(e: TreeEnsemble, node: number, level: number): boolean {
  const i = level - e.setFrom[node]!
  if (i < 0 || i >= e.setSize[node]!) return (e.flags[node]! & OUTSIDE_RIGHT) !== 0
  return ((e.bits[e.setAt[node]! + (i >> 3)]! >> (i & 7)) & 1) === 1
}

/** A set of levels: bit i stands for level `from + i`; without bytes, none of those it covers is in it. */
export interface LevelSet {
  readonly from: number
  readonly size: number
  readonly bytes: Uint8Array | null
  readonly isOutsideRight: boolean
}

const NOT_YET = -1

/** Collects trees node by node, in preorder. */
export class TreeBuilder {
  readonly #features: readonly Feature[]
  readonly #roots: number[] = []
  readonly #firstTree: number[] = []
  readonly #feature: number[] = []
  readonly #value: number[] = []
  readonly #right: number[] = []
  readonly #flags: number[] = []
  readonly #setFrom: number[] = []
  readonly #setSize: number[] = []
  readonly #setAt: number[] = []
  readonly #bytes: Uint8Array[] = []
  #bytesLength = 0
  /** The levels of the largest set without bytes: all such sets share their zeros, which stand last. */
  #emptySize = 0

  constructor(features: readonly Feature[]) {
    this.#features = features
  }

  get nodes(): number {
    return this.#feature.length
  }

  startOutput(): void {
    this.#firstTree.push(this.#roots.length)
  }

  startTree(): void {
    this.#roots.push(this.nodes)
  }

  leaf(value: number): void {
    this.#add(-1, value, 0)
  }

  /** Adds a split and returns its number, to be completed by `rightOf`. */
  threshold(feature: number, threshold: number, isMissingRight: boolean): number {
    return this.#add(feature, threshold, isMissingRight ? MISSING_RIGHT : 0)
  }

  levels(feature: number, set: LevelSet, isMissingRight: boolean): number {
    const flags = BY_LEVELS | (isMissingRight ? MISSING_RIGHT : 0) | (set.isOutsideRight ? OUTSIDE_RIGHT : 0)
    const node = this.#add(feature, 0, flags)
    this.#setFrom[node] = set.from
    this.#setSize[node] = set.size
    if (set.bytes === null) {
      this.#setAt[node] = NOT_YET
      this.#emptySize = Math.max(this.#emptySize, set.size)
    } else {
      this.#setAt[node] = this.#bytesLength
      this.#bytes.push(set.bytes)
      this.#bytesLength += set.bytes.length
    }
    return node
  }

  /** The next node is the right child of `split`. */
  rightOf(split: number): void {
    this.#right[split] = this.nodes
  }

  build(): TreeEnsemble {
    const outputs = this.#firstTree.length
    return {
      features: this.#features,
      outputs,
      roots: new Int32Array([...this.#roots, this.nodes]),
      firstTree: new Int32Array([...this.#firstTree, this.#roots.length]),
      feature: new Int32Array(this.#feature),
      value: new Float64Array(this.#value),
      right: new Int32Array(this.#right),
      flags: new Uint8Array(this.#flags),
      setFrom: new Int32Array(this.#setFrom),
      setSize: new Int32Array(this.#setSize),
      setAt: Int32Array.from(this.#setAt, (at) => (at === NOT_YET ? this.#bytesLength : at)),
      bits: Buffer.concat([...this.#bytes, new Uint8Array(Math.ceil(this.#emptySize / 8))]),
    }
  }

  #add(feature: number, value: number, flags: number): number {
    this.#right.push(0)
    this.#value.push(value)
    this.#flags.push(flags)
    this.#setFrom.push(0)
    this.#setSize.push(0)
    this.#setAt.push(0)
    return this.#feature.push(feature) - 1
  }
}

/** The number of trees of an ensemble. */
export function treeCount(e: TreeEnsemble): number {
  return e.roots.length - 1
}

/** Trees `from` to `to` as an ensemble of their own; columns, outputs and level sets stay those of the whole. */
export function sliceTrees(e: TreeEnsemble, from: number, to: number): TreeEnsemble {
  const first = e.roots[from]!
  const end = e.roots[to]!
  const clip = (tree: number) => Math.min(Math.max(tree, from), to) - from
  return {
    ...e,
    roots: e.roots.slice(from, to + 1).map((root) => root - first),
    firstTree: e.firstTree.map(clip),
    feature: e.feature.subarray(first, end),
    value: e.value.subarray(first, end),
    right: e.right.slice(first, end).map((node) => (node === 0 ? 0 : node - first)),
    flags: e.flags.subarray(first, end),
    setFrom: e.setFrom.subarray(first, end),
    setSize: e.setSize.subarray(first, end),
    setAt: e.setAt.subarray(first, end),
  }
}
