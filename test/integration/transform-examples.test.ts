import { describeExamples, isRun } from '../support/transform-examples.ts'

// test/contract/plugins.test.ts runs all of them without a Kafka, and test/long/transform-examples.test.ts with one.
describeExamples('the first example of every transform of our own, in a connector', {
  examples: ({ examples }) => examples.filter(isRun).slice(0, 1),
  sides: ['value'],
})
