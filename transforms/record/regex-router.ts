import { checkPattern, defineConfig, eachRecord, key, patternOf, type TransformPlugin } from 'sluice'
import { APACHE } from './keys.ts'

const config = defineConfig({
  regex: key.string({
    doc: 'A regular expression, in the syntax of Java, for the whole name of a topic.',
    importance: 'HIGH',
    check: checkPattern,
  }),
  replacement: key.string({
    doc: 'The new name; $1 and ${name} stand for groups, and a backslash takes the next character as it is.',
    importance: 'HIGH',
  }),
})

export const regexRouter: TransformPlugin<typeof config.keys> = {
  kind: 'transform',
  level: 'record',
  name: 'RegexRouter',
  aliases: [`${APACHE}.RegexRouter`],
  version: '1.0.0',
  summary: 'Renames the topic of records where it matches a regular expression.',
  config,
  examples: [
    {
      summary: 'a group goes into the new name; a topic that does not match keeps its own',
      config: { regex: 'dev-(\\w+)', replacement: '$1-live' },
      have: [{ topic: 'dev-flights' }, { topic: 'flights' }],
      want: [{ topic: 'flights-live' }, { topic: 'flights' }],
    },
  ],
  open({ regex, replacement }) {
    const pattern = patternOf(regex)
    return {
      adds: [],
      apply(batch) {
        const topics = new Array<string | undefined>(batch.length)
        const known = new Map<string, string>()
        const routed = (topic: string): string => {
          let name = known.get(topic)
          if (name === undefined) {
            name = pattern.matches(topic) ? pattern.replaceFirst(topic, replacement) : topic
            known.set(topic, name)
          }
          return name
        }
        eachRecord(batch, (row) => (topics[row] = routed(batch.topic(row))))
        return batch.withTopics(topics)
      },
    }
  },
}
