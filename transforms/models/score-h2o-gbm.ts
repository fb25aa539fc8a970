import { type Example, OPTIONAL_FLOAT64, OPTIONAL_STRING, struct } from 'sluice'
import { flight, FLIGHT, leg, LEG, LEG_FIELDS } from '../examples/score-h2o-flights.ts'
import { H2O_FORMATS, scorePlugin } from './scoring/score-plugin.ts'

const LATE = { prediction: 'YES', p_NO: 0.5231016378972136, p_YES: 0.47689836210278636, model_version: '1' }

const BESIDE =
  '{"model":"airline-delay-dl","version":"1","prediction":"YES","outputs":{"NO":0.49484590869287476,"YES":0.5051540913071253}}'

const examples: readonly Example[] = [
  {
    summary:
      'a flight gets the label, the probability of each class and the version of the model, which a header has too',
    config: { model: 'airline-delay' },
    have: [{ valueSchema: FLIGHT, value: struct(flight()) }],
    want: [
      {
        headers: [{ key: 'sluice.model', value: Buffer.from('airline-delay$1') }],
        value: struct({ ...flight(), ...LATE }),
      },
    ],
  },
  {
    summary: 'no header where none is wanted, and no field for the version',
    config: { model: 'airline-delay', 'version.header': 'false', 'version.field': '' },
    have: [{ valueSchema: FLIGHT, value: struct(flight()) }],
    want: [
      {
        headers: [],
        value: struct({
          ...flight(),
          prediction: 'YES',
          p_NO: 0.5231016378972136,
          p_YES: 0.47689836210278636,
        }),
      },
    ],
  },
  {
    summary:
      'fields of other names, and one of the probabilities left out; other names stay behind the prefix',
    config: {
      model: 'airline-delay',
      prefix: 'delay_',
      outputs: 'prediction:is_late,p_NO:',
    },
    have: [{ valueSchema: FLIGHT, value: struct(flight()) }],
    want: [
      {
        value: struct({
          ...flight(),
          is_late: 'YES',
          delay_p_YES: 0.47689836210278636,
          delay_model_version: '1',
        }),
      },
    ],
  },
  {
    summary: 'columns that have other names in the record are named with `fields`',
    config: { model: 'airline-delay', fields: LEG_FIELDS },
    have: [{ valueSchema: LEG, value: struct(leg()) }],
    want: [{ value: struct({ ...leg(), ...LATE }) }],
  },
  {
    summary: 'a null value and a level that the model has not seen are missing values',
    config: { model: 'airline-delay$1', prefix: 'delay_' },
    have: [{ valueSchema: FLIGHT, value: struct(flight({ UniqueCarrier: 'PS', Distance: null })) }],
    want: [
      {
        value: struct({
          ...flight({ UniqueCarrier: 'PS', Distance: null }),
          delay_prediction: 'NO',
          delay_p_NO: 0.6688114631853957,
          delay_p_YES: 0.33118853681460425,
          delay_model_version: '1',
        }),
      },
    ],
  },
  {
    summary:
      'version 1 and the latest share the records, at random by a seed; a header and a field of another name say which scored',
    config: {
      model: 'airline-delay$1:0.9,airline-delay:0.1',
      'model.seed': 'spring',
      'version.field': 'scored_by',
    },
    have: [{ valueSchema: FLIGHT, value: struct(flight()) }],
    want: [
      {
        headers: [{ key: 'sluice.model', value: Buffer.from('airline-delay$1') }],
        value: struct({
          ...flight(),
          prediction: 'YES',
          p_NO: 0.5231016378972136,
          p_YES: 0.47689836210278636,
          scored_by: '1',
        }),
      },
    ],
  },
  {
    summary: 'a network scores beside, as a shadow: what it says is in a header alone',
    config: { model: 'airline-delay', shadow: 'airline-delay-dl', 'shadow.header': 'true' },
    have: [{ valueSchema: FLIGHT, value: struct(flight()) }],
    want: [
      {
        headers: [
          { key: 'sluice.model', value: Buffer.from('airline-delay$1') },
          { key: 'sluice.shadow', value: Buffer.from(BESIDE) },
        ],
        value: struct({ ...flight(), ...LATE }),
      },
    ],
  },
  {
    summary: 'a tombstone passes, unscored',
    config: { model: 'airline-delay' },
    have: [{ valueSchema: null, value: null }],
    want: [{ headers: [], value: null }],
  },
  {
    summary: 'a record that has none of the model’s columns fails',
    config: { model: 'airline-delay' },
    have: [
      {
        valueSchema: {
          type: 'STRUCT',
          optional: false,
          fields: [{ name: 'petal', schema: OPTIONAL_FLOAT64 }],
        },
        value: struct({ petal: 1.4 }),
      },
    ],
    want: [{ error: 'record.field' }],
  },
  {
    summary: 'a record that already has a field of that name fails',
    config: { model: 'airline-delay' },
    have: [
      {
        valueSchema: {
          ...FLIGHT,
          fields: [...(FLIGHT.fields ?? []), { name: 'prediction', schema: OPTIONAL_STRING }],
        },
        value: struct(flight({ prediction: 'mine' })),
      },
    ],
    want: [{ error: 'record.field' }],
  },
]

export const scoreH2oGbm = scorePlugin({
  name: 'ScoreH2OGbm',
  summary: 'Scores records with an H2O gradient boosting machine (MOJO or POJO), exactly as H2O does.',
  what: 'an H2O GBM',
  formats: H2O_FORMATS,
  algorithms: ['gbm'],
  examples,
})
