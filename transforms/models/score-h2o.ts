import { type Example, struct } from 'sluice'
import { readings, SENSORS } from '../examples/detect-anomaly-readings.ts'
import { flight, FLIGHT, leg, LEG, LEG_FIELDS } from '../examples/score-h2o-flights.ts'
import { H2O_FORMATS, scorePlugin } from './scoring/score-plugin.ts'

const LATE = { prediction: 'YES', p_NO: 0.5231016378972136, p_YES: 0.47689836210278636, model_version: '1' }

const examples: readonly Example[] = [
  {
    summary: 'a classifier adds its label and the probability of each class',
    config: { model: 'airline-delay' },
    have: [{ valueSchema: FLIGHT, value: struct(flight()) }],
    want: [{ value: struct({ ...flight(), ...LATE }) }],
  },
  {
    summary: 'columns that have other names in the record are named with `fields`',
    config: { model: 'airline-delay', fields: LEG_FIELDS },
    have: [{ valueSchema: LEG, value: struct(leg()) }],
    want: [{ value: struct({ ...leg(), ...LATE }) }],
  },
  {
    summary: 'an anomaly model adds its scores by name; the prediction is how unusual the record is',
    config: { model: 'shuttle-anomaly' },
    have: [{ valueSchema: SENSORS, value: struct(readings([45, 0, 83, 0, 46, 8, 37, 36, 0])) }],
    want: [
      {
        value: struct({
          ...readings([45, 0, 83, 0, 46, 8, 37, 36, 0]),
          prediction: 3.712158234907051e-6,
          reconstructionError: 3.712158234907051e-6,
          model_version: '1',
        }),
      },
    ],
  },
]

export const scoreH2o = scorePlugin({
  name: 'ScoreH2O',
  summary:
    'Scores records with any H2O model that is read (GBM, DRF, Isolation Forest, GLM, Deep Learning, autoencoder), as H2O does.',
  what: 'an H2O model',
  formats: H2O_FORMATS,
  algorithms: ['gbm', 'drf', 'isolationforest', 'glm', 'deeplearning', 'autoencoder'],
  examples,
})
