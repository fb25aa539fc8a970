import type { PredicatePlugin, TransformPlugin } from 'sluice'
import { classifyIris } from './models/classify-iris.ts'
import { detectAnomaly } from './models/detect-anomaly.ts'
import { computeField } from './expression/compute-field.ts'
import { filterExpression } from './expression/filter-expression.ts'
import { formatString } from './text/format-string.ts'
import { labelImage } from './models/label-image.ts'
import { kerasPredict } from './models/keras-predict.ts'
import { parseCsv } from './text/parse-csv.ts'
import { hasHeaderKey } from './predicates/has-header-key.ts'
import { recordIsTombstone } from './predicates/record-is-tombstone.ts'
import { topicNameMatches } from './predicates/topic-name-matches.ts'
import { recordTransforms } from './record/index.ts'
import { scoreDl4j } from './models/score-dl4j.ts'
import { scoreH2oDeepLearning } from './models/score-h2o-deep-learning.ts'
import { scoreH2oGbm } from './models/score-h2o-gbm.ts'
import { scoreH2o } from './models/score-h2o.ts'
import { scoreOnnx } from './models/score-onnx.ts'

/** Every transform there is. A class name in a configuration is looked up here and nowhere else (invariant 8). */
export const transforms: readonly TransformPlugin[] = [
  parseCsv,
  formatString,
  scoreH2oGbm,
  scoreH2oDeepLearning,
  scoreH2o,
  detectAnomaly,
  labelImage,
  scoreDl4j,
  classifyIris,
  kerasPredict,
  scoreOnnx,
  filterExpression,
  computeField,
  ...recordTransforms,
]

/** Every predicate there is. */
export const predicates: readonly PredicatePlugin[] = [hasHeaderKey, recordIsTombstone, topicNameMatches]
