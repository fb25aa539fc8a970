import type { TopicPartition } from '../../api/plugins.ts'
import type { Fetcher } from '../../kafka/fetch/fetch.ts'
import type { FetchedBatch } from '../../kafka/record-batches/records.ts'
import { idOf } from './partitions.ts'
import type { Puts } from './puts.ts'
import type { Prepared } from './sink-pipeline.ts'
import type { Chunk } from './suspect-chunks.ts'

/** What was fetched and not put yet, and the fetch that is on its way. */
export class Intake {
  readonly #fetcher: Pick<Fetcher, 'next' | 'isCurrent' | 'remove'>
  readonly #puts: Pick<Puts, 'put' | 'forget'>
  #fetching: Promise<readonly FetchedBatch[]> | null = null
  #waiting: Chunk[] = []

  constructor(fetcher: Pick<Fetcher, 'next' | 'isCurrent' | 'remove'>, puts: Pick<Puts, 'put' | 'forget'>) {
    this.#fetcher = fetcher
    this.#puts = puts
  }

  /** How many chunks wait. */
  get size(): number {
    return this.#waiting.length
  }

  /** False where `interrupted` comes first: the fetch goes on meanwhile. `cut` makes chunks of a batch. */
  async fetch(
    interrupted: Promise<undefined>,
    cut: (batch: FetchedBatch) => readonly Chunk[],
  ): Promise<boolean> {
    this.#fetching ??= this.#fetcher.next()
    const batches = await Promise.race([this.#fetching, interrupted])
    if (batches === undefined) return false
    this.#fetching = null
    // What was fetched of a partition that was given up is of no use, also where that came back meanwhile.
    const current = batches.filter((fetched) => this.#fetcher.isCurrent(fetched))
    this.#waiting = current.flatMap(cut)
    return true
  }

  /**
   * Gives at most so many chunks to the sink, in order, and `took` what the sink takes; ends before one that it cannot take
   * for now, behind one with a record that is not tolerated, and where `signal` or `took` (false) say so.
   */
  async put(
    most: number,
    signal: AbortSignal,
    took: (chunk: Chunk, prepared: Prepared) => boolean,
  ): Promise<void> {
    try {
      for (const chunk of this.#waiting.slice(0, most)) {
        if (signal.aborted) return // it is read again
        const prepared = await this.#puts.put(chunk, signal)
        if (prepared === undefined) return
        this.#waiting.shift()
        if (!took(chunk, prepared) || prepared.stop !== undefined) return
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  /** Nothing that was fetched of these is put any more. */
  skip(gone: readonly TopicPartition[]): void {
    const ids = new Set(gone.map(idOf))
    const [first] = this.#waiting
    this.#waiting = this.#waiting.filter(({ fetched }) => !ids.has(idOf(fetched)))
    if (first !== this.#waiting[0]) this.#puts.forget()
    this.#fetcher.remove(gone)
  }

  /** What is here or on its way belongs to an earlier assignment. */
  async discard(): Promise<void> {
    await this.#fetching?.catch(() => undefined)
    this.#fetching = null
    this.#waiting = []
    this.#puts.forget()
  }
}
