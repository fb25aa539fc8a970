import type { TaskId } from '../runtime/host/protocol.ts'
import type { ConfigStore } from './stores/config-store.ts'
import type { StatusStore } from './stores/status-store.ts'

/** Whether it is noted which topics connectors use, and whether that may be reset (`topic.tracking.*`). */
export interface TopicTracking {
  readonly enabled: boolean
  readonly resettable: boolean
}

export interface ActiveTopicsOptions {
  readonly tracking: TopicTracking
  readonly statuses: Pick<StatusStore, 'topics' | 'usesTopic' | 'putTopic' | 'removeTopics'>
  readonly configs: Pick<ConfigStore, 'get'>
}

/** The topics that connectors use (KIP-558): those that a source has written to, or a sink has read from. */
export class ActiveTopics {
  readonly tracking: TopicTracking
  readonly #options: ActiveTopicsOptions
  /** Uses that are being written. */
  readonly #writing = new Set<string>()

  constructor(options: ActiveTopicsOptions) {
    this.#options = options
    this.tracking = options.tracking
  }

  /** None of a connector that is not there. */
  list(connector: string): string[] {
    return this.#options.statuses.topics(connector).map(({ topic }) => topic)
  }

  /** Forgets the topics of a connector; those that it goes on using are noted again. */
  reset(connector: string): Promise<void> {
    return this.#options.statuses.removeTopics(connector)
  }

  /** A task has used topics since it said so last. */
  used({ connector, task }: TaskId, topics: readonly string[]): void {
    const { statuses, configs } = this.#options
    if (!this.tracking.enabled || configs.get(connector) === undefined) return
    for (const topic of topics) {
      const use = `${topic} ${connector}`
      if (statuses.usesTopic(connector, topic) || this.#writing.has(use)) continue
      this.#writing.add(use)
      const written = statuses.putTopic({ topic, connector, task, discoverTimestamp: Date.now() })
      void written.finally(() => this.#writing.delete(use))
    }
  }
}
