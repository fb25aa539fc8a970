import { type Example, struct } from 'sluice'
import { flight, FLIGHT, leg, LEG, LEG_FIELDS } from '../examples/score-h2o-flights.ts'
import { H2O_FORMATS, scorePlugin } from './scoring/score-plugin.ts'

const LATE = { prediction: 'YES', p_NO: 0.49484590869287476, p_YES: 0.5051540913071253, model_version: '1' }

const examples: readonly Example[] = [
  {
    summary: 'a flight gets the label, the probability of each class and the version of the model',
    config: { model: 'airline-delay-dl' },
    have: [{ valueSchema: FLIGHT, value: struct(flight()) }],
    want: [{ value: struct({ ...flight(), ...LATE }) }],
  },
  {
    summary: 'columns that have other names in the record are named with `fields`',
    config: { model: 'airline-delay-dl', fields: LEG_FIELDS },
    have: [{ valueSchema: LEG, value: struct(leg()) }],
    want: [{ value: struct({ ...leg(), ...LATE }) }],
  },
  {
    summary: 'a null value counts as the mean, an unseen level as missing',
    config: { model: 'airline-delay-dl', prefix: 'delay_' },
    have: [{ valueSchema: FLIGHT, value: struct(flight({ UniqueCarrier: 'PS', Distance: null })) }],
    want: [
      {
        value: struct({
          ...flight({ UniqueCarrier: 'PS', Distance: null }),
          delay_prediction: 'YES',
          delay_p_NO: 0.6297019424662474,
          delay_p_YES: 0.37029805753375267,
          delay_model_version: '1',
        }),
      },
    ],
  },
]

export const scoreH2oDeepLearning = scorePlugin({
  name: 'ScoreH2ODeepLearning',
  summary: 'Scores records with an H2O Deep Learning network or autoencoder (MOJO or POJO), as H2O does.',
  what: 'an H2O Deep Learning model',
  formats: H2O_FORMATS,
  algorithms: ['deeplearning', 'autoencoder'],
  examples,
})
