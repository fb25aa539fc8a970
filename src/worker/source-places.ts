import type { RawConfig } from '../api/config.ts'
import type { SourceOffset } from '../api/plugins.ts'
import { partitionId } from '../runtime/source/offset-format.ts'
import { OffsetStore } from '../runtime/source/offset-store.ts'
import type { OffsetPlace, OffsetPlaces } from './stores/offset-places.ts'

/** The offsets of sources, in all the places where a connector has some. A place is opened when it is first asked for. */
export class SourcePlaces {
  readonly #places: OffsetPlaces
  readonly #stores = new Map<string, Promise<OffsetStore>>()

  constructor(places: OffsetPlaces) {
    this.#places = places
  }

  async list(name: string, config: RawConfig): Promise<SourceOffset[]> {
    const found = new Map<string, SourceOffset>()
    // The connector's own topic goes before that of the workers.
    for (const store of (await this.#storesOf(config)).toReversed()) {
      await store.readToEnd()
      for (const each of store.offsets(name)) found.set(partitionId(each.partition), each)
    }
    return [...found.values()]
  }

  async write(name: string, config: RawConfig, offsets: readonly SourceOffset[]): Promise<void> {
    for (const store of await this.#storesOf(config)) await store.write(name, offsets)
  }

  async reset(name: string, config: RawConfig): Promise<void> {
    const offsets = await this.list(name, config)
    await this.write(
      name,
      config,
      offsets.map(({ partition }) => ({ partition, offset: null })),
    )
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#stores.values())
    await Promise.all(opened.flatMap((store) => (store.status === 'fulfilled' ? [store.value.close()] : [])))
  }

  /** As the tasks have them: the connector's own topic first. */
  #storesOf(config: RawConfig): Promise<OffsetStore[]> {
    return Promise.all(this.#places(config).map((place) => this.#store(place)))
  }

  #store({ name, open }: OffsetPlace): Promise<OffsetStore> {
    let store = this.#stores.get(name)
    if (store === undefined) {
      store = OffsetStore.open(open, name)
      store.catch(() => this.#stores.delete(name)) // the next request tries again
      this.#stores.set(name, store)
    }
    return store
  }
}
