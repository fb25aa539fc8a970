import type { LevelTable } from './log-levels.ts'
import type { MetricsSnapshot } from './task-metrics.ts'
import type { RawConfig } from '../../api/config.ts'
import type { AllowedImages } from '../../api/images.ts'
import type { Figures } from '../../api/plugins.ts'
import type { ProviderSettings } from '../config-providers/config-providers.ts'
import type { ClientDefaults } from '../plugins/client-settings.ts'

/**
 * The messages between a worker process and its task hosts (Node's IPC channel, `serialization: 'advanced'`).
 * Nothing else is shared between the two. Per batch or rarer, never per record.
 */
export interface TaskId {
  readonly connector: string
  /** From 0 on; `MONITOR` is the connector's own, which is run as a task is. */
  readonly task: number
}

export const MONITOR = -1

/** One word for logs and maps. */
export function nameOf({ connector, task }: TaskId): string {
  return task === MONITOR ? `${connector} (monitor)` : `${connector}-${task}`
}

/** The transactional id of a task's producer, with Kafka Connect's words; `prefix` is the cluster's `group.id` (KIP-618). */
export function transactionalIdOf(prefix: string, { connector, task }: TaskId): string {
  return `${prefix}-${connector}-${task}`
}

/** What a task host must know of the worker's settings. */
export interface HostSettings {
  readonly bootstrapServers: readonly string[]
  /** As they are written: hosts ask the config providers themselves. */
  readonly clients: ClientDefaults
  readonly clientId: string
  /** Whether sources write in transactions (`exactly.once.source.support`). */
  readonly transactionalSources: boolean
  /** With it the transactional ids of tasks begin: the cluster's `group.id` (KIP-618). */
  readonly transactionalIdPrefix: string
  /** Nothing is written to these. */
  readonly workerTopics: readonly string[]
  readonly modelsDir: string
  /** The folders of packages with plugins, to be loaded before the first task. */
  readonly pluginPackages: readonly string[]
  readonly modelsAllowedDirs: readonly string[]
  readonly images: AllowedImages
  readonly offsetFlushIntervalMs: number
  /** Where sources commit their offsets; null where the worker keeps them, and is asked for them (`readOffsets`). */
  readonly offsetTopic: {
    readonly topic: string
    readonly partitions: number
    readonly replicationFactor: number
  } | null
  /** Whether sources may have topics created (`topic.creation.enable`). */
  readonly topicCreation: boolean
  /** Whether hosts say which topics their tasks use (`topic.tracking.enable`). */
  readonly topicTracking: boolean
  /** How long a task may take to stop. */
  readonly stopTimeoutMs: number
  /** How long a plugin may take, and the inspection of a new model. */
  readonly taskDeadlineMs: number
  readonly configProviders: readonly ProviderSettings[]
  /** `key.converter`, `value.converter.schema.registry.url`, …: defaults under a connector's own, as they are written. */
  readonly converterDefaults: RawConfig
  readonly logLevel: string
}

export interface TopicPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

/** A task's place in its sink group. Offsets are committed with member id and generation, so a zombie is fenced. */
export interface Membership {
  readonly groupId: string
  readonly memberId: string
  readonly generation: number
  /** Of a static member. */
  readonly groupInstanceId?: string | null
  /** Whether the task goes on while its group rebalances: an assignment then changes what it has, and replaces nothing. */
  readonly cooperative?: boolean
  readonly partitions: readonly TopicPartitions[]
}

/** Records of one partition. */
export interface RowRange {
  readonly topic: string
  readonly partition: number
  /** Offsets; both belong to it. */
  readonly first: bigint
  readonly last: bigint
}

/** What a plugin did to its task host when it was given one record alone. */
export interface PoisonCause {
  /** As `at` named it. */
  readonly stage: string
  readonly reason: string
}

/** Records over which task hosts died. `worker/suspects` keeps them; `runtime/sink/suspect-chunks` acts on them. */
export interface SuspectRows extends RowRange {
  /** Whether they are taken one by one; else they are tried once more as they come. */
  readonly apart: boolean
  /** One record that was found out: it fails, and no plugin sees it again. */
  readonly poison: PoisonCause | null
}

export type TaskState = 'RUNNING' | 'PAUSED' | 'FAILED'

/** What a transform of a task shows under a name. */
export interface Shown {
  /** Its alias. */
  readonly transform: string
  readonly name: string
  readonly figures: Figures
}

/** An offset of a source as it is stored: `["connector",{partition}]` and JSON; null removes it. */
export interface OffsetText {
  readonly key: string
  readonly value: string | null
}

/**
 * What the worker does for a source task that writes in transactions: `fence` ends the producers of all tasks that its
 * connector had before; `confirm`, when the task has its own producer, says whether it is still to run.
 */
export type OwnershipStep = 'fence' | 'confirm'

interface Problem {
  readonly message: string
  readonly retriable: boolean
}

