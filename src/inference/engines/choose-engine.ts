import { createTabulated } from './tabulated.ts'
import type { TreeEngine, TreeEnsemble } from './tree-ensemble.ts'
import { createWalk } from './walk.ts'

/** The fastest engine that fits the trees: leaf masks from tables, or a walk where they would be too large. */
export function chooseEngine(trees: TreeEnsemble): TreeEngine {
  return createTabulated(trees) ?? createWalk(trees)
}
