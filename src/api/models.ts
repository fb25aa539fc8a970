import type { CategoryColumn, Float64Column, ModelColumn, TensorType } from './batch.ts'

/** One column that a model reads. */
export interface ModelInput {
  readonly name: string
  readonly type: 'numeric' | 'categorical' | 'tensor'
  /** Categorical only: its levels in the model's order. */
  readonly domain?: readonly string[]
  /** Tensor only: the shape of one row, without the batch. */
  readonly shape?: readonly number[]
  /** What a tensor's numbers are; INT64 for a numeric column that must come to the last digit (see `exact`). */
  readonly datatype?: TensorType
  /**
   * Numeric only: what its numbers are, where not any: whole ones, booleans as 0 and 1, or times in milliseconds since
   * 1970. Records may hold BOOLEAN or Timestamp in the place of the last two alone.
   */
  readonly holds?: 'whole' | 'boolean' | 'datetime'
  /** Pictures only: the share of the shorter side that is cut out of the centre. */
  readonly crop?: number
  /** False where a record may lack the field; a null value is always allowed and means missing. */
  readonly required: boolean
}

/** Numbers that a model gives: INT64 ones are exact in `Float64Column.exact`. */
export type OutputType = 'FP64' | 'INT64'

export type ModelTask = 'classification' | 'regression' | 'anomaly' | 'vector'

/** What a model gives for `length` rows. */
export interface Scores {
  /**
   * Classification: the label of each row, a category over `labels`. Regression: the predictions. Anomaly: how unusual
   * each row is, the larger the more (the reconstruction error, or the normalised score). Vector: the first output.
   */
  readonly prediction: CategoryColumn | Float64Column
  /** One column per name of the model's `outputs`; classification: the probabilities of its labels. */
  readonly outputs: readonly Float64Column[]
  /** Models that are `isCalibrated`: the calibrated probabilities of the labels. They decide no label. */
  readonly calibrated?: readonly Float64Column[]
  /** Why rows have no numbers, where the engine said; by row. */
  readonly problems?: ReadonlyMap<number, string>
}

/**
 * A loaded model. Any number of transforms may score with it. One that was asked for without a version may be replaced
 * by a newer one between two calls of `score`; its inputs' names and types, its outputs and its task stay what they are.
 */
export interface Model {
  readonly name: string
  readonly version: string
  /**
   * Where this may be replaced: the version that serves now, which itself stays as it is. Who asks for it once per batch
   * scores all of its records with one version, and knows which.
   */
  readonly serving?: Model
  /** E.g. `h2o-mojo`. */
  readonly format: string
  /** The plugin and package that read its file: `XgboostJson 1.0.0 of acme-xgboost 2.1.0`. Absent where Sluice did. */
  readonly reader?: string | undefined
  /** E.g. `gbm`. */
  readonly algorithm: string
  readonly task: ModelTask
  /** Classification only; else empty. */
  readonly labels: readonly string[]
  /**
   * The columns of `Scores.outputs`. Classification: its labels. Regression: none. Anomaly: `reconstructionError`, or `score`
   * and `normalizedScore`. Vector: the network's outputs by name.
   */
  readonly outputs: readonly string[]
  /** What `outputs` are, the prediction of a regression likewise; absent where all are FP64. */
  readonly outputTypes?: readonly OutputType[]
  /** Whether `Scores.calibrated` is there. */
  readonly isCalibrated?: boolean
  readonly inputs: readonly ModelInput[]
  /** Anomaly only: a row is called unusual where its prediction is above this; absent where nobody said. */
  readonly threshold?: number | undefined
  /**
   * Scores all rows in one call. `columns[i]` belongs to `inputs[i]`: float64 for numeric, category over the input's
   * own domain for categorical. MISSING and UNSEEN levels and NaN are missing values, as in h2o-genmodel with
   * `convertUnknownCategoricalLevelsToNa`.
   */
  score(columns: readonly ModelColumn[], length: number): Scores | Promise<Scores>
}

/** Told which plugin of a package is about to read a model's file, and waited for. */
export type BeforeReading = (reader: string) => Promise<void> | undefined

/** The models a plugin may use: `name`, `name$version`, or a path below an allowed folder. */
export interface Models {
  load(reference: string, before?: BeforeReading): Promise<Model>
}
