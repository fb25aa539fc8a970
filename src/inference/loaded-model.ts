import type { ModelColumn } from '../api/batch.ts'
import type { Model, ModelInput, Scores } from '../api/models.ts'

/** Which label a probability decides for. */
export interface Decision {
  /** The label of this class wins where its probability is at least the threshold; else the other one. Two classes only. */
  readonly threshold: number
  readonly thresholdClass: string
}

/** What a reader makes of a model file: a model before a manifest gave it a name, version and field requirements. */
export interface LoadedModel {
  readonly format: string
  /** See `Model.reader`. */
  readonly reader?: string
  readonly formatVersion: string
  readonly algorithm: string
  readonly task: Model['task']
  readonly labels: readonly string[]
  /** The file's own threshold; null where the largest probability decides. */
  readonly decision: Decision | null
  readonly inputs: readonly ModelInput[]
  /** Anomaly: the file's own `Model.threshold`, where it has one. */
  readonly threshold?: number
  /** False where the file names no columns: those of a table are then taken in order. */
  readonly namesColumns?: boolean
  /** True where the file itself says the label of a row: its numbers need be no probabilities then. */
  readonly namesLabels?: boolean
  /** What whoever scores with it should know, for the log. */
  readonly warnings?: readonly string[]
  /** What else the file says of itself, in words, for people. */
  readonly facts: Readonly<Record<string, string | number>>
  /** Names of `Scores.outputs`; see `Model.outputs`. */
  readonly outputs: readonly string[]
  /** See `Model.outputTypes`. */
  readonly outputTypes?: Model['outputTypes']
  /** See `Model.isCalibrated`. */
  readonly isCalibrated?: boolean
  score(columns: readonly ModelColumn[], length: number, decision: Decision | null): Scores | Promise<Scores>
}
