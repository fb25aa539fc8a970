import { readFile, realpath } from 'node:fs/promises'
import path from 'node:path'
import { ConnectError, messageOf, TaskError, UnavailableError } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import { parseOffsetKey } from '../../runtime/source/offset-format.ts'
import type { OffsetRecord, OpenOffsetLog } from '../../runtime/source/offset-store.ts'
import type { OffsetText } from '../../runtime/host/protocol.ts'
import { claimFile, type Release } from './file-claim.ts'
import { decodeOffsets, encodeOffsets, type OffsetEntry, OffsetsFormatError } from './java-offsets.ts'
import { codeOf, type FileMark, markOf, replaceFile, sameMark } from './replace-file.ts'

/**
 * The offsets of a standalone worker: a file that Kafka Connect's standalone worker reads and writes too. One process
 * has it. It is written anew, whole, for every set of changes; changes that come during a write share the next one.
 */
export class OffsetFile {
  readonly file: string
  readonly #log: Logger
  readonly #release: Release
  /** By the bytes of the key. What is no offset stays as it is. */
  readonly #entries = new Map<string, OffsetEntry>()
  readonly #followers = new Set<(record: OffsetRecord) => void>()
  /** The file as this process read or wrote it last. */
  #mark: FileMark | undefined
  #writing: Promise<void> = Promise.resolve()
  /** The write that has not begun yet. */
  #next: Promise<void> | undefined

  private constructor(file: string, release: Release, log: Logger) {
    this.file = file
    this.#release = release
    this.#log = log
  }

  /**
   * Reads the file and writes it once, so that one that cannot be written shows at the start.
   * @throws TaskError `offset.file`: damaged, not writable, or another worker has it
   */
  static async open(file: string, log: Logger): Promise<OffsetFile> {
    const whole = await resolved(file)
    const release = await claimFile(whole)
    if (release === undefined)
      throw failure(
        whole,
        'belongs to another worker that runs on this machine. Stop that one, or give each worker an offset.storage.file.filename of its own.',
      )
    const opened = new OffsetFile(whole, release, log)
    try {
      await opened.#read()
      await opened.#write()
    } catch (error) {
      release()
      throw error instanceof ConnectError && error.retriable
        ? new TaskError('offset.file', error.message, { cause: error })
        : error
    }
    return opened
  }

  /** The offsets of one connector. */
  records(connector: string): OffsetText[] {
    return [...this.#entries.values()].flatMap(({ key, value }) => {
      const text = key?.toString() ?? ''
      if (value === null || parseOffsetKey(text)?.connector !== connector) return []
      return [{ key: text, value: value.toString() }]
    })
  }

  /**
   * Sets offsets; null removes one. Resolves when the file has them on disk.
   * @throws UnavailableError where it cannot be written now, TaskError where somebody else has written it
   */
  write(records: readonly OffsetText[]): Promise<void> {
    for (const { key, value } of records) {
      const bytes = Buffer.from(key)
      if (value === null) this.#entries.delete(idOf(bytes))
      else this.#entries.set(idOf(bytes), { key: bytes, value: Buffer.from(value) })
    }
    this.#next ??= this.#writing.then(() => {
      this.#next = undefined
      return this.#write()
    })
    const written = this.#next
    this.#writing = written.catch(() => undefined)
    return written.then(() => {
      for (const record of records) this.#tell(record)
    })
  }

  /** The whole file as a log that is read and followed. */
  readonly openLog: OpenOffsetLog = (onRecord) => {
    this.#followers.add(onRecord)
    for (const { key, value } of this.#entries.values()) onRecord({ key: key?.toString() ?? null, value })
    return Promise.resolve({
      append: (key, value) => this.write([{ key, value }]),
      readToEnd: () => Promise.resolve(),
      close: () => {
        this.#followers.delete(onRecord)
        return Promise.resolve()
      },
    })
  }

  /** After the last write. */
  async close(): Promise<void> {
    await this.#writing
    this.#release()
  }

  #tell({ key, value }: OffsetText): void {
    for (const follower of this.#followers)
      follower({ key, value: value === null ? null : Buffer.from(value) })
  }

  async #read(): Promise<void> {
    const { file } = this
    this.#mark = await guarded(file, 'read', () => markOf(file))
    if (this.#mark === undefined) return
    const bytes = await guarded(file, 'read', () => readFile(file))
    if (bytes.length === 0) {
      // Kafka Connect takes it so too; its own worker leaves it behind when it is killed while it writes.
      this.#log.warn('the offsets file is empty: sources begin anew', { file })
      return
    }
    for (const entry of this.#decoded(bytes)) this.#entries.set(idOf(entry.key), entry)
  }

  #decoded(bytes: Buffer): OffsetEntry[] {
    try {
      return decodeOffsets(bytes)
    } catch (error) {
      if (!(error instanceof OffsetsFormatError)) throw error
      throw failure(
        this.file,
        `${error.message}. Put a copy of the file in its place, or move it away: sources then begin anew.`,
        error,
      )
    }
  }

  async #write(): Promise<void> {
    const { file } = this
    await guarded(file, 'written', async () => {
      const found = await markOf(file)
      if (found !== undefined && !sameMark(found, this.#mark))
        throw failure(
          file,
          'was written by somebody else since this worker read it, and is left as it is. Two workers must not share it: stop the other one, or give each an offset.storage.file.filename of its own, and start this worker anew.',
        )
      if (found === undefined && this.#mark !== undefined)
        this.#log.warn('the offsets file is gone; it is written anew', { file })
      await replaceFile(file, encodeOffsets([...this.#entries.values()]))
      this.#mark = await markOf(file)
    })
  }
}

function idOf(key: Buffer | null): string {
  return key === null ? '' : `=${key.toString('latin1')}`
}

/** The file itself where a link leads to it: the link is kept. */
async function resolved(file: string): Promise<string> {
  const found = await realpath(file).catch(() => undefined)
  if (found !== undefined) return found
  const folder = await realpath(path.dirname(file)).catch(() => path.dirname(file))
  return path.join(folder, path.basename(file))
}

async function guarded<T>(file: string, what: 'read' | 'written', work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof ConnectError || codeOf(error) === undefined) throw error
    throw new UnavailableError(
      'offset.file',
      `The offsets file ${file} cannot be ${what}: ${why(file, error)}`,
      {
        cause: error,
      },
    )
  }
}

function why(file: string, error: unknown): string {
  const folder = path.dirname(file)
  switch (codeOf(error)) {
    case 'ENOENT':
      return `the folder ${folder} does not exist. Create it, or name another file in offset.storage.file.filename.`
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return `${messageOf(error)}. The worker must be allowed to write into ${folder}: the file is replaced by a new one, whole.`
    case 'EBUSY':
    case 'EXDEV':
      return `${messageOf(error)}. It must be possible to replace it: mount its folder, not the file alone.`
    default:
      return `${messageOf(error)}.`
  }
}

function failure(file: string, what: string, cause?: unknown): TaskError {
  return new TaskError('offset.file', `The offsets file ${file} ${what}`, { cause })
}
