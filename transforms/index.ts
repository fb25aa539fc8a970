import type { TransformPlugin } from 'sluice'
import { detectAnomaly } from './detect-anomaly.ts'
import { formatString } from './format-string.ts'
import { labelImage } from './label-image.ts'
import { parseCsv } from './parse-csv.ts'
import { scoreH2oDeepLearning } from './score-h2o-deep-learning.ts'
import { scoreH2oGbm } from './score-h2o-gbm.ts'
import { scoreH2o } from './score-h2o.ts'

/** Every transform there is. A class name in a configuration is looked up here and nowhere else (invariant 8). */
export const transforms: readonly TransformPlugin[] = [
  parseCsv,
  formatString,
  scoreH2oGbm,
  scoreH2oDeepLearning,
  scoreH2o,
  detectAnomaly,
  labelImage,
]
