import { ModelError } from '../../../api/errors.ts'
import type { LoadedModel } from '../../loaded-model.ts'
import { readPojoDeepLearning } from './pojo-deep-learning.ts'
import { readPojoGbm } from './pojo-gbm.ts'
import { readPojoHead } from './pojo-head.ts'
import { parsePojo } from './pojo-source.ts'

/** What is read from a MOJO, but not from a POJO. */
const MOJO_ONLY = ['drf', 'glm']
/** Java limits classes, not files; a network of this size takes seconds to read. */
const MAX_BYTES = 256 * 2 ** 20

/**
 * Reads an H2O POJO: the Java source of a GBM or Deep Learning model, as H2O 3.10 to 3.46 generates it. The source is
 * parsed, never compiled or run; anything in it that H2O does not write is refused with its line.
 * Throws ModelError (`model.corrupt`, `model.unsupported`).
 */
export function readPojo(bytes: Buffer): LoadedModel {
  if (bytes.length > MAX_BYTES) {
    throw new ModelError(
      'model.corrupt',
      `The POJO has ${bytes.length} bytes; at most ${MAX_BYTES} are read. Export the model as a MOJO.`,
    )
  }
  const pojo = parsePojo(decode(bytes))
  const { algorithm } = pojo
  if (algorithm === 'gbm') return readPojoGbm(pojo, readPojoHead(pojo))
  if (algorithm === 'deeplearning') return readPojoDeepLearning(pojo, readPojoHead(pojo))
  const instead = MOJO_ONLY.includes(algorithm) ? 'Export it as a MOJO, or train' : 'Train'
  throw new ModelError(
    'model.unsupported',
    `The POJO holds a model of the algorithm "${algorithm}"; gbm and deeplearning are supported. ${instead} one of these.`,
  )
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    const message = 'The POJO is not UTF-8 text: the file is damaged. Download it again.'
    throw new ModelError('model.corrupt', message, { cause: error })
  }
}
