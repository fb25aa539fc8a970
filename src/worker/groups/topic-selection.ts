import { topicList, topicReader } from '../../runtime/read-topics.ts'
import type { StringMap } from '../stores/config-state.ts'

/** The topics a sink reads: named, or all that match a pattern. */
export interface TopicSelection {
  /** null: a pattern, so all topics are asked for. */
  readonly names: readonly string[] | null
  includes(topic: string): boolean
  /** What is not among `found`: topics by name, or the pattern where it matches none. */
  missing(found: ReadonlySet<string>): readonly string[]
}

/** Of a configuration that was checked (connector-config.ts). Kafka's own topics never match a pattern. */
export function topicSelection(config: StringMap): TopicSelection {
  const names = topicList(config)
  if (names.length > 0) {
    const wanted = new Set(names)
    return {
      names,
      includes: (topic) => wanted.has(topic),
      missing: (found) => [...wanted].filter((topic) => !found.has(topic)),
    }
  }
  return {
    names: null,
    includes: topicReader(config),
    missing: (found) => (found.size > 0 ? [] : [config['topics.regex'] ?? '']),
  }
}
