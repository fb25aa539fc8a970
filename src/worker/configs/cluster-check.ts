import type { RawConfig } from '../../api/config.ts'
import type { ConfigProblem } from '../../api/errors.ts'
import { connectorOf } from '../../runtime/plugins/configured-plugins.ts'
import { transactionProblems } from '../../runtime/source/source-keys.ts'
import { brokerProblems } from '../../runtime/sink/exactly-once.ts'
import { topicList } from '../../runtime/sink/read-topics.ts'
import { topicRefusal } from '../../runtime/delivery/written-topics.ts'
import { overrideProblems } from './override-check.ts'
import { connectorClass } from './plugin-catalogue.ts'
import { sinkGroupId } from '../groups/sink-group.ts'
import type { WorkerMode } from '../settings/modes.ts'
import type { WorkerSettings } from '../settings/settings.ts'
import { workerTopics } from '../settings/worker-topics.ts'

const WRITTEN = { sink: ['target.topic'], source: ['topic'], both: ['errors.deadletterqueue.topic.name'] }

/** Where a connector would get in the way of the workers that run it, or read what they keep to themselves. */
export function clusterProblems(
  config: RawConfig,
  settings: Pick<WorkerSettings, 'mode' | 'overrides' | 'clients'>,
): ConfigProblem[] {
  const { mode } = settings
  const own = workerTopics(mode)
  const isSource = connectorClass(config).type === 'source'
  const written = [...(isSource ? WRITTEN.source : WRITTEN.sink), ...WRITTEN.both]
  const problems = written.flatMap((path): ConfigProblem[] => {
    const topic = config[path]?.trim() ?? ''
    const message = topic === '' || topic.includes('${topic}') ? undefined : topicRefusal(topic, own)
    return message === undefined ? [] : [{ path, message }]
  })
  problems.push(...overrideProblems(config, settings))
  if (isSource)
    return [...problems, ...offsetTopicProblems(config, mode), ...sourceTransactionProblems(config, mode)]
  problems.push(...brokerProblems(config, settings.clients))
  for (const topic of topicList(config).filter((name) => own.includes(name))) {
    const message = `Topic ${topic} holds the state of the workers, with the secrets of all connectors. Choose another.`
    problems.push({ path: 'topics', message })
  }
  if (mode.kind === 'distributed' && sinkGroupId(config) === mode.groupId) {
    const path = config['consumer.override.group.id'] === undefined ? 'name' : 'consumer.override.group.id'
    const message = `The consumer group ${mode.groupId} is that of the workers (group.id): no task would get a partition. Choose another ${path}.`
    problems.push({ path, message })
  }
  return problems
}

/** What the source says counts for values of its own that are right. */
function sourceTransactionProblems(config: RawConfig, mode: WorkerMode): ConfigProblem[] {
  const transactionalSources = mode.kind === 'distributed' && mode.transactionalSources
  return transactionProblems(config, { transactionalSources }, () => {
    const plugin = connectorOf(config)
    const own = plugin.kind === 'source' ? plugin.config.parse(config) : undefined
    if (plugin.kind !== 'source' || own === undefined || own.problems.length > 0)
      return { exactlyOnce: undefined, definesTransactions: false }
    return {
      exactlyOnce: plugin.exactlyOnce?.(own.values),
      definesTransactions: plugin.definesTransactions?.(own.values) ?? false,
    }
  })
}

/** A source may share the workers' offset topic, which has its format; the others hold something else. */
function offsetTopicProblems(config: RawConfig, mode: WorkerMode): ConfigProblem[] {
  const path = 'offsets.storage.topic'
  const topic = config[path]?.trim() ?? ''
  const others = mode.kind === 'standalone' ? [] : [mode.configTopic.topic, mode.statusTopic.topic]
  const refusal = topicRefusal(topic, others)
  return topic === '' || refusal === undefined ? [] : [{ path, message: refusal }]
}
