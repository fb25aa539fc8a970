import { CommandError } from '../api/errors.ts'
import type { ModelColumn, TensorColumn } from '../api/batch.ts'
import type { ModelInput } from '../api/models.ts'
import { exactOf, type Plain, toColumn } from '../inference/probe.ts'
import type { ReadyModel } from '../inference/store/load-model.ts'
import type { CsvRecord } from './csv.ts'

const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i
const WHOLE = /^[+-]?\d{1,19}$/
const INFINITY = /^([+-]?)inf(inity)?$/i

const SHOWN = 10

function wrong(file: string, what: string): CommandError {
  return new CommandError('command.input', `${file}${what}`)
}

/** The columns of a CSV file that a model reads. */
export class CsvColumns {
  readonly #file: string
  readonly #width: number
  readonly #inputs: readonly { readonly input: ModelInput; readonly at: number }[]
  /** Columns that the model has and the file lacks: they count as missing. */
  readonly absent: readonly string[]
  /** False where the first line is a row already: all its cells are numbers, and the model's columns have no names. */
  readonly isHeader: boolean
  /** Which column is taken for which of the model's, where that goes by order and not by name; else null. */
  readonly order: string | null

  /** Throws where the file lacks a column that the model cannot do without, or has one twice. */
  constructor(file: string, header: readonly string[], ready: ReadyModel) {
    this.#file = file
    this.#width = header.length
    const { inputs } = ready.model
    const isByName = ready.loaded.namesColumns !== false || inputs.some(({ name }) => header.includes(name))
    this.isHeader = isByName || !header.every((cell) => NUMBER.test(cell.trim()))
    this.order = null
    if (!isByName) {
      this.absent = []
      this.#inputs = inOrder(file, header.length, inputs)
      const pairs = this.#inputs.map(({ input, at }) => `${input.name} ← ${header[at] ?? ''}`)
      if (this.isHeader)
        this.order = pairs.length > SHOWN ? `${pairs.slice(0, SHOWN).join(', ')}, …` : pairs.join(', ')
      return
    }
    const twice = inputs.find((input) => header.indexOf(input.name) !== header.lastIndexOf(input.name))
    if (twice !== undefined) throw wrong(file, ` has the column ${twice.name} twice. Remove one.`)
    const lacking = inputs.filter((input) => !header.includes(input.name))
    const needed = lacking.filter((input) => isNeeded(input, ready)).map((input) => input.name)
    if (needed.length > 0)
      throw wrong(file, ` lacks columns that the model needs: ${needed.join(', ')}. Add them.`)
    if (lacking.length === inputs.length) {
      throw wrong(file, ` has none of the model's columns: ${inputs.map((input) => input.name).join(', ')}.`)
    }
    this.absent = lacking.map((input) => input.name)
    this.#inputs = inputs.map((input) => ({ input, at: header.indexOf(input.name) }))
  }

  /** A blank line is no row, except where a row is one cell. */
  withoutBlankLines(records: readonly CsvRecord[]): readonly CsvRecord[] {
    return this.#width === 1 ? records : records.filter(({ cells }) => cells.length > 1 || cells[0] !== '')
  }

  /** The model's columns of some rows. Throws at a row of another width and at a cell that is not a number. */
  read(records: readonly CsvRecord[]) {
    for (const { cells, line } of records) {
      if (cells.length === this.#width) continue
      throw wrong(
        this.#file,
        `, line ${line} has ${cells.length} cells where the header has ${this.#width}. Correct the file.`,
      )
    }
    return this.#inputs.map(({ input, at }): ModelColumn => {
      if (input.type === 'tensor') return this.#tensor(input, records, at)
      const values = records.map((record) => this.#cell(input, record, at))
      return toColumn(input, values)
    })
  }

  /** The cells of a tensor stand side by side, the last axis fastest. */
  #tensor(input: ModelInput, records: readonly CsvRecord[], at: number): TensorColumn {
    const shape = input.shape ?? []
    const size = sizeOf(input)
    const cells = records.flatMap((record) =>
      Array.from({ length: size }, (_, i) => this.#cell(input, record, at + i)),
    )
    const data = Float64Array.from(cells, (cell) => Number(cell ?? NaN))
    const exact = input.datatype === 'INT64' ? { exact: exactOf(cells) } : {}
    return { type: 'tensor', datatype: 'FP64', shape, data, ...exact }
  }

  #cell(input: ModelInput, { cells, line }: CsvRecord, at: number): Plain {
    const text = cells[at]
    if (text === undefined) return null
    if (input.type === 'categorical') return isMissing(text) && !isLevel(input, text) ? null : text
    const number = text.trim()
    if (input.datatype === 'INT64' && WHOLE.test(number)) return BigInt(number.replace(/^\+/, ''))
    if (isMissing(number)) return null
    if (NUMBER.test(number)) return Number(number)
    const infinity = INFINITY.exec(number)
    if (infinity !== null) return infinity[1] === '-' ? -Infinity : Infinity
    if (number.toLowerCase() === 'nan') return null
    const shown = JSON.stringify(text.slice(0, 40))
    throw wrong(
      this.#file,
      `, line ${line}: ${input.name} is ${shown}, which is not a number. Correct the file.`,
    )
  }
}

function isMissing(text: string): boolean {
  return text === '' || text === 'NA'
}

/** A text that the model was trained on is that level, as in a record, also where other tables mean nothing by it. */
function isLevel({ domain }: ModelInput, text: string): boolean {
  return domain?.includes(text) === true
}

function sizeOf({ shape = [] }: ModelInput): number {
  return shape.reduce((product, each) => product * each, 1)
}

/** The first columns of the file, where the model's have no names. */
function inOrder(file: string, width: number, inputs: readonly ModelInput[]) {
  let at = 0
  const placed = inputs.map((input) => {
    const place = { input, at }
    at += sizeOf(input)
    return place
  })
  if (at <= width) return placed
  throw wrong(file, ` has ${width} columns where the model takes ${at}, in order. Add the others.`)
}

/** A manifest that names fields says which are required; without one only an offset, which has no path for missing values, is. */
function isNeeded(input: ModelInput, { manifest, loaded }: ReadyModel): boolean {
  if (input.name === loaded.facts['offset']) return true
  if (loaded.namesColumns === false && manifest === null) return true // a network has nothing in place of a missing number
  return (manifest?.signature?.inputs ?? manifest?.preprocess?.columns) !== undefined && input.required
}
