import { DataError } from 'sluice'

/** The cells of one line of CSV as RFC 4180 has them; a line end at its end is left out. Throws DataError. */
export function splitCsvLine(text: string, delimiter: string): string[] {
  const line = text.replace(/\r?\n$/, '')
  if (!line.includes('"')) return line.split(delimiter)
  const cells: string[] = []
  let at = 0
  for (;;) {
    const { cell, end } = line[at] === '"' ? quoted(line, at) : plain(line, at, delimiter)
    cells.push(cell)
    if (end >= line.length) return cells
    if (line[end] !== delimiter) throw malformed(`text follows the quotes of cell ${cells.length}`)
    at = end + 1
  }
}

interface Cell {
  readonly cell: string
  /** Where the delimiter behind it stands, or the line ends. */
  readonly end: number
}

function plain(line: string, at: number, delimiter: string): Cell {
  const found = line.indexOf(delimiter, at)
  const end = found < 0 ? line.length : found
  const cell = line.slice(at, end)
  if (cell.includes('"')) throw malformed(`the cell ${cell.slice(0, 40)} has a quote, but is not quoted`)
  return { cell, end }
}

function quoted(line: string, start: number): Cell {
  const parts: string[] = []
  let at = start + 1
  for (;;) {
    const end = line.indexOf('"', at)
    if (end < 0) throw malformed('a quote is not closed')
    parts.push(line.slice(at, end))
    if (line[end + 1] !== '"') return { cell: parts.join('"'), end: end + 1 }
    at = end + 2
  }
}

function malformed(what: string): DataError {
  return new DataError(
    'record.malformed',
    `The line is not CSV: ${what}. Quote a cell that has quotes, and double them.`,
  )
}
