import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { CommandError, type ConnectError, messageOf } from '../api/errors.ts'

/** A line that is not blank, without its end, and where it stands. */
export interface InputLine {
  readonly number: number
  readonly text: string
}

const BATCH = 1000
/** Characters, as many as the converter for JSON reads. */
const LONGEST = 64 * 2 ** 20

/**
 * The lines of a file, or of standard input: those of each piece that comes, since what a person types need not wait for
 * a full batch. Ends where `stopping` aborts.
 * @throws CommandError where it cannot be read, or a line is longer than 64 Mi characters
 */
export async function* linesOf(
  file: string | undefined,
  stopping: AbortSignal,
): AsyncGenerator<readonly InputLine[]> {
  const name = file ?? 'standard input'
  const input: Readable = file === undefined ? process.stdin : createReadStream(file)
  stopping.addEventListener('abort', () => void input.destroy(), { once: true })
  input.setEncoding('utf8')
  let number = 0
  let rest = ''
  try {
    for await (const piece of input as AsyncIterable<string>) {
      const lines = piece.split('\n')
      lines[0] = rest + (lines[0] ?? '')
      rest = lines.pop() ?? ''
      if (rest.length > LONGEST) throw tooLong(name, number + lines.length + 1)
      for (let at = 0; at < lines.length; at += BATCH) {
        const batch = lines.slice(at, at + BATCH)
        yield numbered(batch, number)
        number += batch.length
      }
    }
  } catch (error) {
    if (error instanceof CommandError) throw error
    if (stopping.aborted) return
    throw new CommandError('command.input', `${name} cannot be read: ${messageOf(error)}.`, { cause: error })
  }
  if (rest !== '') yield numbered([rest], number)
}

function numbered(lines: readonly string[], before: number): InputLine[] {
  return lines.flatMap((raw, i): InputLine[] => {
    const number = before + i + 1
    const unmarked = number === 1 ? raw.replace(/^\uFEFF/, '') : raw
    const text = unmarked.endsWith('\r') ? unmarked.slice(0, -1) : unmarked
    return text.trim() === '' ? [] : [{ number, text }]
  })
}

export function wrongLine(name: string, line: number, error: ConnectError): CommandError {
  return new CommandError('command.input', `${name}, line ${line}: ${error.message}`, { cause: error })
}

function tooLong(name: string, line: number): CommandError {
  const message = `${name}, line ${line} is longer than ${LONGEST / 2 ** 20} Mi characters. Is it lines of JSON?`
  return new CommandError('command.input', message)
}
