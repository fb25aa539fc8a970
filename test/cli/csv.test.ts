import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { CommandError } from '../../src/api/errors.ts'
import { csvCell, CsvReader } from '../../src/cli/csv.ts'

function parse(text: string, size = text.length || 1): { cells: readonly string[]; line: number }[] {
  const reader = new CsvReader('rows.csv')
  const records = []
  for (let at = 0; at < text.length; at += size) records.push(...reader.push(text.slice(at, at + size)))
  return [...records, ...reader.end()]
}

const cellsOf = (text: string, size?: number) => parse(text, size).map((record) => record.cells)

describe('CSV', () => {
  it('has records that end in LF, CRLF, CR or not at all', () => {
    expect(cellsOf('a,b\r\n1,2\n3,4\r5,6')).to.deep.equal([
      ['a', 'b'],
      ['1', '2'],
      ['3', '4'],
      ['5', '6'],
    ])
  })

  it('has empty cells at both ends, and empty lines', () => {
    expect(cellsOf(',\n\n,a,\n')).to.deep.equal([['', ''], [''], ['', 'a', '']])
  })

  it('has quoted cells with commas, line ends and quotes in them', () => {
    expect(cellsOf('"a,b","c\r\nd","e ""f""",""\n')).to.deep.equal([['a,b', 'c\r\nd', 'e "f"', '']])
  })

  it('keeps quotes inside of a cell that does not begin with one', () => {
    expect(cellsOf('5" disk,x\n')).to.deep.equal([['5" disk', 'x']])
  })

  it('counts the lines of a file, not its records', () => {
    expect(parse('a\n"b\nc"\nd\n').map((record) => record.line)).to.deep.equal([1, 2, 4])
  })

  it('gives any table back, however it is cut into pieces', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'é') })
    const table = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(table, fc.integer({ min: 1, max: 7 }), fc.constantFrom('\n', '\r\n'), (rows, size, end) => {
        const quoted = (text: string) =>
          text.startsWith('"') ? `"${text.replaceAll('"', '""')}"` : csvCell(text)
        const text = rows.map((row) => row.map(quoted).join(',') + end).join('')
        expect(cellsOf(text, size)).to.deep.equal(rows)
      }),
      { numRuns: 500 },
    )
  })

  it('with a quote that is never closed is refused with its line', () => {
    expect(() => parse('a\n"b\n')).to.throw(
      CommandError,
      'rows.csv, line 2 has a quoted cell that does not end',
    )
    expect(() => parse(`a\n"${'b'.repeat(3_000_000)}`, 100_000)).to.throw(CommandError, 'line 2')
  })

  it('with text behind a quoted cell is refused', () => {
    expect(() => parse('"a"b\n')).to.throw(CommandError, 'text after a quoted cell')
  })
})
