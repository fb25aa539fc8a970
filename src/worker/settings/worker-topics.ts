import type { WorkerSettings } from './settings.ts'

type Topics = Pick<WorkerSettings, 'configTopic' | 'offsetTopic' | 'statusTopic'>

/** The topics in which the workers of a cluster keep their state. */
export function workerTopics({ configTopic, offsetTopic, statusTopic }: Topics): string[] {
  return [configTopic.topic, offsetTopic.topic, statusTopic.topic]
}
