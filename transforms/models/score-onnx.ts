import { type Example, struct } from 'sluice'
import { FLOWER, flower, flowerSchema } from '../examples/iris-flowers.ts'
import { scorePlugin } from './scoring/score-plugin.ts'

const VIRGINICA = [6.3, 2.5, 5.0, 1.9]
const SHORT = ['sl', 'sw', 'pl', 'pw']
const SCORES = {
  prediction: 'virginica',
  p_setosa: 0.00028717124951072037,
  p_versicolor: 0.20643578469753265,
  p_virginica: 0.7932770252227783,
  model_version: '1',
}

const examples: readonly Example[] = [
  {
    summary: 'a classifier of scikit-learn adds its label and the probability of each class',
    config: { model: 'iris-onnx' },
    have: [
      { valueSchema: FLOWER, value: flower(VIRGINICA) },
      { valueSchema: null, value: null },
    ],
    want: [
      {
        value: struct({
          ...flower(VIRGINICA),
          ...SCORES,
        }),
      },
      { value: null },
    ],
  },
  {
    summary: 'fields of other names are named in the order of the model’s columns',
    config: { model: 'iris-onnx', fields: SHORT.join(',') },
    have: [{ valueSchema: flowerSchema(SHORT), value: flower(VIRGINICA, SHORT) }],
    want: [{ value: struct({ ...flower(VIRGINICA, SHORT), ...SCORES }) }],
  },
]

export const scoreOnnx = scorePlugin({
  name: 'ScoreOnnx',
  summary: 'Scores records with any ONNX model; its manifest names the columns and the labels.',
  what: 'an ONNX model',
  formats: ['onnx'],
  examples,
})
