import { topicList, topicReader } from '../runtime/read-topics.ts'
import type { StringMap } from './config-state.ts'

/** The topics a sink reads: named, or all that match a pattern. */
export interface TopicSelection {
  /** null: a pattern, so all topics are asked for. */
  readonly names: readonly string[] | null
  includes(topic: string): boolean
  /** Whether nothing is missing: with `found` there is no reason to look again soon. */
  complete(found: Iterable<string>): boolean
}

/** Of a configuration that was checked (connector-config.ts). Kafka's own topics never match a pattern. */
export function topicSelection(config: StringMap): TopicSelection {
  const names = topicList(config)
  if (names.length > 0) {
    const wanted = new Set(names)
    return {
      names,
      includes: (topic) => wanted.has(topic),
      complete: (found) => new Set(found).size === wanted.size,
    }
  }
  return {
    names: null,
    includes: topicReader(config),
    complete: (found) => !new Set(found).values().next().done,
  }
}