export type ToHost =
  /** `alone`: its only task is suspected of having taken a host down. */
  | { readonly type: 'settings'; readonly settings: HostSettings; readonly alone: boolean }
  /**
   * Until when what this host runs is surely nobody else's, in milliseconds of the machine's monotonic clock; told once a
   * second. A worker that is stopped, or cut off from its group, cannot say that it was replaced.
   */
  | { readonly type: 'lease'; readonly until: number }
  /** The levels of the worker's loggers, from now on those of the host's. */
  | { readonly type: 'levels'; readonly levels: LevelTable }
  /** Starts a task; it opens its plugins and models, answers `state`, and waits for `assign`. */
  | {
      readonly type: 'start'
      readonly id: TaskId
      readonly config: RawConfig
      readonly paused: boolean
    }
  | {
      readonly type: 'assign'
      readonly id: TaskId
      readonly membership: Membership
      readonly suspects: readonly SuspectRows[]
    }
  /** Finish what is in flight, commit, stop fetching: all partitions, or all but those of `keep`; answered by `revoked`. */
  | { readonly type: 'revoke'; readonly id: TaskId; readonly keep?: Membership }
  /** The membership was lost, of a source that of its worker: stop at once, commit nothing. */
  | { readonly type: 'lost'; readonly id: TaskId }
  | { readonly type: 'pause'; readonly id: TaskId }
  | { readonly type: 'resume'; readonly id: TaskId }
  /** Finish, commit, close the plugins; answered by `stopped`. */
  | { readonly type: 'stop'; readonly id: TaskId }
  /** Checks a connector's whole configuration by opening its plugins (models included); answered by `validated`. */
  | { readonly type: 'validate'; readonly call: number; readonly config: RawConfig }
  /** Asks a source for the configs of its tasks; answered by `configured`. */
  | { readonly type: 'configure'; readonly call: number; readonly config: RawConfig }
  /** Answers `readOffsets`, and `writeOffsets` once they are durable; or says what is wrong. */
  | {
      readonly type: 'offsets'
      readonly call: number
      readonly offsets: readonly OffsetText[]
      readonly problem?: Problem
    }
  /** Answers `askOwnership`. */
  | { readonly type: 'ownership'; readonly call: number; readonly problem?: Problem }

export type FromHost =
  | { readonly type: 'ready' }
  | { readonly type: 'state'; readonly id: TaskId; readonly state: TaskState; readonly trace?: string }
  /** What the task waits for, as its status shows it; null: that is over. */
  | { readonly type: 'waits'; readonly id: TaskId; readonly reason: string | null }
  | { readonly type: 'revoked'; readonly id: TaskId }
  | { readonly type: 'stopped'; readonly id: TaskId }
  /** The monitor of a source asks for new configs of its tasks. */
  | { readonly type: 'reconfigure'; readonly id: TaskId }
  /** The broker refused a commit: this member was replaced. The worker rejoins the group. */
  | { readonly type: 'fenced'; readonly id: TaskId }
  /** Sent before each call into a plugin, and with `idle` after it: the worker holds the deadline. `rows`: its batch. */
  | { readonly type: 'at'; readonly id: TaskId; readonly stage: string; readonly rows?: RowRange }
  /** Suspect rows before this offset are done with: the offset is committed. */
  | {
      readonly type: 'cleared'
      readonly id: TaskId
      readonly topic: string
      readonly partition: number
      readonly offset: bigint
    }
  | {
      readonly type: 'validated'
      readonly call: number
      readonly problems: readonly { path: string; message: string }[]
    }
  /** One config per task; or why there are none. */
  | {
      readonly type: 'configured'
      readonly call: number
      readonly tasks: readonly RawConfig[]
      readonly trace?: string
    }
  /** Asks the worker for the offsets of a task's connector; answered by `offsets`. */
  | { readonly type: 'readOffsets'; readonly id: TaskId; readonly call: number }
  | {
      readonly type: 'writeOffsets'
      readonly id: TaskId
      readonly call: number
      readonly offsets: readonly OffsetText[]
    }
  /** A source task that writes in transactions opens; answered by `ownership`. */
  | {
      readonly type: 'askOwnership'
      readonly id: TaskId
      readonly call: number
      readonly step: OwnershipStep
    }
  /** The topics that the task has used since the last one; at most once a second, and before `stopped`. */
  | { readonly type: 'topics'; readonly id: TaskId; readonly topics: readonly string[] }
  /** Once a second: the process lives, and its event loop turns. */
  | { readonly type: 'heartbeat' }
  /** Once a second while a task runs, where anything was counted since, and before `stopped`. */
  | { readonly type: 'metrics'; readonly id: TaskId; readonly metrics: MetricsSnapshot }
  /** What changed since the last one; at most once a second, and before `stopped`. */
  | { readonly type: 'shown'; readonly id: TaskId; readonly shown: readonly Shown[] }
