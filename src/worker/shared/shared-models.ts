import { createHash, randomUUID } from 'node:crypto'
import { closeSync, existsSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { access, mkdir, readFile, rename, rm, rmdir } from 'node:fs/promises'
import path from 'node:path'
import { ConflictError, messageOf } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import { MODEL_NAME } from '../../inference/store/model-folder.ts'
import { STAGING } from '../../inference/store/add-model-version.ts'
import { KeyedQueue } from '../keyed-queue.ts'

/** A version of a model as it is installed below `models.dir`. */
export interface CheckedVersion {
  readonly name: string
  readonly version: string
  readonly files: ReadonlyMap<string, Buffer>
}

export interface SharedModelsOptions {
  readonly modelsDir: string
  /** Resolves when the record was read back. */
  readonly append: (key: string, value: string | Buffer | null) => Promise<void>
  readonly log: Logger
}

/** Below what a broker takes by default (max.message.bytes, 1 MiB). */
export const CHUNK_BYTES = 512 * 1024
/** Appends that wait for their acknowledgement: what of a model is in memory twice. */
const CHUNKS_IN_FLIGHT = 8

interface FileFacts {
  readonly name: string
  readonly bytes: number
  readonly sha256: string
}

interface Upload {
  readonly name: string
  readonly version: string
  readonly files: readonly FileFacts[]
  /** Where its files are collected; null where the version is here already. */
  readonly folder: string | null
}

/**
 * The models that came over REST, on every worker of the cluster: whoever takes one writes it to the topic, and each
 * worker, that one included, installs what it reads there. Of two that are sent under one version at the same time the
 * first in the topic counts.
 */
export class SharedModels {
  readonly #options: SharedModelsOptions
  readonly #uploads = new Map<string, Upload>()
  /** The upload that counts, by name and version. */
  readonly #winners = new Map<string, { readonly id: string; readonly files: readonly FileFacts[] }>()
  readonly #queue = new KeyedQueue()
  /** Workers may share one models.dir: each collects files in a folder of its own. */
  readonly #staging = `${STAGING}${randomUUID()}-`

  constructor(options: SharedModelsOptions) {
    this.#options = options
  }

  /**
   * Brings a version to all workers; resolves when it is installed here.
   * @throws ConflictError where another worker was faster
   */
  async publish({ name, version, files }: CheckedVersion): Promise<void> {
    const id = randomUUID()
    const { append } = this.#options
    const keys = [`upload/${id}`]
    try {
      await append(`upload/${id}`, JSON.stringify({ name, version, files: [...files].map(factsOf) }))
      for (const [file, [, bytes]] of [...files].entries()) {
        for (let from = 0; from < bytes.length; from += CHUNK_BYTES * CHUNKS_IN_FLIGHT) {
          const round = bytes.subarray(from, from + CHUNK_BYTES * CHUNKS_IN_FLIGHT)
          await Promise.all(
            chunksOf(round).map((chunk, n) => {
              const key = `chunk/${id}/${file}/${from / CHUNK_BYTES + n}`
              keys.push(key)
              return append(key, chunk)
            }),
          )
        }
      }
      await append(`model/${name}/${version}/${id}`, '{}')
    } catch (error) {
      await this.#remove(keys)
      throw error
    }
    await this.#queue.settled()
    if (this.#winners.get(`${name}/${version}`)?.id === id) return
    await this.#remove([...keys, `model/${name}/${version}/${id}`])
    throw new ConflictError(
      'model.exists',
      `Another worker took a version ${version} of the model ${name} at the same time. Send yours under another version.`,
    )
  }

  /**
   * Removes a version from all workers; resolves when it is gone here. False where it did not come to the cluster over
   * REST: then it is somebody's own.
   */
  async remove(name: string, version: string): Promise<boolean> {
    const winner = this.#winners.get(`${name}/${version}`)
    if (winner === undefined) return false
    const { append } = this.#options
    await append(`model/${name}/${version}/${winner.id}`, null)
    const chunks = winner.files.flatMap(({ bytes }, file) =>
      Array.from({ length: Math.ceil(bytes / CHUNK_BYTES) }, (_, n) => `chunk/${winner.id}/${file}/${n}`),
    )
    await this.#remove([`upload/${winner.id}`, ...chunks])
    await this.#queue.settled()
    return true
  }

  /** Resolves when everything that was read so far is installed. Never throws. */
  settled(): Promise<void> {
    return this.#queue.settled()
  }

  began([id = '']: readonly string[], data: Readonly<Record<string, unknown>> | null): void {
    const upload = data === null ? undefined : uploadOf(data)
    if (upload === undefined) void this.#queue.run('', () => this.#forget(id))
    else this.#uploads.set(id, { ...upload, folder: this.#stage(id, upload) })
  }

  received([id = '', file = '', n = '']: readonly string[], chunk: Buffer): void {
    const upload = this.#uploads.get(id)
    const facts = upload?.files[Number(file)]
    const position = Number(n) * CHUNK_BYTES
    if (upload?.folder == null || facts === undefined || !(position + chunk.length <= facts.bytes)) return
    const target = openSync(path.join(upload.folder, facts.name), 'r+')
    writeSync(target, chunk, 0, chunk.length, position)
    closeSync(target)
  }

  ended([name = '', version = '', id = '']: readonly string[], isWhole: boolean): void {
    const key = `${name}/${version}`
    const upload = this.#uploads.get(id)
    const winner = this.#winners.get(key)
    if (!isWhole && winner?.id === id) {
      this.#winners.delete(key)
      void this.#queue.run(name, () => this.#uninstall({ name, version, files: winner.files }))
    }
    if (!isWhole || upload?.name !== name || upload.version !== version || this.#winners.has(key)) {
      void this.#queue.run('', () => this.#forget(id))
      return
    }
    this.#winners.set(key, { id, files: upload.files })
    void this.#queue
      .run(name, () => this.#install(id, upload))
      .catch((error: unknown) => {
        const fields = { model: name, version, error: messageOf(error) }
        this.#options.log.error('a model of the cluster cannot be stored in models.dir', fields)
      })
  }

  /** A folder for its files, of the size that they will have; null where the version is here. */
  #stage(id: string, { name, version, files }: Omit<Upload, 'folder'>): string | null {
    const { modelsDir } = this.#options
    if (existsSync(path.join(modelsDir, name, version))) return null
    const folder = path.join(modelsDir, this.#staging + id, name, version)
    mkdirSync(folder, { recursive: true })
    for (const file of files) closeSync(openSync(path.join(folder, file.name), 'w'))
    return folder
  }

  async #install(id: string, { name, version, files, folder }: Upload): Promise<void> {
    const { modelsDir, log } = this.#options
    const target = path.join(modelsDir, name, version)
    try {
      if (await isThere(target)) {
        if (!(await isSame(target, files)))
          log.warn('this worker has another version of this name than the cluster; its own is kept', {
            model: name,
            version,
          })
        return
      }
      if (folder === null || !(await isSame(folder, files))) {
        const advice =
          'its files are not what was sent. Make room in models.dir and start the worker anew, or send it again'
        log.error(`a model of the cluster cannot be used: ${advice}`, { model: name, version })
        return
      }
      await mkdir(path.dirname(target), { recursive: true })
      await rename(folder, target).catch(async (error: unknown) => {
        if (!(await isSame(target, files))) throw error // else a worker with the same models.dir was faster
      })
      log.info('a model of the cluster was installed', { model: name, version })
    } finally {
      await this.#forget(id)
    }
  }

  /** What lies there may be somebody's own by now. */
  async #uninstall({ name, version, files }: Pick<Upload, 'name' | 'version' | 'files'>): Promise<void> {
    const { modelsDir, log } = this.#options
    const target = path.join(modelsDir, name, version)
    if (!(await isSame(target, files))) return
    await rm(target, { recursive: true, force: true }).then(
      () => log.info('a model of the cluster was removed', { model: name, version }),
      (error: unknown) =>
        log.warn('a model of the cluster could not be removed', {
          model: name,
          version,
          error: messageOf(error),
        }),
    )
    await rmdir(path.dirname(target)).catch(() => undefined) // it has other versions
  }

  async #forget(id: string): Promise<void> {
    if (!this.#uploads.delete(id)) return
    const folder = path.join(this.#options.modelsDir, this.#staging + id)
    await rm(folder, { recursive: true, force: true }).catch(() => undefined) // else it is a leftover
  }

  /** Takes back what nobody needs. Where that fails it stays, and does no harm. */
  async #remove(keys: readonly string[]): Promise<void> {
    await Promise.all(keys.map((key) => this.#options.append(key, null))).catch((error: unknown) => {
      this.#options.log.debug('a model that was not taken stays in the topic', { error: messageOf(error) })
    })
  }
}

function chunksOf(bytes: Buffer): Buffer[] {
  const count = Math.ceil(bytes.length / CHUNK_BYTES)
  return Array.from({ length: count }, (_, n) => bytes.subarray(n * CHUNK_BYTES, (n + 1) * CHUNK_BYTES))
}

function factsOf([name, bytes]: readonly [string, Buffer]): FileFacts {
  return { name, bytes: bytes.length, sha256: sha256(bytes) }
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Names that lead out of their folder are nobody's model. */
function uploadOf({
  name,
  version,
  files,
}: Readonly<Record<string, unknown>>): Omit<Upload, 'folder'> | undefined {
  if (!isName(name) || !isName(version) || !Array.isArray(files)) return undefined
  const facts = files as readonly FileFacts[]
  return facts.every(isFacts) ? { name, version, files: facts } : undefined
}

function isFacts({ name, bytes, sha256 }: { readonly [K in keyof FileFacts]?: unknown }): boolean {
  return isName(name) && typeof bytes === 'number' && typeof sha256 === 'string'
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && MODEL_NAME.test(value)
}

async function isSame(folder: string, files: readonly FileFacts[]): Promise<boolean> {
  for (const { name, sha256: wanted } of files) {
    const bytes = await readFile(path.join(folder, name)).catch(() => undefined)
    if (bytes === undefined || sha256(bytes) !== wanted) return false
  }
  return true
}

function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}
