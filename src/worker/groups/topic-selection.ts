import type { RawConfig } from '../../api/config.ts'
import { topicList, topicReader } from '../../runtime/sink/read-topics.ts'

/** The topics a sink reads: named, or all that match a pattern. */
export interface TopicSelection {
  /** null: a pattern, so all topics are asked for. */
  readonly names: readonly string[] | null
  includes(topic: string): boolean
  /** What is not among `found`: topics by name, or the pattern where it matches none. */
  missing(found: ReadonlySet<string>): readonly string[]
}

/** Of a configuration that was checked (connector-config.ts). Kafka's and the workers' own topics never match a pattern. */
export function topicSelection(config: RawConfig, workerTopics: readonly string[] = []): TopicSelection {
  const names = topicList(config)
  if (names.length > 0) {
    const wanted = new Set(names)
    return {
      names,
      includes: (topic) => wanted.has(topic),
      missing: (found) => [...wanted].filter((topic) => !found.has(topic)),
    }
  }
  const reads = topicReader(config)
  return {
    names: null,
    includes: (topic) => !workerTopics.includes(topic) && reads(topic),
    missing: (found) => (found.size > 0 ? [] : [config['topics.regex'] ?? '']),
  }
}
