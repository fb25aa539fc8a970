import { setTimeout as sleep } from 'node:timers/promises'
import { ConnectError, TaskError } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import { createTopic } from '../../kafka/admin.ts'
import type { KafkaClient } from '../../kafka/client.ts'
import { backOffMs } from '../../kafka/retry.ts'
import type { NewTopicFor } from './topic-groups.ts'

export interface TargetTopicsOptions {
  readonly client: Pick<KafkaClient, 'partitionCount' | 'metadata' | 'requestTopic'>
  /** `topic.creation.enable` of the worker. */
  readonly enabled: boolean
  /** Of the connector's `topic.creation.*`. */
  readonly newTopicFor: NewTopicFor | undefined
  readonly log: Logger
  /** Told where a topic that was deleted may not be created again. */
  readonly failed: (error: unknown) => void
  /** Default: on the client. */
  readonly create?: typeof createTopic
}

/** Tries until a topic that was just created can be seen. */
const MOST_LOOKS = 8

/** The topics that a source writes to: created where they are missing and may be, also where they were deleted since. */
export class TargetTopics {
  readonly #options: TargetTopicsOptions
  readonly #known = new Set<string>()
  /** Topics that are created at the moment. */
  readonly #creating = new Map<string, Promise<void>>()

  constructor(options: TargetTopicsOptions) {
    this.#options = options
  }

  /** @throws TaskError `kafka.topic` where it does not exist and may not be created, UnavailableError */
  async ensure(topic: string): Promise<void> {
    const { client } = this.#options
    if ((await client.partitionCount(topic)) === null) await this.#createOnce(topic)
    this.#known.add(topic)
  }

  /** Records that are on their way to a topic find it gone. They are sent once it is there again. */
  missing(topic: string): void {
    if (!this.#known.has(topic) || this.#creating.has(topic)) return
    this.#options.log.warn('the topic is gone: it may have been deleted', { topic })
    this.ensure(topic).catch((error: unknown) => {
      const isTriedAgain = error instanceof ConnectError && error.retriable
      if (!isTriedAgain) this.#options.failed(error)
    })
  }

  #createOnce(topic: string): Promise<void> {
    let creating = this.#creating.get(topic)
    if (creating === undefined) {
      creating = this.#create(topic).finally(() => this.#creating.delete(topic))
      this.#creating.set(topic, creating)
    }
    return creating
  }

  async #create(topic: string): Promise<void> {
    const { client, enabled, newTopicFor, log, create = createTopic } = this.#options
    if (enabled && newTopicFor !== undefined) {
      const wanted = newTopicFor(topic)
      if ((await create(client as KafkaClient, wanted)) === 'created')
        log.info('created a topic', { ...wanted })
    } else {
      await client.requestTopic(topic) // as Kafka's own producer does: the broker decides
    }
    for (let look = 0; look < MOST_LOOKS; look++) {
      const [found] = await client.metadata([topic])
      if (found?.error === 0 && found.partitions.every(({ leader }) => leader >= 0)) return
      await sleep(backOffMs(look))
    }
    throw new TaskError('kafka.topic', this.#whyMissing(topic), { configPath: 'topic.creation.groups' })
  }

  #whyMissing(topic: string): string {
    const missing = `Topic ${topic} does not exist, and the brokers do not create topics by themselves (auto.create.topics.enable).`
    if (!this.#options.enabled)
      return `${missing} Create it; this worker creates no topics for sources (topic.creation.enable=false).`
    return this.#options.newTopicFor === undefined
      ? `${missing} Create it, or give the connector topic.creation.default.replication.factor and topic.creation.default.partitions.`
      : `Topic ${topic} was created but cannot be seen.`
  }
}
