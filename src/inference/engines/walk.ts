import {
  BY_LEVELS,
  goesRight,
  MISSING_RIGHT,
  type TreeColumns,
  type TreeEngine,
  type TreeEnsemble,
} from './tree-ensemble.ts'

/** Copies row `r` into `row`; levels become their number, a missing or unseen one NaN. */
function loadRow(e: TreeEnsemble, columns: TreeColumns, r: number, row: Float64Array): void {
  for (let f = 0; f < columns.length; f++) {
    const value = columns[f]![r]!
    const levels = e.features[f]!
    row[f] = levels === 'numeric' || (value >= 0 && value < levels) ? value : NaN
  }
}

function walkTree(e: TreeEnsemble, root: number, row: Float64Array): number {
  const { feature, value, right, flags } = e
  let node = root
  for (let f = feature[node]!; f >= 0; f = feature[node]!) {
    const x = row[f]!
    let isRight: boolean
    if (Number.isNaN(x)) isRight = (flags[node]! & MISSING_RIGHT) !== 0
    else if ((flags[node]! & BY_LEVELS) !== 0) isRight = goesRight(e, node, x)
    else isRight = x >= value[node]!
    node = isRight ? right[node]! : node + 1
  }
  return value[node]!
}

/**
 * Walks every tree for every row: works for any ensemble, and is what the tabulated engine is checked against. Sums are
 * doubles of float leaves in tree order, and a double is compared with a float threshold, as in h2o-genmodel.
 */
export function createWalk(e: TreeEnsemble): TreeEngine {
  const row = new Float64Array(e.features.length)
  return {
    name: 'walk',
    sum(columns, length, sums) {
      for (let r = 0; r < length; r++) {
        loadRow(e, columns, r, row)
        for (let k = 0; k < e.outputs; k++) {
          let sum = 0
          for (let t = e.firstTree[k]!; t < e.firstTree[k + 1]!; t++) sum += walkTree(e, e.roots[t]!, row)
          sums[k * length + r] = sum
        }
      }
    },
  }
}
