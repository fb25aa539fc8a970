import type { SourceMap, SourceOffset } from '../../api/plugins.ts'
import type { Offsets } from './shared-offsets.ts'

/** The offsets of one connector, in one topic or several: read from the first that has one, written to all. */
export class SourceOffsets {
  readonly #connector: string
  readonly #stores: readonly Offsets[]

  constructor(connector: string, stores: readonly Offsets[]) {
    this.#connector = connector
    this.#stores = stores
  }

  offset(partition: SourceMap): SourceMap | null {
    for (const store of this.#stores) {
      const offset = store.offset(this.#connector, partition)
      if (offset !== null) return offset
    }
    return null
  }

  /** One topic after the other: the first is ahead of the others, never behind. */
  async write(offsets: readonly SourceOffset[]): Promise<void> {
    for (const store of this.#stores) await store.write(this.#connector, offsets)
  }

  async close(): Promise<void> {
    await Promise.all(this.#stores.map((store) => store.close()))
  }
}
