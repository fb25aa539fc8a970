import type { TensorColumn } from './batch.ts'
import type { ConnectError } from './errors.ts'
import type { Model, Scores } from './models.ts'

/** From where the operator of the worker lets plugins read images that a record only names. */
export interface AllowedImages {
  /** `images.allowed.dirs`: absolute paths of folders. */
  readonly dirs: readonly string[]
  /** `images.allowed.origins`. */
  readonly origins: readonly string[]
  /** `images.private.addresses`: whether these origins may have loopback or private addresses. */
  readonly privateAddresses: boolean
}

export const NO_IMAGES: AllowedImages = { dirs: [], origins: [], privateAddresses: false }

/** One label that an image may have, and how sure the model is of it. */
export interface ImageLabel {
  readonly label: string
  readonly probability: number
}

/** The bytes of an image, or the location of one; null where there is none. */
export type ImageSource = Buffer | string | null

/** What a configuration says about the images to read. */
export interface ImageRules {
  /** The folder below which a location may name a file; null: none may. */
  readonly fileRoot: string | null
  /** From where a location may be fetched; empty: from nowhere. */
  readonly httpOrigins: readonly string[]
  readonly maxBytes: number
  readonly fetchTimeoutMs: number
}

export interface LabellerOptions extends ImageRules {
  /** How many of the best labels are given. */
  readonly topK: number
  /** How many images are read at a time. */
  readonly concurrency: number
}

/** Scores some of the images, named by their indexes. */
export type ScoreImages = (tensor: TensorColumn, images: readonly number[]) => Scores | Promise<Scores>

/** An image classifier with what makes its input: labels images, a bad one failing alone. */
export interface ImageLabeller {
  /**
   * The best labels of each image, the best first; null where there is no image, or where it was bad: that was said to
   * `fail` with its index. `score` may ask other models of the same input and labels.
   */
  label(
    sources: readonly ImageSource[],
    fail: (index: number, error: ConnectError) => void,
    score?: ScoreImages,
  ): Promise<readonly (readonly ImageLabel[] | null)[]>
}

/**
 * Opens a labeller of images. Throws ModelError where the model is no image classifier (one input of bytes, height ×
 * width × 3, and labels) or the decoder's package is not there, ConfigError (`file.root`, `http.allowed.origins`) where
 * the worker does not allow what the options name.
 */
export type OpenImageLabeller = (model: Model, options: LabellerOptions) => Promise<ImageLabeller>

/** What is wrong with an origin that images may be fetched from; undefined where nothing is. */
export function originProblem(text: string): string | undefined {
  return /^https?:/.test(text) && URL.parse(text)?.origin === text
    ? undefined
    : 'must be an origin in lower case, https://host or https://host:port, without a path'
}
