import type { CategoryColumn, Column, Float64Column } from './batch.ts'

/** One column that a model reads. */
export interface ModelInput {
  readonly name: string
  readonly type: 'numeric' | 'categorical'
  /** Categorical only: its levels in the model's order. */
  readonly domain?: readonly string[]
  /** False where a record may lack the field; a null value is always allowed and means missing. */
  readonly required: boolean
}

/** What a model gives for `length` rows. */
export interface Scores {
  /** Classification: the label of each row, a category over `labels`. Regression: the predictions. */
  readonly prediction: CategoryColumn | Float64Column
  /** Classification: one column per label, in the order of `labels`. Empty for regression. */
  readonly probabilities: readonly Float64Column[]
}

/** A loaded model. Stateless: any number of transforms may score with it. */
export interface Model {
  readonly name: string
  readonly version: string
  /** E.g. `h2o-mojo`. */
  readonly format: string
  /** E.g. `gbm`. */
  readonly algorithm: string
  readonly task: 'classification' | 'regression'
  readonly labels: readonly string[]
  readonly inputs: readonly ModelInput[]
  /**
   * Scores all rows in one call. `columns[i]` belongs to `inputs[i]`: float64 for numeric, category over the input's
   * own domain for categorical. MISSING and UNSEEN levels and NaN are missing values, as in h2o-genmodel with
   * `convertUnknownCategoricalLevelsToNa`.
   */
  score(columns: readonly Column[], length: number): Scores
}

/** The models a plugin may use: `name`, `name$version`, or a path below an allowed folder. */
export interface Models {
  load(reference: string): Promise<Model>
}
