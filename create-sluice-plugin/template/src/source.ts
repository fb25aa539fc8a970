import { open, readdir } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type ConfigOf,
  defineConfig,
  errorCode,
  key,
  messageOf,
  type SourceConnector,
  type SourceContext,
  type SourceRecord,
  type SourceTask,
  struct,
  TaskError,
  UnavailableError,
  type Value,
} from 'sluice'

const config = defineConfig({
  folder: key.string({ doc: 'The folder whose files `*.jsonl` are read.', importance: 'HIGH' }),
  topic: key.string({ doc: 'The topic that their lines are written to.', importance: 'HIGH' }),
  'poll.interval.ms': key.int({
    doc: 'How long to wait where there is nothing new.',
    default: 500,
    check: (value) => (value >= 1 ? undefined : 'must be at least 1'),
  }),
})

type Config = ConfigOf<typeof config.keys>

const UNREADABLE = errorCode('my-plugin-source', 'unreadable')
const MALFORMED = errorCode('my-plugin-source', 'malformed')
const LONGEST_LINE = 1024 * 1024
const NEWLINE = 10

/** What JSON says, as the value of a record without a schema: its objects become structs. */
function toValue(json: unknown): Value {
  if (Array.isArray(json)) return json.map(toValue)
  if (typeof json !== 'object' || json === null) return json as Value
  return struct(Object.fromEntries(Object.entries(json).map(([name, item]) => [name, toValue(item)])))
}

class FolderSourceTask implements SourceTask {
  readonly #config: Config
  readonly #context: SourceContext
  /** Up to where each file was read, in bytes. */
  readonly #positions = new Map<string, number>()

  constructor(values: Config, context: SourceContext) {
    this.#config = values
    this.#context = context
  }

  /** New lines of one file; waits a while and returns none where no file has any. */
  async poll(): Promise<readonly SourceRecord[]> {
    for (const file of await this.#files()) {
      const records = await this.#read(file)
      if (records.length > 0) return records
    }
    const { signal } = this.#context
    await sleep(this.#config['poll.interval.ms'], undefined, { signal }).catch(() => undefined)
    return []
  }

  async #files(): Promise<string[]> {
    try {
      const names = await readdir(this.#config.folder)
      return names.filter((name) => name.endsWith('.jsonl')).toSorted()
    } catch (error) {
      // retriable: polled again after a pause, and shown in the connector's status meanwhile
      const message = `the folder ${this.#config.folder} cannot be read: ${messageOf(error)}`
      throw new UnavailableError(UNREADABLE, message, { cause: error })
    }
  }

  /** The next whole lines, at most a buffer of them. */
  async #read(file: string): Promise<SourceRecord[]> {
    const start = await this.#position(file)
    const handle = await open(path.join(this.#config.folder, file))
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(LONGEST_LINE), 0, LONGEST_LINE, start)
      const end = buffer.subarray(0, bytesRead).lastIndexOf(NEWLINE) + 1
      if (end === 0 && bytesRead === LONGEST_LINE) throw this.#broken(file, start, 'is too long')
      return this.#records(file, buffer.subarray(0, end), start)
    } finally {
      await handle.close()
    }
  }

  /** Where the last task ended: the offset of the last record of the file that is in Kafka. */
  async #position(file: string): Promise<number> {
    const known = this.#positions.get(file)
    if (known !== undefined) return known
    const offset = await this.#context.offset({ file })
    return Number(offset?.['position'] ?? 0)
  }

  #records(file: string, bytes: Buffer, start: number): SourceRecord[] {
    const records: SourceRecord[] = []
    for (let at = 0; at < bytes.length;) {
      const end = bytes.indexOf(NEWLINE, at)
      const line = bytes.toString('utf8', at, end)
      if (line.trim() !== '')
        records.push(this.#record(file, line, { from: start + at, to: start + end + 1 }))
      at = end + 1
    }
    this.#positions.set(file, start + bytes.length)
    return records
  }

  #record(file: string, line: string, { from, to }: { from: number; to: number }): SourceRecord {
    let json: unknown
    try {
      json = JSON.parse(line)
    } catch (error) {
      throw this.#broken(file, from, `is no JSON (${messageOf(error)})`)
    }
    return {
      topic: this.#config.topic,
      partition: null, // the key decides
      timestamp: BigInt(Date.now()),
      headers: [],
      keySchema: null,
      key: null,
      valueSchema: null,
      value: toValue(json),
      sourcePartition: { file },
      sourceOffset: { position: to },
    }
  }

  #broken(file: string, at: number, what: string): TaskError {
    const message = `the line at byte ${at} of ${file} ${what}. Correct the file, then restart the task.`
    return new TaskError(MALFORMED, message)
  }
}

export const folderSource: SourceConnector<typeof config.keys> = {
  kind: 'source',
  name: 'MyPluginFolderSource',
  version: '0.1.0',
  summary: 'Writes each line of JSON in the files of a folder to a topic, and those that are appended later.',
  config,
  taskConfigs: () => [{}], // one task reads all files
  open: (values, context) => new FolderSourceTask(values, context),
}
