import { ModelError } from '../../../api/errors.ts'
import type { Zip } from '../zip.ts'

/** `model.ini` and `domains/` of a MOJO: what every algorithm has. */
export interface MojoInfo {
  /** All columns in the model's order: features first, the response last where there is one. */
  readonly columns: readonly string[]
  /** The levels of each column; null for a numeric one. */
  readonly domains: readonly (readonly string[] | null)[]
  /** A value of `[info]`; undefined where it is absent or `null`. */
  find(key: string): string | undefined
  text(key: string): string
  integer(key: string): number
  number(key: string): number
  flag(key: string): boolean
  /** A list such as `[0.6, 0.4]`; undefined where it is absent or `null`. */
  findNumbers(key: string): readonly number[] | undefined
}

function corrupt(what: string): ModelError {
  return new ModelError('model.corrupt', `model.ini: ${what}. Export the model again.`)
}

/** What Java's String.trim takes away, which is not what ours does: H2O trimmed column names so. */
function trim(text: string): string {
  let [start, end] = [0, text.length]
  while (start < end && text.charCodeAt(start) <= 32) start++
  while (end > start && text.charCodeAt(end - 1) <= 32) end--
  return text.slice(start, end)
}

/** Lines as Java's BufferedReader.readLine gives them. */
function linesOf(text: string): string[] {
  const lines = text.split(/\r\n|\n|\r/)
  if (lines.at(-1) === '') lines.pop()
  return lines
}

interface Sections {
  readonly info: ReadonlyMap<string, string>
  readonly columns: readonly string[]
  readonly domains: ReadonlyMap<number, { readonly count: number; readonly file: string }>
}

function parseSections(text: string): Sections {
  const info = new Map<string, string>()
  const columns: string[] = []
  const domains = new Map<number, { count: number; file: string }>()
  let section = ''
  for (const line of linesOf(text).map(trim)) {
    if (line === '[info]' || line === '[columns]' || line === '[domains]') section = line
    else if (line === '' || (line.startsWith('#') && section !== '[columns]')) continue
    else if (section === '[columns]') columns.push(line)
    else if (section === '[info]') {
      const at = line.indexOf('=')
      if (at < 0) throw corrupt(`"${line.slice(0, 80)}" is not a key and a value`)
      info.set(trim(line.slice(0, at)), trim(line.slice(at + 1)))
    } else {
      const match = /^(\d+):\s*(\d+) (.+)$/.exec(line)
      if (match === null || section === '') throw corrupt(`the line "${line.slice(0, 80)}" is not understood`)
      domains.set(Number(match[1]), { count: Number(match[2]), file: match[3] ?? '' })
    }
  }
  return { info, columns, domains }
}

/** Undoes H2O's escaping of a level: `\n`, `\r` and `\\`; another escaped character stands for itself. */
function unescape(level: string): string {
  return level.replace(/\\(.?)/gs, (_, c: string) => (c === 'n' ? '\n' : c === 'r' ? '\r' : c))
}

function readDomains(zip: Zip, { info, columns, domains }: Sections): (readonly string[] | null)[] {
  const isEscaped = info.get('escape_domain_values') === 'true'
  return columns.map((column, i) => {
    const domain = domains.get(i)
    if (domain === undefined) return null
    const levels = linesOf(zip.text(`domains/${domain.file}`))
    if (levels.length !== domain.count) {
      throw corrupt(`column "${column}" has ${levels.length} levels where ${domain.count} are announced`)
    }
    return isEscaped ? levels.map(unescape) : levels
  })
}

/** Reads `model.ini` and the domains; throws `model.corrupt` where they are not what H2O writes. */
export function readMojoInfo(zip: Zip): MojoInfo {
  if (!zip.has('model.ini')) {
    throw new ModelError(
      'model.unsupported',
      'The zip archive is not an H2O MOJO: it has no model.ini. Export the model with download_mojo.',
    )
  }
  const sections = parseSections(zip.text('model.ini'))
  const find = (key: string): string | undefined => {
    const value = sections.info.get(key)
    return value === 'null' ? undefined : value
  }
  const text = (key: string): string => {
    const value = find(key)
    if (value === undefined) throw corrupt(`${key} is missing`)
    return value
  }
  const toNumber = (key: string, value: string): number => {
    const parsed = value === '' ? NaN : Number(value)
    if (Number.isNaN(parsed)) throw corrupt(`${key} is not a number: "${value.slice(0, 80)}"`)
    return parsed
  }
  const number = (key: string) => toNumber(key, text(key))
  const info: MojoInfo = {
    columns: sections.columns,
    domains: [],
    find,
    text,
    number,
    integer(key) {
      const value = number(key)
      if (!Number.isInteger(value) || value < 0) throw corrupt(`${key} is not a count: ${value}`)
      return value
    },
    flag: (key) => text(key) === 'true',
    findNumbers(key) {
      const list = find(key)
      if (list === undefined || list === '[]') return undefined
      if (!list.startsWith('[') || !list.endsWith(']')) throw corrupt(`${key} is not a list of numbers`)
      return list
        .slice(1, -1)
        .split(',')
        .map((each) => toNumber(key, each.trim()))
    },
  }
  checkColumns(info, sections)
  return { ...info, domains: readDomains(zip, sections) }
}

function checkColumns(info: MojoInfo, { columns }: Sections): void {
  if (columns.length !== info.integer('n_columns')) {
    throw corrupt(`${columns.length} columns are named where ${info.integer('n_columns')} are announced`)
  }
  if (new Set(columns).size !== columns.length) throw corrupt('two columns have the same name')
}
