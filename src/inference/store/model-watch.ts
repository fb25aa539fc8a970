import { messageOf, ModelError } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import type { Model } from '../../api/models.ts'
import { LiveModel, whyIncompatible } from './live-model.ts'
import type { ModelFiles, ReadyModel } from './load-model.ts'

/** A version as it lies there: its files, or why they cannot be found. */
export type FoundVersion = {
  /** Its folder; empty where it lies in the model's own. */
  readonly version: string
  /** Nothing could serve instead of it. */
  readonly isLast: boolean
  /** Changes when any of its files does. */
  readonly stamp: string
} & ({ readonly files: ModelFiles } | { readonly error: unknown })

/** Where a watch finds models again. */
export interface ModelSource {
  /** In order of service. Throws where there is no such model. */
  versions(reference: string): AsyncIterable<FoundVersion>
  /** Reads and probes a model. */
  open(files: ModelFiles): Promise<ReadyModel>
  /** The model is no longer served from here. */
  forget(ready: ReadyModel): void
}

/** A model that begins to serve. */
export interface Beginning {
  readonly found: FoundVersion
  readonly ready: ReadyModel
  /** The versions that would have gone before it, and cannot be read. */
  readonly refused: readonly FoundVersion[]
}

/** In place of a version: none was found. */
const GONE = '$'

/**
 * Follows models that were asked for without a version: where their folder has a newer one, or their file is another,
 * that is loaded, probed, and takes over between two batches. One that is refused leaves the old one serving.
 */
export class ModelWatch {
  readonly #source: ModelSource
  readonly #log: Logger
  /** Weak: who holds a model keeps it alive; one that nobody holds is not looked for. */
  #followed: WeakRef<LiveModel>[] = []

  constructor(source: ModelSource, log: Logger) {
    this.#source = source
    this.#log = log
  }

  /** The model that serves under `reference` from now on. All who ask for it share it. */
  follow(reference: string, { found, ready, refused }: Beginning): Model {
    const known = this.#live().find((live) => live.reference === reference && live.serving === ready)
    if (known !== undefined) return known.model
    const live = new LiveModel(reference, ready, found)
    for (const each of refused) live.refused.set(each.version, each.stamp)
    this.#followed.push(new WeakRef(live))
    return live.model
  }

  /** Looks once at the files of all models that are in use. Never throws. */
  async look(): Promise<void> {
    for (const live of this.#live()) await this.#lookAt(live)
  }

  #live(): LiveModel[] {
    const live = this.#followed.flatMap((each) => each.deref() ?? [])
    if (live.length < this.#followed.length) this.#followed = live.map((each) => new WeakRef(each))
    return live
  }

  async #lookAt(live: LiveModel): Promise<void> {
    const found = await this.#find(live)
    // Taken when two looks saw the same: before, somebody may still be writing it.
    const isSettled = found?.stamp === live.seen
    live.seen = found?.stamp ?? ''
    if (found === undefined || !isSettled || found.stamp === live.taken.stamp) return
    try {
      if ('error' in found) throw found.error
      this.#take(live, await this.#source.open(found.files))
      live.taken = found
    } catch (error) {
      live.refused.set(found.version, found.stamp)
      this.#refuse(live, error)
    }
  }

  /** The version that should serve; undefined where the one that does was refused as it lies there now, and so goes on. */
  async #find(live: LiveModel): Promise<FoundVersion | undefined> {
    try {
      for await (const found of this.#source.versions(live.reference)) {
        if (live.refused.get(found.version) !== found.stamp) return found
        if (found.version === live.taken.version) return undefined
      }
    } catch (error) {
      const stamp = messageOf(error)
      const isSaid = live.refused.get(GONE) === stamp
      return isSaid ? undefined : { version: GONE, isLast: true, stamp, error }
    }
    return undefined
  }

  #take(live: LiveModel, next: ReadyModel): void {
    const before = live.serving
    if (next === before) return
    const reason = whyIncompatible(before.model, next.model)
    if (reason !== undefined) {
      this.#source.forget(next)
      const what = `Version ${next.model.version}: ${reason}. Restart the connector to take it.`
      throw new ModelError('model.incompatible', what)
    }
    live.replace(next)
    this.#source.forget(before)
    const { name, version } = next.model
    this.#log.info('model replaced', { model: name, version, before: before.model.version })
  }

  #refuse(live: LiveModel, error: unknown): void {
    const { name, version } = live.model
    const isGone = error instanceof ModelError && error.code === 'model.missing'
    const what = isGone ? 'files of a model are missing' : 'a new model was refused'
    const fields = { model: name, serving: version, reason: messageOf(error) }
    this.#log.warn(`${what}; the one before goes on serving`, fields)
  }
}
