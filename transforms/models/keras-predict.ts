import { type Example, type Schema, struct } from 'sluice'
import { scorePlugin } from './scoring/score-plugin.ts'

const SHADES: Schema = { type: 'ARRAY', optional: true, valueSchema: { type: 'INT32', optional: false } }
const DIGIT: Schema = {
  type: 'STRUCT',
  optional: false,
  name: 'Digit',
  fields: [{ name: 'image', schema: SHADES }],
}

/** A handwritten digit: 8 × 8 shades from 0 to 16. */
// prettier-ignore
const IMAGE: readonly number[] = [0, 0, 7, 14, 16, 13, 1, 0, 0, 0, 15, 13, 3, 13, 8, 0, 0, 6, 15, 2, 0, 8, 8, 0, 0, 6, 16, 0, 0, 6, 11, 0, 0, 9, 13, 0, 0, 13, 9, 0, 0, 5, 15, 0, 5, 16, 5, 0, 0, 4, 16, 9, 16, 12, 0, 0, 0, 0, 8, 16, 12, 3, 0, 0]
const EXPECTED = {
  digit_prediction: '0',
  digit_p_0: 0.999875545501709,
  digit_p_1: 2.615447374409996e-5,
  digit_p_2: 2.1425323211587965e-5,
  digit_p_3: 1.0482286683100028e-7,
  digit_p_4: 1.0243440556223504e-5,
  digit_p_5: 1.4235802154871635e-5,
  digit_p_6: 1.864530895545613e-5,
  digit_p_7: 3.879012183460873e-6,
  digit_p_8: 2.912710260716267e-5,
  digit_p_9: 7.502137009396392e-7,
  digit_model_version: '1',
}

const examples: readonly Example[] = [
  {
    summary: 'an array of 8 × 8 shades is the digit that was written',
    config: { model: 'digits-keras', prefix: 'digit_' },
    have: [{ valueSchema: DIGIT, value: struct({ image: IMAGE }) }],
    want: [{ value: struct({ image: IMAGE, ...EXPECTED }) }],
  },
  {
    summary: 'an array in a field of another name',
    config: { model: 'digits-keras', prefix: 'digit_', fields: 'drawing' },
    have: [
      {
        valueSchema: { ...DIGIT, fields: [{ name: 'drawing', schema: SHADES }] },
        value: struct({ drawing: IMAGE }),
      },
    ],
    want: [{ value: struct({ drawing: IMAGE, ...EXPECTED }) }],
  },
  {
    summary: 'labels that are whole numbers as numbers, and no probabilities but one',
    config: {
      model: 'digits-keras',
      'labels.type': 'integer',
      'version.field': '',
      outputs: `prediction:digit,p_0:is_zero,${Array.from({ length: 9 }, (_, i) => `p_${i + 1}:`).join(',')}`,
    },
    have: [{ valueSchema: DIGIT, value: struct({ image: IMAGE }) }],
    want: [{ value: struct({ image: IMAGE, digit: 0, is_zero: EXPECTED.digit_p_0 }) }],
  },
  {
    summary: 'an array of another length fails, that record alone',
    config: { model: 'digits-keras', prefix: 'digit_' },
    have: [
      { valueSchema: DIGIT, value: struct({ image: [1, 2, 3] }) },
      { valueSchema: null, value: null },
    ],
    want: [{ error: 'record.field' }, { value: null }],
  },
]

export const kerasPredict = scorePlugin({
  name: 'KerasPredict',
  summary:
    'Scores records with a Keras model (.keras or .h5), as Keras does: a field per number, or one field with an array of them.',
  what: 'a Keras model',
  formats: ['keras', 'keras-h5'],
  examples,
})
