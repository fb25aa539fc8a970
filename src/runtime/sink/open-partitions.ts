import type { TopicPartition } from '../../api/plugins.ts'
import { without } from './partitions.ts'
import type { SinkPipeline } from './sink-pipeline.ts'
import type { SinkRequests } from './sink-requests.ts'

/** The partitions that a sink has open: it is told of those alone that come or go. */
export class OpenPartitions {
  readonly #pipeline: Pick<SinkPipeline, 'open' | 'close'>
  readonly #requests: Pick<SinkRequests, 'assign' | 'add'>
  /** Null where the sink was not told of an assignment yet. */
  #opened: readonly TopicPartition[] | null = null

  constructor(
    pipeline: Pick<SinkPipeline, 'open' | 'close'>,
    requests: Pick<SinkRequests, 'assign' | 'add'>,
  ) {
    this.#pipeline = pipeline
    this.#requests = requests
  }

  get all(): readonly TopicPartition[] {
    return this.#opened ?? []
  }

  /** Opens those that are not open yet. */
  async open(coming: readonly TopicPartition[]): Promise<void> {
    const opened = this.all
    const more = without(coming, opened)
    if (this.#opened !== null && more.length === 0) return
    this.#opened = [...opened, ...more]
    if (opened.length === 0) this.#requests.assign(more)
    else this.#requests.add(more)
    await this.#pipeline.open(more)
  }

  /** Closes these, or all that are open. */
  async close(partitions: readonly TopicPartition[] | null = null): Promise<void> {
    const opened = this.#opened
    if (opened === null) return
    const left = partitions === null ? [] : without(opened, partitions)
    this.#opened = left.length === 0 ? null : left
    const closing = without(opened, left)
    if (partitions === null || closing.length > 0) await this.#pipeline.close(closing)
  }
}
