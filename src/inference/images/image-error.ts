import { DataError, messageOf } from '../../api/errors.ts'

/** What is wrong with one image: fails its record alone. */
export function imageError(message: string, cause?: unknown): DataError {
  return new DataError('record.image', message, cause === undefined ? {} : { cause })
}

/** The error itself where it is one of ours, else an image error that says what was tried. */
export function asImageError(what: string, error: unknown): DataError {
  return error instanceof DataError ? error : imageError(`${what}: ${firstLine(messageOf(error))}.`, error)
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').trim().replace(/\.$/, '')
}
