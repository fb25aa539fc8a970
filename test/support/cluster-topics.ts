/** The settings of a cluster's three topics, named after it, on a Kafka of one broker. */
export function clusterTopics(cluster: string): Record<string, string> {
  const settings = ['config', 'offset', 'status'].flatMap((kind) => [
    [`${kind}.storage.topic`, `${cluster}-${kind}`],
    [`${kind}.storage.replication.factor`, '1'],
  ])
  return Object.fromEntries(settings) as Record<string, string>
}
