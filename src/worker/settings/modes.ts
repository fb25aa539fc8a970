import type { ConfigProblem } from '../../api/errors.ts'
import type { SigningSettings } from './signing.ts'
import { STANDALONE_KEYS, WORKER_KEYS, type WorkerKey } from './worker-keys.ts'

export interface InternalTopic {
  readonly topic: string
  readonly partitions: number
  /** -1: the broker's default. */
  readonly replicationFactor: number
}

/** A worker of a cluster, which keeps its connectors and their state in three topics. */
export interface DistributedMode {
  readonly kind: 'distributed'
  readonly groupId: string
  readonly configTopic: InternalTopic
  readonly offsetTopic: InternalTopic
  readonly statusTopic: InternalTopic
  /** What is Sluice's own and holds for all workers (`worker/shared`); null: each worker for itself. */
  readonly sharedTopic: InternalTopic | null
  readonly protocol: 'sessioned' | 'compatible' | 'eager'
  readonly rebalanceDelay: number
  /** Whether sources write records and offsets in transactions (`exactly.once.source.support=enabled`). */
  readonly transactionalSources: boolean
  readonly signing: SigningSettings
}

/** A worker by itself: its connectors live in its memory, the offsets of its sources in a file. */
export interface StandaloneMode {
  readonly kind: 'standalone'
  /** An absolute path. */
  readonly offsetFile: string
}

export type WorkerMode = DistributedMode | StandaloneMode

/** Settings of a worker in a cluster, which a standalone worker ignores: a name, or a prefix with `*`. */
export const CLUSTER_KEYS = [
  'group.id',
  'config.storage.*',
  'offset.storage.topic',
  'offset.storage.partitions',
  'offset.storage.replication.factor',
  'status.storage.*',
  'sluice.storage.*',
  'connect.protocol',
  'scheduled.rebalance.max.delay.ms',
  'inter.worker.*',
  'exactly.once.source.support',
] as const

/** The settings that do something in a mode. */
export function keysOf(kind: WorkerMode['kind']): Readonly<Record<string, WorkerKey>> {
  if (kind === 'distributed') return WORKER_KEYS
  const kept = Object.entries(WORKER_KEYS).filter(([name]) => !isClusterKey(name))
  return { ...Object.fromEntries(kept), ...STANDALONE_KEYS }
}

export function isClusterKey(key: string): boolean {
  return CLUSTER_KEYS.some((pattern) => matches(pattern, key))
}

/** Whether a key is a pattern, or begins with what stands before its `*`. */
export function matches(pattern: string, key: string): boolean {
  return pattern.endsWith('*') ? key.startsWith(pattern.slice(0, -1)) : key === pattern
}

/** Two logs in one topic would take each other's records for their own. */
export function sharedTopics(raw: ReadonlyMap<string, string>): ConfigProblem[] {
  const keys = [
    'config.storage.topic',
    'offset.storage.topic',
    'status.storage.topic',
    'sluice.storage.topic',
  ] as const
  return keys.flatMap((path, i) => {
    const topic = raw.get(path)?.trim() ?? ''
    const same = topic === '' ? undefined : keys.slice(0, i).find((other) => raw.get(other)?.trim() === topic)
    if (same === undefined) return []
    return [{ path, message: `names the same topic as ${same}. Each needs one of its own.` }]
  })
}
