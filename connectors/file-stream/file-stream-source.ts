import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type ConfigOf,
  defineConfig,
  key,
  messageOf,
  type Schema,
  type SourceConnector,
  type SourceContext,
  type SourceMap,
  type SourceOffset,
  type SourceRecord,
  type SourceTask,
  TaskError,
} from 'sluice'
import { LineBuffer } from './line-buffer.ts'

const TEXT: Schema = { type: 'STRING', optional: false }
const STANDARD_INPUT = '/dev/stdin'
const WAIT_MS = 1000

const config = defineConfig({
  file: key.string({
    doc: 'The file whose lines become records, as they are written to it. Where it does not exist yet, the source waits for it. Standard input where absent.',
    importance: 'HIGH',
    optional: true,
  }),
  topic: key.string({
    doc: 'The topic that the lines are written to.',
    importance: 'HIGH',
    check: (value) => (value === '' ? 'String must be non-empty' : undefined),
  }),
  'batch.size': key.int({
    doc: 'The most lines that one poll reads.',
    importance: 'LOW',
    default: 2000,
    check: (value) => (value >= 1 ? undefined : 'Value must be at least 1'),
  }),
})

type Config = ConfigOf<typeof config.keys>

/** Reads a file to its end and then what is appended to it. Its offset is the byte behind the last line read. */
class FileStreamSourceTask implements SourceTask {
  readonly #config: Config
  readonly #context: SourceContext
  readonly #partition: SourceMap
  readonly #isFile: boolean
  #lines = new LineBuffer(0)
  #handle: FileHandle | undefined
  #isMissing = false

  constructor(values: Config, context: SourceContext) {
    this.#config = values
    this.#context = context
    const { file = '' } = values
    this.#isFile = file !== ''
    this.#partition = { filename: this.#isFile ? file : null }
  }

  async poll(): Promise<readonly SourceRecord[]> {
    const handle = (this.#handle ??= await this.#open())
    const records: SourceRecord[] = []
    while (handle !== undefined && records.length < this.#config['batch.size']) {
      const line = this.#lines.next()
      if (line !== undefined) records.push(this.#record(line))
      else if (!(await this.#read(handle))) break
    }
    if (records.length === 0) await this.#wait()
    return records
  }

  async stop(): Promise<void> {
    await this.#handle?.close()
  }

  /** Undefined where there is no such file yet. */
  async #open(): Promise<FileHandle | undefined> {
    const { file = '' } = this.#config
    if (this.#isFile) this.#lines = new LineBuffer(await this.#position())
    try {
      return await open(this.#isFile ? file : STANDARD_INPUT)
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ENOENT') throw error
      if (!this.#isMissing) this.#context.log.warn('the file does not exist; waiting for it', { file })
      this.#isMissing = true
      return undefined
    }
  }

  /** Where the last task ended. */
  async #position(): Promise<number> {
    const offset = await this.#context.offset(this.#partition)
    const position = offset?.['position'] ?? 0
    const number = Number(position)
    if (typeof position !== 'boolean' && Number.isSafeInteger(number) && number >= 0) return number
    const { connector, task } = this.#context
    const message = `Connector ${connector}, task ${task}: the stored offset of ${this.#config.file ?? ''} has the position ${String(position)}, which is no number of bytes.`
    throw new TaskError('source.offset', message)
  }

  /** False where there is nothing more for now. */
  async #read(handle: FileHandle): Promise<boolean> {
    const { space, at } = this.#lines.room()
    try {
      const { bytesRead } = await handle.read(space, 0, space.length, this.#isFile ? at : null)
      this.#lines.filled(bytesRead)
      return bytesRead > 0
    } catch (error) {
      const { connector, task } = this.#context
      const message = `Connector ${connector}, task ${task}: file ${this.#config.file ?? ''} cannot be read: ${messageOf(error)}`
      throw new TaskError('task.failed', message, { cause: error, configPath: 'file' })
    }
  }

  async #wait(): Promise<void> {
    await sleep(WAIT_MS, undefined, { signal: this.#context.signal, ref: false }).catch(() => undefined)
  }

  #record(value: string): SourceRecord {
    return {
      topic: this.#config.topic,
      partition: null,
      timestamp: BigInt(Date.now()),
      headers: [],
      keySchema: null,
      key: null,
      valueSchema: TEXT,
      value,
      sourcePartition: this.#partition,
      sourceOffset: { position: this.#isFile ? this.#lines.position : null },
    }
  }
}

function checkOffset({ partition, offset }: SourceOffset): string | undefined {
  if (offset === null) return undefined
  if (!Object.hasOwn(partition, 'filename')) return "Partition objects should contain the key 'filename'"
  if (!Object.hasOwn(offset, 'position'))
    return "Offset objects should either be null or contain the key 'position'"
  const { position } = offset
  const isInteger = typeof position === 'number' && Number.isInteger(position)
  if (!isInteger) return "The value for the 'position' key in the offset is expected to be a Long value"
  return Number.isSafeInteger(position) && position >= 0
    ? undefined
    : "The value for the 'position' key in the offset should be a non-negative value"
}

export const fileStreamSource: SourceConnector<typeof config.keys> = {
  kind: 'source',
  name: 'FileStreamSource',
  aliases: ['FileStreamSourceConnector', 'org.apache.kafka.connect.file.FileStreamSourceConnector'],
  version: '0.1.0',
  summary: 'Writes the lines of a text file, and those that are appended to it, to a topic.',
  config,
  taskConfigs: () => [{}], // one reader: a file has one order
  checkOffset,
  exactlyOnce: ({ file }) => file !== undefined,
  open: (values, context) => new FileStreamSourceTask(values, context),
}
