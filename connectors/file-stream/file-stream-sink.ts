import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import path from 'node:path'
import {
  defineConfig,
  errorCode,
  javaText,
  key,
  messageOf,
  type RecordBatch,
  type SinkConnector,
  type SinkTask,
  TaskError,
} from 'sluice'

const config = defineConfig({
  file: key.string({
    doc: 'The file that values are appended to; it is created where missing, its folder is not. Default: the standard output of the worker.',
    importance: 'HIGH',
    optional: true,
    check: (value) => (value === '' ? 'must not be empty' : undefined),
  }),
})

const UNWRITABLE = errorCode('file-stream', 'unwritable')

/** A line for each live record: its value in Java's text form. */
function linesOf(batch: RecordBatch): string {
  let lines = ''
  for (let row = 0; row < batch.length; row++) {
    if (!batch.isLive(row)) continue
    const text = javaText(batch.value('value', row), batch.schema('value', row))
    if (batch.isLive(row)) lines += `${text}\n` // reading it may have failed it
  }
  return lines
}

function unwritable(file: string, error: unknown): TaskError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const folder = path.dirname(path.resolve(file))
  const why =
    code === 'ENOENT'
      ? `its folder ${folder} does not exist. Create the folder`
      : `${messageOf(error)}. Free it`
  const message = `Couldn't find, create or write file '${file}' for FileStreamSinkTask: ${why}, or name another file.`
  return new TaskError(UNWRITABLE, message, { cause: error, configPath: 'file' })
}

/** In one write, but where the system takes a part of it. */
async function append(handle: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length;) at += (await handle.write(bytes, at)).bytesWritten
}

/** Appends to a file. A batch is one write, so that tasks which share a file do not mix their lines. */
async function openFile(file: string): Promise<SinkTask> {
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw unwritable(file, error)
    }
  }
  const { O_APPEND, O_CREAT, O_WRONLY } = constants
  const handle: FileHandle = await guarded(() => open(file, O_APPEND | O_CREAT | O_WRONLY))
  const isFile = (await handle.stat()).isFile()
  return {
    put: (batch) => guarded(() => append(handle, Buffer.from(linesOf(batch)))),
    // A pipe or a terminal has nothing that could be made durable.
    flush: () => (isFile ? guarded(() => handle.datasync()) : Promise.resolve()),
    stop: () => handle.close(),
  }
}

const standardOutput: SinkTask = {
  put: (batch) =>
    new Promise((resolve, reject) => {
      process.stdout.write(linesOf(batch), (error) => {
        if (error === null || error === undefined) resolve()
        else reject(unwritable('standard output', error))
      })
    }),
}

export const fileStreamSink: SinkConnector<typeof config.keys> = {
  kind: 'sink',
  name: 'FileStreamSink',
  aliases: ['FileStreamSinkConnector', 'org.apache.kafka.connect.file.FileStreamSinkConnector'],
  version: '0.1.0',
  summary:
    'Appends a line for each record to a file: its value as Java’s `toString` writes it, but for bytes, which are base64.',
  config,
  checkOffset: () => undefined, // the file holds none
  open: ({ file }) => (file === undefined ? standardOutput : openFile(file)),
}
