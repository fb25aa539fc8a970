import { type Example, struct } from 'sluice'
import { FLOWER, flower, flowerSchema } from '../examples/iris-flowers.ts'
import { scorePlugin } from './scoring/score-plugin.ts'

const SETOSA = [4.7, 3.2, 1.3, 0.2]
const VIRGINICA = [6.5, 3.2, 5.1, 2]
const SHORT = ['sl', 'sw', 'pl', 'pw']

const examples: readonly Example[] = [
  {
    summary: 'a flower gets its species and the probability of each',
    config: { model: 'iris-dl4j' },
    have: [{ valueSchema: FLOWER, value: flower(SETOSA) }],
    want: [
      {
        value: struct({
          ...flower(SETOSA),
          prediction: 'setosa',
          p_setosa: 0.9954255223274231,
          p_versicolor: 0.004573604092001915,
          p_virginica: 9.87606313174183e-7,
          model_version: '1',
        }),
      },
    ],
  },
  {
    summary: 'fields of other names are named in the order of the model’s columns',
    config: { model: 'iris-dl4j', fields: SHORT.join(','), prefix: 'iris_' },
    have: [{ valueSchema: flowerSchema(SHORT), value: flower(VIRGINICA, SHORT) }],
    want: [
      {
        value: struct({
          ...flower(VIRGINICA, SHORT),
          iris_prediction: 'virginica',
          iris_p_setosa: 2.4412934726569802e-4,
          iris_p_versicolor: 0.03153001144528389,
          iris_p_virginica: 0.9682258367538452,
          iris_model_version: '1',
        }),
      },
    ],
  },
  {
    summary:
      'a network has nothing in the place of a missing size: that record fails alone; a tombstone passes',
    config: { model: 'iris-dl4j' },
    have: [
      { valueSchema: FLOWER, value: flower([4.7, null, 1.3, 0.2]) },
      { valueSchema: null, value: null },
    ],
    want: [{ error: 'record.value' }, { value: null }],
  },
]

export const classifyIris = scorePlugin({
  name: 'ClassifyIris',
  summary: 'Says which iris a flower is, from the size of its sepal and petal, with a DL4J network.',
  what: 'a DL4J network',
  formats: ['dl4j'],
  examples,
  check: ({ task, inputs }) =>
    task === 'classification' && inputs.length === 4
      ? undefined
      : `takes ${inputs.length} columns and is for ${task}, but an iris has four and is classified. Use ScoreDl4j.`,
})
