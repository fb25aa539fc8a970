import type { ModelColumn } from './batch.ts'
import type { ModelInput, ModelTask } from './models.ts'

/** What the manifest beside a model file says, as far as a reader may need it. The rest is applied to what it returns. */
export interface FormatManifest {
  readonly task?: ModelTask
  readonly signature?: {
    readonly inputs?: readonly {
      readonly name: string
      readonly type: string
      readonly required?: boolean
    }[]
  }
  readonly postprocess?: { readonly labels?: readonly string[] }
}

/** A model file in memory. */
export interface FormatFile {
  readonly name: string
  readonly bytes: Buffer
  readonly manifest: FormatManifest | null
}

/** A model as its file has it. The manifest's labels, threshold and required columns are applied to it afterwards. */
export interface FormatModel {
  /** Of the file format, e.g. the version of the program that wrote it. */
  readonly formatVersion: string
  /** E.g. `gbtree`. */
  readonly algorithm: string
  readonly task: ModelTask
  /** The columns in the order in which `score` is given them. */
  readonly inputs: readonly ModelInput[]
  /** Classification: the classes in the order of `score`; their number where the file does not name them. */
  readonly classes?: readonly string[] | number
  /** Vector: the names of its numbers. */
  readonly outputs?: readonly string[]
  /** Two classes: from which probability on the second is the label. Default: the larger of both. */
  readonly decision?: number
  /** Anomaly: above which score a row is unusual, where the file says so. */
  readonly threshold?: number
  /** What else the file says of itself, in words, for people. */
  readonly facts?: Readonly<Record<string, string | number>>
  /** What whoever scores with it should know, for the log. */
  readonly warnings?: readonly string[]
  /**
   * Scores all rows in one call. `columns[i]` belongs to `inputs[i]`; NaN, MISSING and UNSEEN are missing values. Returns
   * columns of `length` numbers: classification, the probability of each class; vector, each of `outputs`; else one.
   */
  score(
    columns: readonly ModelColumn[],
    length: number,
  ): readonly Float64Array[] | Promise<readonly Float64Array[]>
}

/** A reader of model files, from a package: models of its format are used like any other. */
export interface ModelFormatPlugin {
  readonly kind: 'model-format'
  /** The simple name, e.g. `XgboostJson`. */
  readonly name: string
  readonly version: string
  /** One sentence. */
  readonly summary: string
  /** What the format is called in `source.format` of manifests, e.g. `xgboost-json`. */
  readonly format: string
  /** Endings of its files in lower case, with the dot. */
  readonly endings: readonly string[]
  /**
   * Texts that all of its files have in their first 64 KiB, which tell them from others of those endings. No code of the
   * plugin runs for that: a worker looks so at every file in its models.dir.
   */
  readonly signs: readonly string[]
  /** Reads a file. Throws with what is wrong with it; may not wait for anything outside of the process. */
  read(file: FormatFile): FormatModel | Promise<FormatModel>
}
