import { checkPattern, defineConfig, key, patternOf, type PredicatePlugin } from 'sluice'

const config = defineConfig({
  pattern: key.string({
    doc: 'A regular expression, in the syntax of Java, for the whole name of a topic.',
    importance: 'MEDIUM',
    check: (text) => (text === '' ? 'String must be non-empty' : checkPattern(text)),
  }),
})

export const topicNameMatches: PredicatePlugin<typeof config.keys> = {
  kind: 'predicate',
  name: 'TopicNameMatches',
  aliases: ['org.apache.kafka.connect.transforms.predicates.TopicNameMatches'],
  version: '1.0.0',
  summary: 'Matches records that are on their way to a topic whose name matches a regular expression.',
  config,
  open({ pattern: text }) {
    const pattern = patternOf(text)
    const known = new Map<string, boolean>()
    const matches = (topic: string): boolean => {
      const before = known.get(topic)
      if (before !== undefined) return before
      const found = pattern.matches(topic)
      if (known.size < MOST_TOPICS) known.set(topic, found)
      return found
    }
    return { matches: (batch) => (row) => matches(batch.topic(row)) }
  },
}

/** Of which the answer is kept; an earlier transform may make any number of topics. */
const MOST_TOPICS = 1000
