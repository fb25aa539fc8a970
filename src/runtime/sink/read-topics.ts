import { compilePattern } from '../../api/pattern.ts'

type Raw = Readonly<Record<string, string | undefined>>

/** The topics that a sink names in `topics`, each once. */
export function topicList(raw: Raw): string[] {
  const topics = (raw['topics'] ?? '').split(',').map((topic) => topic.trim())
  return [...new Set(topics)].filter((topic) => topic !== '')
}

/**
 * Whether a sink reads a topic of that name, now or once it exists: it is in `topics` or matches `topics.regex`.
 * Kafka's own topics never match a pattern.
 */
export function topicReader(raw: Raw): (topic: string) => boolean {
  const names = new Set(topicList(raw))
  if (names.size > 0) return (topic) => names.has(topic)
  const pattern = raw['topics.regex']?.trim() ?? ''
  const compiled = pattern === '' ? undefined : compilePattern(pattern)
  if (compiled === undefined || 'problem' in compiled) return () => false
  return (topic) => !topic.startsWith('__') && compiled.pattern.matches(topic)
}
