import { type FileHandle, mkdir, open } from 'node:fs/promises'
import path from 'node:path'
import {
  defineConfig,
  errorCode,
  key,
  messageOf,
  type RecordBatch,
  type SinkConnector,
  type SinkContext,
  type SinkTask,
  toJson,
  UnavailableError,
} from 'sluice'

const config = defineConfig({
  folder: key.string({
    doc: 'The folder of the files, one per topic; made where missing.',
    importance: 'HIGH',
  }),
})

const UNWRITABLE = errorCode('my-plugin-sink', 'unwritable')
const PAUSE_MS = 1000

/** The lines of each topic: transforms may have sent records of one batch to several. */
function linesOf(batch: RecordBatch): Map<string, string> {
  const lines = new Map<string, string>()
  for (let row = 0; row < batch.length; row++) {
    if (!batch.isLive(row) || batch.isNull('value', row)) continue
    const text = toJson(batch.value('value', row), batch.schema('value', row))
    if (!batch.isLive(row)) continue // reading it may have failed it
    const topic = batch.topic(row)
    lines.set(topic, `${lines.get(topic) ?? ''}${text}\n`)
  }
  return lines
}

class FolderSinkTask implements SinkTask {
  readonly #folder: string
  readonly #context: SinkContext
  readonly #files = new Map<string, FileHandle>()

  constructor(folder: string, context: SinkContext) {
    this.#folder = folder
    this.#context = context
  }

  /** A retriable error brings the same batch again: what was written of it is then there twice (at least once). */
  async put(batch: RecordBatch): Promise<void> {
    try {
      for (const [topic, lines] of linesOf(batch)) await (await this.#file(topic)).appendFile(lines)
    } catch (error) {
      this.#context.timeout(PAUSE_MS)
      const message = `${this.#folder} cannot be written: ${messageOf(error)}`
      throw new UnavailableError(UNWRITABLE, message, { cause: error })
    }
  }

  /** Offsets are committed after this: everything that was put must be safe now. */
  async flush(): Promise<void> {
    for (const file of this.#files.values()) await file.datasync()
  }

  async stop(): Promise<void> {
    for (const file of this.#files.values()) await file.close()
    this.#files.clear()
  }

  async #file(topic: string): Promise<FileHandle> {
    const known = this.#files.get(topic)
    if (known !== undefined) return known
    await mkdir(this.#folder, { recursive: true })
    const file = await open(path.join(this.#folder, `${topic}.jsonl`), 'a')
    this.#files.set(topic, file)
    return file
  }
}

export const folderSink: SinkConnector<typeof config.keys> = {
  kind: 'sink',
  name: 'MyPluginFolderSink',
  version: '0.1.0',
  summary: 'Appends each value to a file of its topic, as a line of JSON.',
  config,
  open: ({ folder }, context) => new FolderSinkTask(folder, context),
}
