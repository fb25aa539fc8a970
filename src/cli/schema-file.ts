import { readFile } from 'node:fs/promises'
import { CommandError, ConnectError, messageOf } from '../api/errors.ts'
import { parseSchema } from '../converters/avro/parse-schema.ts'
import { WriterSchema } from '../converters/avro/writer-schema.ts'

/** The Avro schema in a file. Throws a CommandError that names the file. */
export async function readSchemaFile(file: string): Promise<WriterSchema> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new CommandError('command.input', `${file} cannot be read: ${messageOf(error)}.`, { cause: error })
  })
  try {
    const schema = new WriterSchema(parseSchema(text))
    schema.connect()
    return schema
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error
    throw new CommandError(error.code, `${file} is no usable Avro schema: ${error.message}`, { cause: error })
  }
}
