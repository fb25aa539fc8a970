import { CommandError } from '../api/errors.ts'

/** A record of a CSV file and the line on which it begins. */
export interface CsvRecord {
  readonly cells: readonly string[]
  readonly line: number
}

/** Longer records are taken for a quote that is never closed. */
const MAX_RECORD_LENGTH = 2 ** 20

/**
 * Reads CSV (RFC 4180) piece by piece: cells may be quoted, and then hold commas, line ends and doubled quotes; lines
 * end in CRLF, LF or CR. The record that a piece ends in waits for the next piece.
 */
export class CsvReader {
  readonly #file: string
  #rest = ''
  #line = 1

  constructor(file: string) {
    this.#file = file
  }

  /** The records that are complete. Throws a CommandError where the text is not CSV. */
  push(text: string, isEnd = false): CsvRecord[] {
    const all = this.#rest + text
    const records: CsvRecord[] = []
    let at = 0
    while (at < all.length) {
      const cells: string[] = []
      const next = this.#record(all, at, cells, isEnd)
      if (next < 0) break
      records.push({ cells, line: this.#line })
      this.#line += countLines(all, at, next)
      at = next
    }
    this.#rest = all.slice(at)
    if (this.#rest.length > MAX_RECORD_LENGTH) throw this.#error('has a cell that does not end')
    return records
  }

  end(): CsvRecord[] {
    const records = this.push('', true)
    if (this.#rest !== '') throw this.#error('has a quoted cell that does not end')
    return records
  }

  /** Reads one record into `cells`; returns where the next one starts, or −1 where it is not complete yet. */
  #record(text: string, start: number, cells: string[], isEnd: boolean): number {
    let at = start
    for (;;) {
      const end = text.charCodeAt(at) === 34 ? endOfQuoted(text, at) : endOfPlain(text, at)
      // A quote or CR at the very end may go on as "" or CRLF in the next piece.
      if (end < 0 || (end >= text.length - 1 && !isEnd && text[end] !== '\n')) return -1
      const isQuoted = text.charCodeAt(at) === 34
      cells.push(isQuoted ? text.slice(at + 1, end - 1).replaceAll('""', '"') : text.slice(at, end))
      const separator = text[end]
      if (separator === undefined || separator === '\n') return end + 1
      if (separator === '\r') return text[end + 1] === '\n' ? end + 2 : end + 1
      if (separator !== ',') throw this.#error('has text after a quoted cell')
      at = end + 1
    }
  }

  #error(what: string): CommandError {
    return new CommandError('command.input', `${this.#file}, line ${this.#line} ${what}. Correct the file.`)
  }
}

/** Where the separator behind an unquoted cell stands. */
function endOfPlain(text: string, start: number): number {
  for (let at = start; at < text.length; at++) {
    const c = text.charCodeAt(at)
    if (c === 44 || c === 10 || c === 13) return at
  }
  return text.length
}

/** Where the separator behind a quoted cell stands; −1 where the cell does not end. */
function endOfQuoted(text: string, start: number): number {
  let at = start + 1
  for (;;) {
    const quote = text.indexOf('"', at)
    if (quote < 0) return -1
    if (text.charCodeAt(quote + 1) !== 34) return quote + 1
    at = quote + 2
  }
}

function countLines(text: string, from: number, to: number): number {
  let lines = 0
  for (let at = from; at < to; at++) {
    const c = text.charCodeAt(at)
    if (c === 10 || (c === 13 && text.charCodeAt(at + 1) !== 10)) lines++
  }
  return lines
}

/** A cell as it must be written: quoted where it would be misread. */
export function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
