import type { SourceMap, SourceOffset } from '../../api/plugins.ts'
import type { OffsetText } from '../host/protocol.ts'
import type { Offsets } from './shared-offsets.ts'

/** The offsets of one connector, in one topic or several: read from the first that has one, written to all. */
export class SourceOffsets {
  /** The topic that counts, and is read first; of a standalone worker there is none. */
  readonly topic: string
  readonly #connector: string
  readonly #stores: readonly Offsets[]

  constructor(connector: string, topic: string, stores: readonly Offsets[]) {
    this.topic = topic
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

  /** The records of the first topic, for who writes them there himself, in a transaction. */
  texts(offsets: readonly SourceOffset[]): OffsetText[] {
    return this.#stores[0]?.texts(this.#connector, offsets) ?? []
  }

  /** Writes to the other topics what the first one has. */
  async copy(offsets: readonly SourceOffset[]): Promise<void> {
    for (const store of this.#stores.slice(1)) await store.write(this.#connector, offsets)
  }

  async close(): Promise<void> {
    await Promise.all(this.#stores.map((store) => store.close()))
  }
}
