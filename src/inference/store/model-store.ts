import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { messageOf, ModelError } from '../../api/errors.ts'
import { type Logger, SILENT } from '../../api/log.ts'
import type { BeforeReading, Model, Models } from '../../api/models.ts'
import { loadModel, locateFiles, type ModelFiles, type ReadyModel } from './load-model.ts'
import { findInFolder, findPlace, missing, type ModelPlace, realPathBelow } from './model-folder.ts'
import type { InspectModel } from './model-inspection.ts'
import { type FoundVersion, ModelWatch } from './model-watch.ts'

export interface ModelStoreOptions {
  /** `models.dir`: where models have names. */
  readonly modelsDir: string
  /** `models.allowed.dirs`: below these a model may be named by its path. */
  readonly allowedDirs: readonly string[]
  readonly log?: Logger
  /** Reads a model elsewhere before it is read here to replace one that serves; throws where it is refused. */
  readonly inspect?: InspectModel
  /** Reads a version elsewhere before it is read here for the first time, where another one could serve instead. */
  readonly inspectFirst?: InspectModel | undefined
  /** For how long one version after the other is tried, in milliseconds. */
  readonly patience?: number
}

/** A version that can be read, and those that would have gone before it. */
interface Opened {
  readonly found: FoundVersion
  readonly ready: ReadyModel
  readonly refused: readonly Refused[]
}

interface Refused {
  readonly found: FoundVersion
  readonly error: unknown
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
  /** The stamps of versions that were passed over, by model and version. */
  readonly #passedOver = new Map<string, string>()

  constructor(options: ModelStoreOptions) {
    this.#options = options
    this.#log = options.log ?? SILENT
    const source = {
      versions: (reference: string) => this.#versions(reference),
      open: (files: ModelFiles) => this.#openNext(files),
      forget: ({ file, model }: ReadyModel) => void loadedModels.delete(keyOf({ ...model, file })),
    }
    this.#watch = new ModelWatch(source, this.#log)
  }

  /**
   * Without `$version` the model is the latest version that can be read and passes its probes, and stays it: see `watch`.
   * Throws ModelError, where no version can be read that of the latest: `model.missing`, `model.corrupt`,
   * `model.unsupported`, `model.manifest`, `model.probe`.
   */
  async load(reference: string, before?: BeforeReading): Promise<Model> {
    const { found, ready, refused } = await this.#openFirst(reference, before)
    const isPinned = NAME.exec(reference)?.[2] !== undefined
    if (isPinned) return ready.model
    return this.#watch.follow(reference, { found, ready, refused: refused.map((each) => each.found) })
  }

