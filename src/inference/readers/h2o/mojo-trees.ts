import { ModelError } from '../../../api/errors.ts'
import type { Feature, LevelSet, TreeBuilder } from '../../engines/tree-ensemble.ts'

const LEAF_COLUMN = 0xffff
/** Where a missing value goes (NaSplitDir): 1 = right while all others go left, 2 and 4 left, 0, 3 and 5 right. */
const NA_VS_REST = 1
const NA_LEFT = new Set([2, 4])
const LAST_NA_DIRECTION = 5

function corrupt(what: string): ModelError {
  return new ModelError('model.corrupt', `A tree is damaged: ${what}. Export the model again.`)
}

/** The levels that a set covers, whether they are in it or not. */
type Range = Pick<LevelSet, 'from' | 'size'>

interface Pending {
  readonly split: number
  /** What the last set of levels on the way to the children covers; see `#missingOrRest`. */
  readonly range: Range | null
  /** Where the right child's bytes must start; −1 where the left child is a leaf. */
  readonly rightAt: number
  readonly isRightLeaf: boolean
}

/**
 * Reads one compressed tree of a MOJO (`trees/tCC_TTT.bin`, little-endian) in one pass, without recursion. A node is
 *
 *   u8 type · u16 column · u8 NA direction · split · left size · left subtree · right subtree
 *
 * split: nothing for NA-vs-rest, whatever the type; f32 threshold where type & 12 is 0; 4 bytes of bits where it is 8;
 * where it is 12, u16 first level, then i32 bits (MOJO 1.2 and later) or u16 bytes (before), and the bits. The left size
 * has 1 + (type & 51) bytes, or none where that is 48: then the left child is a leaf, an f32. type & 64: so is the right.
 * Column 65535 is a leaf of its own. Every size is checked, so hostile bytes end in `model.corrupt`.
 */
export class MojoTreeReader {
  readonly #bytes: Buffer
  readonly #features: readonly Feature[]
  readonly #version: number
  readonly #builder: TreeBuilder
  readonly #pending: Pending[] = []
  #at = 0
  #range: Range | null = null

  constructor(bytes: Buffer, features: readonly Feature[], version: number, builder: TreeBuilder) {
    this.#bytes = bytes
    this.#features = features
    this.#version = version
    this.#builder = builder
  }

  read(): void {
    this.#builder.startTree()
    let isLeaf = false
    for (;;) {
      const isEnd = isLeaf ? this.#leaf() : this.#node()
      if (isEnd === 'split') {
        isLeaf = this.#pending.at(-1)?.rightAt === -1
        continue
      }
      const parent = this.#pending.pop()
      if (parent === undefined) break
      if (parent.rightAt >= 0 && parent.rightAt !== this.#at) throw corrupt('a subtree has the wrong size')
      this.#range = parent.range
      this.#builder.rightOf(parent.split)
      isLeaf = parent.isRightLeaf
    }
    if (this.#at !== this.#bytes.length) throw corrupt('it has bytes left over')
  }

  #leaf(): 'leaf' {
    this.#builder.leaf(this.#float())
    return 'leaf'
  }

  #node(): 'leaf' | 'split' {
    const type = this.#uint(1)
    const column = this.#uint(2)
    if (column === LEAF_COLUMN) return this.#leaf()
    const feature = this.#features[column]
    if (feature === undefined) throw corrupt(`it reads column ${column}, which the model does not have`)
    const split = this.#split(type, column, feature)
    const sizeWidth = (type & 51) + 1
    if (sizeWidth > 4 && sizeWidth !== 49) throw corrupt(`node type ${type} is unknown`)
    const size = sizeWidth === 49 ? -1 : this.#uint(sizeWidth)
    const rightAt = size < 0 ? -1 : this.#at + size
    this.#pending.push({ split, range: this.#range, rightAt, isRightLeaf: (type & 64) !== 0 })
    return 'split'
  }

  #split(type: number, column: number, feature: Feature): number {
    const direction = this.#uint(1)
    if (direction > LAST_NA_DIRECTION) throw corrupt(`NA direction ${direction} is unknown`)
    const isMissingRight = !NA_LEFT.has(direction)
    const kind = type & 12
    if (kind !== 0 && kind !== 8 && kind !== 12) throw corrupt(`node type ${type} is unknown`)
    if (kind !== 0 && feature === 'numeric') throw corrupt(`it splits the numeric column ${column} by levels`)
    if (direction === NA_VS_REST) return this.#missingOrRest(column, kind !== 0)
    if (kind === 0) return this.#builder.threshold(column, this.#float(), isMissingRight)
    // MOJO 1.0 sent levels outside of a set left, all later ones send them where missing values go.
    const isOutsideRight = this.#version > 1 && isMissingRight
    const set = this.#levelSet(kind === 8)
    this.#range = { from: set.from, size: set.size }
    return this.#builder.levels(column, { ...set, isOutsideRight }, isMissingRight)
  }

  /**
   * Missing values go right and the rest left. H2O up to 3.30 at least marked some of these splits as ones by levels,
   * but wrote no set: h2o-genmodel then sends right, too, what the last set that it met on its way does not cover, be
   * that one of another column.
   */
  #missingOrRest(column: number, isByLevels: boolean): number {
    if (!isByLevels || this.#range === null || this.#version === 1) {
      return this.#builder.threshold(column, NaN, true)
    }
    return this.#builder.levels(column, { ...this.#range, bytes: null, isOutsideRight: true }, true)
  }

  #levelSet(isShort: boolean): Omit<LevelSet, 'isOutsideRight'> {
    if (isShort) return { from: 0, size: 32, bytes: this.#take(4) }
    const from = this.#uint(2)
    const isOld = this.#version < 1.2
    const size = isOld ? this.#uint(2) * 8 : this.#uint(4)
    return { from, size, bytes: this.#take(Math.ceil(size / 8)) }
  }

  #float(): number {
    return this.#take(4).readFloatLE()
  }

  #uint(width: number): number {
    return this.#take(width).readUIntLE(0, width)
  }

  #take(length: number): Buffer {
    const start = this.#at
    this.#at += length
    if (this.#at > this.#bytes.length) throw corrupt('it ends too early')
    return this.#bytes.subarray(start, this.#at)
  }
}
