import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { type Logger, SILENT } from '../../api/log.ts'
import type { Model, Models } from '../../api/models.ts'
import { loadModel, locateFiles, type ModelFiles, type ReadyModel } from './load-model.ts'
import { findInFolder, missing, type ModelPlace, realPathBelow } from './model-folder.ts'
import type { InspectModel } from './model-inspection.ts'
import { ModelWatch } from './model-watch.ts'

export interface ModelStoreOptions {
  /** `models.dir`: where models have names. */
  readonly modelsDir: string
  /** `models.allowed.dirs`: below these a model may be named by its path. */
  readonly allowedDirs: readonly string[]
  readonly log?: Logger
  /** Reads a model elsewhere before it is read here to replace one that serves; throws where it is refused. */
  readonly inspect?: InspectModel
}

const NAME = /^([A-Za-z0-9_][A-Za-z0-9_.-]*)(?:\$([A-Za-z0-9_][A-Za-z0-9_.-]*))?$/

/** How often files of models that serve are looked at. */
const LOOK_INTERVAL_MS = 2000

/** Loaded models of this process, by place: all tasks share one copy. */
const loadedModels = new Map<string, { readonly stamp: string; readonly ready: Promise<ReadyModel> }>()

/**
 * Finds models and loads them once per process and version of their files: `name` or `name$version` below `models.dir`,
 * or the path of a file or folder below it or an allowed folder. Nothing outside of these is opened: paths are
 * compared after symbolic links are resolved.
 */
export class ModelStore implements Models {
  readonly #options: ModelStoreOptions
  readonly #log: Logger
  readonly #watch: ModelWatch

  constructor(options: ModelStoreOptions) {
    this.#options = options
    this.#log = options.log ?? SILENT
    const source = {
      locate: (reference: string) => this.#locate(reference),
      open: (files: ModelFiles) => this.#openNext(files),
      forget: ({ file, model }: ReadyModel) => void loadedModels.delete(keyOf({ ...model, file })),
    }
    this.#watch = new ModelWatch(source, this.#log)
  }

  /**
   * Without `$version` the model is the latest, and stays it: see `watch`. Throws ModelError: `model.missing`,
   * `model.corrupt`, `model.unsupported`, `model.manifest`, `model.probe`.
   */
  async load(reference: string): Promise<Model> {
    const files = await this.#locate(reference)
    const ready = await this.#openFiles(files)
    const isPinned = NAME.exec(reference)?.[2] !== undefined
    return isPinned ? ready.model : this.#watch.follow(reference, files, ready)
  }

  /** The version that is there now, with what the file and the manifest say of it. */
  async open(reference: string): Promise<ReadyModel> {
    return this.#openFiles(await this.#locate(reference))
  }

  /** Goes on looking for newer versions of the models that are in use, as long as the process has anything else to do. */
  watch(): void {
    setTimeout(() => void this.look().then(() => this.watch()), LOOK_INTERVAL_MS).unref()
  }

  /** Looks once; what two looks find is taken. */
  look(): Promise<void> {
    return this.#watch.look()
  }

  async #locate(reference: string): Promise<ModelFiles> {
    return locateFiles(await this.#find(reference), this.#roots())
  }

  /** A model that never comes to an end, or ends its process, must not do so where another serves. */
  async #openNext(files: ModelFiles): Promise<ReadyModel> {
    const isLoaded = loadedModels.get(keyOf(files))?.stamp === files.stamp
    if (!isLoaded) await this.#options.inspect?.(files.file)
    return this.#openFiles(files)
  }

  async #openFiles(files: ModelFiles): Promise<ReadyModel> {
    const key = keyOf(files)
    const known = loadedModels.get(key)
    if (known?.stamp === files.stamp) return known.ready
    const started = performance.now()
    const ready = loadModel(files)
    loadedModels.set(key, { stamp: files.stamp, ready })
    try {
      const { model, probes } = await ready
      const milliseconds = Math.round(performance.now() - started)
      this.#log.info('model loaded', { model: model.name, version: model.version, probes, milliseconds })
    } catch (error) {
      if (loadedModels.get(key)?.ready === ready) loadedModels.delete(key)
      throw error
    }
    return ready
  }

  #roots(): readonly string[] {
    return [this.#options.modelsDir, ...this.#options.allowedDirs]
  }

  async #find(reference: string): Promise<ModelPlace> {
    const [, name, version] = NAME.exec(reference) ?? []
    if (name !== undefined) {
      const folder = await realPathBelow([this.#options.modelsDir], path.join(this.#options.modelsDir, name))
      if (folder !== undefined && (await stat(folder)).isDirectory()) {
        return findInFolder(name, folder, version ?? null)
      }
    }
    const real = await this.#findPath(reference)
    if (real === undefined) throw await this.#missing(reference)
    const parsed = path.parse(real)
    if ((await stat(real)).isDirectory()) return findInFolder(null, real, null)
    return { name: null, folder: parsed.dir, file: parsed.base, versionFolder: null, wanted: null }
  }

  /** A relative path is looked for below each allowed folder, then below the working directory. */
  async #findPath(reference: string): Promise<string | undefined> {
    if (reference === '' || reference.includes('\0')) return undefined
    const wanted = path.isAbsolute(reference)
      ? [reference]
      : [...this.#options.allowedDirs.map((folder) => path.join(folder, reference)), path.resolve(reference)]
    for (const each of wanted) {
      const real = await realPathBelow(this.#roots(), each)
      if (real !== undefined) return real
    }
    return undefined
  }

  async #missing(reference: string) {
    const { modelsDir } = this.#options
    const shown = JSON.stringify(reference.slice(0, 200))
    if (NAME.test(reference)) {
      const names = await readdir(modelsDir).catch(() => [])
      const known = names.filter((name) => NAME.test(name)).slice(0, 20)
      const there = known.length === 0 ? 'There is none' : `There are: ${known.join(', ')}`
      return missing(`There is no model ${shown} in ${modelsDir}. ${there}.`)
    }
    return missing(
      `The model ${shown} does not exist, or lies outside of models.dir (${modelsDir}) and models.allowed.dirs. ` +
        'Put it below one of them, or allow its folder.',
    )
  }
}

function keyOf({ file, name, version }: Pick<ModelFiles, 'file' | 'name' | 'version'>): string {
  return `${file}|${name}|${version}`
}