  /** The latest version and no other, with what the file and the manifest say of it. Throws ModelError. */
  async open(reference: string): Promise<ReadyModel> {
    for await (const found of this.#versions(reference)) return this.#openFound(found)
    throw await this.#missing(reference)
  }

  /** The version that `load` would take, in the same way. */
  async openServing(reference: string): Promise<ReadyModel> {
    return (await this.#openFirst(reference)).ready
  }

  /** Goes on looking for newer versions of the models that are in use, as long as the process has anything else to do. */
  watch(): void {
    setTimeout(() => void this.look().then(() => this.watch()), LOOK_INTERVAL_MS).unref()
  }

  /** Looks once; what two looks find is taken. */
  look(): Promise<void> {
    return this.#watch.look()
  }

  async #openFirst(reference: string, before?: BeforeReading): Promise<Opened> {
    const until = performance.now() + (this.#options.patience ?? Infinity)
    const refused: Refused[] = []
    const untried: string[] = []
    for await (const found of this.#versions(reference)) {
      if (refused.length > 0 && performance.now() > until) {
        untried.push(found.version)
        continue
      }
      try {
        const ready = await this.#openFound(found, before)
        for (const each of refused) this.#sayPassedOver(each, ready)
        return { found, ready, refused }
      } catch (error) {
        refused.push({ found, error })
      }
    }
    throw noneReadable(refused, untried)
  }

  async #openFound(found: FoundVersion, before?: BeforeReading): Promise<ReadyModel> {
    if ('error' in found) throw found.error
    const { files, isLast } = found
    if (!isLast && !isLoaded(files)) await this.#options.inspectFirst?.(files.file)
    return this.#openFiles(files, before)
  }

  /** Once per process and stamp of its files. */
  #sayPassedOver({ found: { version, stamp }, error }: Refused, { model }: ReadyModel): void {
    const key = `${model.name}$${version}`
    if (this.#passedOver.get(key) === stamp) return
    this.#passedOver.set(key, stamp)
    const fields = { model: model.name, version, serving: model.version, reason: messageOf(error) }
    this.#log.warn('a version of a model was refused; one before it serves', fields)
  }

  /** The versions under a reference as they lie there now, in order of service. Throws where there is no such model. */
  async *#versions(reference: string): AsyncGenerator<FoundVersion> {
    const { folder, file, ...asked } = await this.#find(reference)
    const versions = file === null ? await findInFolder(folder, asked.wanted) : null
    const folders = versions ?? [null]
    for (const [i, versionFolder] of folders.entries()) {
      const version = versionFolder ?? ''
      const isLast = i === folders.length - 1
      try {
        const place =
          file === null
            ? await findPlace(asked, folder, versionFolder)
            : { ...asked, folder, file, versionFolder }
        const files = await locateFiles(place, this.#roots())
        yield { version, isLast, stamp: `${files.version}|${files.stamp}`, files }
      } catch (error) {
        yield { version, isLast, stamp: messageOf(error), error }
      }
    }
  }

  /** A model that never comes to an end, or ends its process, must not do so where another serves. */
  async #openNext(files: ModelFiles): Promise<ReadyModel> {
    if (!isLoaded(files)) await this.#options.inspect?.(files.file)
    return this.#openFiles(files)
  }

  async #openFiles(files: ModelFiles, before?: BeforeReading): Promise<ReadyModel> {
    const key = keyOf(files)
    const known = loadedModels.get(key)
    if (known?.stamp === files.stamp) return known.ready
    const started = performance.now()
    const ready = loadModel(files, before)
    loadedModels.set(key, { stamp: files.stamp, ready })
    try {
      const { model, probes, loaded } = await ready
      const milliseconds = Math.round(performance.now() - started)
      this.#log.info('model loaded', { model: model.name, version: model.version, probes, milliseconds })
      for (const reason of loaded.warnings ?? [])
        this.#log.warn('a model is not scored as usual', {
          model: model.name,
          version: model.version,
          reason,
        })
    } catch (error) {
      if (loadedModels.get(key)?.ready === ready) loadedModels.delete(key)
      throw error
    }
    return ready
  }

  #roots(): readonly string[] {
    return [this.#options.modelsDir, ...this.#options.allowedDirs]
  }

  /** The folder of a model, or the file that was named itself. */
  async #find(reference: string): Promise<Omit<ModelPlace, 'versionFolder'>> {
    const [, name, version] = NAME.exec(reference) ?? []
    if (name !== undefined) {
      const folder = await realPathBelow([this.#options.modelsDir], path.join(this.#options.modelsDir, name))
      if (folder !== undefined && (await stat(folder)).isDirectory()) {
        return { name, folder, file: null, wanted: version ?? null }
      }
    }
    const real = await this.#findPath(reference)
    if (real === undefined) throw await this.#missing(reference)
    const asked = { name: null, wanted: null }
    if ((await stat(real)).isDirectory()) return { ...asked, folder: real, file: null }
    const parsed = path.parse(real)
    return { ...asked, folder: parsed.dir, file: parsed.base }
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

function isLoaded(files: ModelFiles): boolean {
  return loadedModels.get(keyOf(files))?.stamp === files.stamp
}

/** What is wrong with the latest, where no older version can be read either. */
function noneReadable([latest, ...older]: readonly Refused[], untried: readonly string[]): unknown {
  const error = latest?.error
  if (!(error instanceof ModelError) || older.length + untried.length === 0) return error
  const names = older.map(({ found }) => found.version)
  const failed = names.length === 0 ? '' : ` Older versions cannot be read either: ${names.join(', ')}.`
  const rest = untried.length === 0 ? '' : ` There was no time to try ${untried.join(', ')}.`
  return new ModelError(error.code, error.message + failed + rest, { cause: error })
}
