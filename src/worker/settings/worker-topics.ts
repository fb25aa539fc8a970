import type { WorkerMode } from './modes.ts'

/** The topics in which the workers of a cluster keep their state; a standalone worker has none. */
export function workerTopics(mode: WorkerMode): string[] {
  if (mode.kind === 'standalone') return []
  const { configTopic, offsetTopic, statusTopic, sharedTopic } = mode
  return [configTopic, offsetTopic, statusTopic, sharedTopic].flatMap((each) => each?.topic ?? [])
}
