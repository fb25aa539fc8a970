const LEGAL = /^[a-zA-Z0-9._-]{1,249}$/

/** Topics that brokers and the schema registry keep their state in. */
const RESERVED = new Set([
  '__consumer_offsets',
  '__transaction_state',
  '__cluster_metadata',
  '__share_group_state',
  '_schemas',
])

export function isTopicName(topic: string): boolean {
  return LEGAL.test(topic) && topic !== '.' && topic !== '..'
}

/**
 * Why a connector may not write to a topic, undefined where it may. A record in a worker's own topic could become a
 * connector that nobody has checked.
 */
export function topicRefusal(topic: string, workerTopics: readonly string[]): string | undefined {
  if (!isTopicName(topic))
    return `"${topic.slice(0, 300)}" is not a topic name: 1 to 249 letters, digits, ".", "_" and "-".`
  if (workerTopics.includes(topic)) return `Topic ${topic} holds the state of the workers. Choose another.`
  return RESERVED.has(topic)
    ? `Topic ${topic} holds the state of Kafka or of a schema registry. Choose another.`
    : undefined
}
