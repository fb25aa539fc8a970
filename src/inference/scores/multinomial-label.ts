import type { TreeColumns } from '../engines/tree-ensemble.ts'

/**
 * The class with the largest probability of each row, as a number. Ties are broken as in h2o-genmodel (GenModel's
 * getPredictionMultinomial), to the letter, so that no label differs: by a random number seeded with the row's own
 * values, weighted by the prior of the classes it lists as tied. That list is never cleared when a larger
 * probability is found, which is H2O's doing and kept.
 */
export function predictMultinomial(
  classes: readonly Float64Array[],
  inputs: TreeColumns,
  prior: readonly number[] | null,
  levels: Int32Array,
): Int32Array {
  for (let r = 0; r < levels.length; r++) {
    let best = 0
    let tieCount = 0
    const ties = [0]
    for (let k = 1; k < classes.length; k++) {
      const [p, max] = [classes[k]![r]!, classes[best]![r]!]
      if (max < p) {
        best = k
        tieCount = 0
      } else if (max === p) {
        tieCount++
        ties.push(k)
      }
    }
    levels[r] = tieCount === 0 ? best : breakTie(r, { best, tieCount, ties }, { classes, inputs, prior })
  }
  return levels
}

interface Tie {
  readonly best: number
  readonly tieCount: number
  readonly ties: readonly number[]
}

interface Rows {
  readonly classes: readonly Float64Array[]
  readonly inputs: TreeColumns
  readonly prior: readonly number[] | null
}

function breakTie(row: number, { best, tieCount, ties }: Tie, { classes, inputs, prior }: Rows): number {
  const hash = hashOf(row, inputs)
  if (prior !== null) {
    const sum = ties.reduce((total, k) => total + (prior[k] ?? 0), 0)
    const random = firstDouble(hash)
    let partial = 0
    for (const k of ties) {
      partial += (prior[k] ?? 0) / sum
      if (random <= partial) return k
    }
  }
  const max = classes[best]![row]!
  let skip = Number(BigInt.asIntN(32, hash)) % (tieCount + 1)
  return classes.findIndex((p) => p[row] === max && --skip < 0)
}

const CANONICAL_NAN = 0x7ff8000000000000n

/** XOR of the bits of a row's values without their last six; a level counts as its number. */
function hashOf(row: number, inputs: TreeColumns): bigint {
  const view = new DataView(new ArrayBuffer(8))
  let hash = 0n
  for (const column of inputs) {
    const value = column instanceof Int32Array && column[row]! < 0 ? NaN : column[row]!
    view.setFloat64(0, value)
    hash ^= (Number.isNaN(value) ? CANONICAL_NAN : view.getBigInt64(0)) >> 6n
  }
  return hash
}

/** The first nextDouble() of java.util.Random with a seed: a linear congruential generator of 48 bits. */
function firstDouble(seed: bigint): number {
  let state = BigInt.asUintN(48, seed ^ 0x5deece66dn)
  const next = (bits: bigint): bigint => {
    state = BigInt.asUintN(48, state * 0x5deece66dn + 0xbn)
    return state >> (48n - bits)
  }
  const high = next(26n)
  return Number((high << 27n) + next(27n)) * 2 ** -53
}
