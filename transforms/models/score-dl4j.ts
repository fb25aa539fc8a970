import { type Example, struct } from 'sluice'
import { FLOWER, flower, flowerSchema } from '../examples/iris-flowers.ts'
import { scorePlugin } from './scoring/score-plugin.ts'

const VERSICOLOR = [5.1, 2.5, 3, 1.1]
const SHORT = ['sl', 'sw', 'pl', 'pw']
const SCORES = {
  prediction: 'versicolor',
  p_setosa: 0.009300895035266876,
  p_versicolor: 0.9899599552154541,
  p_virginica: 7.391296676360071e-4,
  model_version: '1',
}

const examples: readonly Example[] = [
  {
    summary: 'a record gets the label, the probability of each class and the version of the model',
    config: { model: 'iris-dl4j$1' },
    have: [{ valueSchema: FLOWER, value: flower(VERSICOLOR) }],
    want: [
      {
        value: struct({
          ...flower(VERSICOLOR),
          ...SCORES,
        }),
      },
    ],
  },
  {
    summary: 'fields of other names are named in the order of the model’s columns',
    config: { model: 'iris-dl4j', fields: SHORT.join(',') },
    have: [{ valueSchema: flowerSchema(SHORT), value: flower(VERSICOLOR, SHORT) }],
    want: [{ value: struct({ ...flower(VERSICOLOR, SHORT), ...SCORES }) }],
  },
]

export const scoreDl4j = scorePlugin({
  name: 'ScoreDl4j',
  summary:
    'Scores records with a DL4J MultiLayerNetwork and the normalizer that is saved with it, as DL4J does.',
  what: 'a DL4J network',
  formats: ['dl4j'],
  examples,
})
