import type { ModelColumn } from '../../api/batch.ts'
import type { Scores } from '../../api/models.ts'
import { float64, valuesOf } from './class-scores.ts'
import type { TreeEngine } from '../engines/tree-ensemble.ts'

export interface IsolationForest {
  readonly engine: TreeEngine
  readonly trees: number
  /** The shortest and the longest path of a training row, all trees together. */
  readonly minPath: number
  readonly maxPath: number
}

/** `IsolationForest`'s columns: the mean length of a row's paths, and how short they are between 0 and 1. */
export const ISOLATION_OUTPUTS = ['score', 'normalizedScore'] as const

/** As h2o-genmodel's IsolationForestMojoModel. The prediction is the normalised score: larger is more unusual. */
export function scoreIsolation(
  { engine, trees, minPath, maxPath }: IsolationForest,
  columns: readonly ModelColumn[],
  length: number,
): Scores {
  const paths = new Float64Array(length)
  engine.sum(columns.map(valuesOf), length, paths)
  const mean = paths.map((path) => path / trees)
  const normalized = paths.map((path) => (maxPath > minPath ? (maxPath - path) / (maxPath - minPath) : 1))
  return { prediction: float64(normalized), outputs: [float64(mean), float64(normalized)] }
}
