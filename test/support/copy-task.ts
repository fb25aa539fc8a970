import { TaskMetrics } from '../../src/runtime/host/task-metrics.ts'
import { type Models, ModelError, SILENT } from '../../src/index.ts'
import { openTask, type OpenTask } from '../../src/runtime/host/open-task.ts'
import type { Membership } from '../../src/runtime/host/protocol.ts'
import { uniqueName } from './eventually.ts'
import { hostSettings } from './host-settings.ts'

const NO_MODELS: Models = { load: () => Promise.reject(new ModelError('model.missing', 'none')) }

export interface CopyTask {
  readonly opened: OpenTask
  readonly failures: unknown[]
  readonly groupId: string
  readonly membership: Membership
  stop(): Promise<void>
}

interface CopyOptions {
  readonly workerTopics?: readonly string[]
  /** One that another copy had, to go on where it stopped. */
  readonly groupId?: string
}

/** A TopicSink task that copies bytes, in this process; it commits outside of any group, as a simple consumer does. */
export async function startCopy(
  bootstrapServers: string,
  config: Readonly<Record<string, string>>,
  partitions: number,
  { workerTopics = [], groupId = uniqueName('group') }: CopyOptions = {},
): Promise<CopyTask> {
  const failures: unknown[] = []
  const opened = await openTask({
    id: { connector: 'copy', task: 0 },
    config: { name: 'copy', 'connector.class': 'TopicSink', ...config },
    paused: false,
    stopping: new AbortController(),
    settings: hostSettings({ bootstrapServers: bootstrapServers.split(','), workerTopics }),
    models: NO_MODELS,
    log: SILENT,
    events: {
      at: () => undefined,
      failed: (error) => failures.push(error),
      fenced: () => undefined,
      cleared: () => undefined,
      metrics: new TaskMetrics(),
    },
  })
  const all = Array.from({ length: partitions }, (_, i) => i)
  const membership = {
    groupId,
    memberId: '',
    generation: -1,
    partitions: [{ topic: config['topics'] ?? '', partitions: all }],
  }
  await opened.task.assign(membership)
  const stop = async (): Promise<void> => {
    await opened.task.stop()
    await opened.close()
  }
  return { opened, failures, groupId, membership, stop }
}
