import { describeExamples } from '../support/transform-examples.ts'

describeExamples('the examples of every transform of our own, in a connector, in key and value', {
  examples: ({ examples }) => examples,
  sides: ['key', 'value'],
})
