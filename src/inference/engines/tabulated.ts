import { TableBlock } from './table-block.ts'
import {
  allLeaves,
  bin,
  type FeatureBins,
  type Leaves,
  type MaskTable,
  mergeTables,
  numberLeaves,
  tabulateFeature,
} from './leaf-masks.ts'
import { sliceTrees, treeCount, type TreeEngine, type TreeEnsemble } from './tree-ensemble.ts'

/** Trees with more leaves than this many 32-bit words hold are walked. */
const MAX_WORDS = 4
/** With more features than this, reading a table for each costs more than walking. */
const MAX_TABLES = 48
const MAX_TABLE_BYTES = 64 * 2 ** 20
/** About a second of tabulating. */
const MAX_WORK = 200_000_000
/** Trees that share tables: few enough for their tables to stay in the cache. */
const BLOCK_TREES = 128
/** Small tables are merged while the result has no more bins than this. */
const MAX_MERGED_BINS = 512
const MAX_MERGED_BYTES = 2 ** 20

/**
 * Tabulated leaf masks (after QuickScorer, Lucchese et al., SIGIR 2015). For every bin of every feature and every tree a
 * table holds the leaves that the feature's tests leave reachable; the AND over all features leaves exactly the one
 * leaf that a walk would reach, as every other leaf is removed where its path parts from the row's. Missing values,
 * level sets and unseen levels are bins like any other. Gives the walk's sums bit for bit.
 *
 * Null where trees have too many leaves, or the tables would be too many, too large or too long in the making: such an
 * ensemble is walked.
 */
export function createTabulated(e: TreeEnsemble): TreeEngine | null {
  const plans: BlockPlan[] = []
  for (let from = 0; from < treeCount(e); from += BLOCK_TREES) {
    const plan = planBlock(sliceTrees(e, from, Math.min(from + BLOCK_TREES, treeCount(e))))
    if (plan.words > MAX_WORDS || plan.binnings.length > MAX_TABLES) return null
    plans.push(plan)
  }
  const total = (cost: 'bytes' | 'work') => plans.reduce((sum, plan) => sum + plan[cost], 0)
  if (total('bytes') > MAX_TABLE_BYTES || total('work') > MAX_WORK) return null
  const blocks = plans.map(createBlock)
  return {
    name: 'tabulated',
    sum(columns, length, sums) {
      sums.fill(0)
      for (const block of blocks) block.add(columns, length, sums) // in the order of the trees
    },
  }
}

/** What the tables of some trees would be, before any is made. */
interface BlockPlan {
  readonly e: TreeEnsemble
  readonly leaves: Leaves
  readonly words: number
  readonly binnings: readonly FeatureBins[]
  readonly bytes: number
  /** Splits times the bins of their features. */
  readonly work: number
}

function planBlock(e: TreeEnsemble): BlockPlan {
  const leaves = numberLeaves(e)
  const words = Math.ceil(leaves.most / 32)
  const binnings = bin(e)
  const bins = binnings.reduce((sum, each) => sum + each.bins, 0)
  const work = binnings.reduce((sum, each) => sum + each.bins * each.splits, 0)
  return { e, leaves, words, binnings, bytes: bins * treeCount(e) * words * 4, work }
}

function createBlock({ e, leaves, words, binnings }: BlockPlan): TableBlock {
  const all = allLeaves(e, leaves, words)
  const tables = binnings.map((binning) => tabulateFeature(e, binning, { leaves, all }))
  return new TableBlock(e, mergeSmall(tables, all.length), all)
}

/** Merges the two smallest tables as long as that stays small. */
function mergeSmall(tables: MaskTable[], columns: number): MaskTable[] {
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
