import type { OffsetStore } from './offset-store.ts'

/** The offsets of sources as a task uses them. */
export type Offsets = Pick<OffsetStore, 'offset' | 'texts' | 'write' | 'close'>

interface Shared {
  readonly store: Promise<OffsetStore>
  users: number
}

/**
 * The offset topics that the tasks of a host read: each once, whatever the number of tasks, and as long as one of them uses
 * it. A topic has the offsets of all connectors, so a reader per task would read, hold and follow all of it each time.
 */
export class SharedOffsets {
  readonly #stores = new Map<string, Shared>()

  /**
   * The store of a topic and of how it is connected to (`place`), read up to what is there now: what another task, or
   * worker, has committed before. `open` opens it where nobody has yet.
   */
  async take(place: string, open: () => Promise<OffsetStore>): Promise<Offsets> {
    const shared = this.#stores.get(place) ?? { store: open(), users: 0 }
    this.#stores.set(place, shared)
    shared.users++
    try {
      const store = await shared.store
      await store.readToEnd()
      let closed: Promise<void> | undefined
      return {
        offset: (...of) => store.offset(...of),
        texts: (...offsets) => store.texts(...offsets),
        write: (...offsets) => store.write(...offsets),
        close: () => (closed ??= this.#release(place, shared)),
      }
    } catch (error) {
      this.#forget(place, shared) // the next one tries anew, and whoever has it keeps it
      await this.#release(place, shared)
      throw error
    }
  }

  async #release(place: string, shared: Shared): Promise<void> {
    if (--shared.users > 0) return
    this.#forget(place, shared)
    const store = await shared.store.catch(() => undefined)
    await store?.close()
  }

  #forget(place: string, shared: Shared): void {
    if (this.#stores.get(place) === shared) this.#stores.delete(place)
  }
}
