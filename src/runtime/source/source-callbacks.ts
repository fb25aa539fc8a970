import { messageOf } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import type { SourceRecord, SourceTask } from '../../api/plugins.ts'
import { IDLE, type Tell } from '../host/stage-tracker.ts'
import type { PreparedPoll } from './source-pipeline.ts'

export interface SourceCallbacksParts {
  readonly source: SourceTask
  readonly at: Tell
  readonly log: Logger
}

/** What a source is told, each under the deadline of plugins. What it throws is logged, but by `stop`. */
export class SourceCallbacks {
  readonly #parts: SourceCallbacksParts

  constructor(parts: SourceCallbacksParts) {
    this.#parts = parts
  }

  /** Of each record what became of it; `delivered`: those that live are in Kafka. */
  async records(
    records: readonly SourceRecord[],
    { batch }: PreparedPoll,
    delivered: boolean,
  ): Promise<void> {
    const { source, log } = this.#parts
    if (source.commitRecord === undefined) return
    await this.#within('commitRecord', async () => {
      for (const [row, record] of records.entries())
        await source.commitRecord?.(record, delivered && batch.isLive(row))
    }).catch((error: unknown) => log.error('commitRecord of the source threw', { error: messageOf(error) }))
  }

  /** Also where nothing was to be written, as in Kafka Connect: a source may acknowledge what it has read. */
  async committed(): Promise<void> {
    const { source, log } = this.#parts
    if (source.commit === undefined) return
    try {
      await this.#within('commit', async () => source.commit?.())
    } catch (error) {
      log.error('commit of the source threw', { error: messageOf(error) })
    }
  }

  stop(): Promise<void> {
    return this.#within('stop', async () => this.#parts.source.stop?.())
  }

  async #within(stage: string, work: () => Promise<void>): Promise<void> {
    await this.#parts.at(stage)
    try {
      await work()
    } finally {
      void this.#parts.at(IDLE)
    }
  }
}
