import type { TransformPlugin } from 'sluice'
import { scoreH2oGbm } from './score-h2o-gbm.ts'

/** Every transform there is. A class name in a configuration is looked up here and nowhere else (invariant 8). */
export const transforms: readonly TransformPlugin[] = [scoreH2oGbm]
