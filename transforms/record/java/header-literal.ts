import { parseDateText } from './date-format.ts'
import { headerText } from './header-text.ts'
import { aligned, type Literal, merged, numberOf, type Type } from './literal-types.ts'
import { Tokens, trimmed } from './tokens.ts'

/** What makes a list or map unreadable; the whole is a text then. */
class NotALiteral extends Error {}

/** Lists in lists, beyond which a literal is a text. */
const DEEPEST = 100

/**
 * The text of a header that is given as a literal: Connect reads it (`Values.parseString`) as a number, truth value,
 * date, list or map where it looks like one, and writes that; 1.50 becomes 1.5. Null where it is `null`.
 */
export function literalText(text: string): string | null {
  if (text === '') return ''
  const parsed = new Reader(text).read(false, 0)
  return parsed === null ? null : literalString(parsed, false)
}

class Reader {
  readonly #text: string
  readonly #tokens: Tokens

  constructor(text: string) {
    this.#text = text
    this.#tokens = new Tokens(text)
  }

  read(embedded: boolean, depth: number): Literal | null {
    const tokens = this.#tokens
    if (depth > DEEPEST) throw new NotALiteral()
    if (!tokens.hasNext()) return null
    if (embedded && tokens.consume('"')) return this.#quoted()
    for (const [word, value] of WORDS) {
      if (!this.#word(word, embedded)) continue
      return value === null ? null : { type: 'BOOLEAN', value }
    }
    const start = tokens.mark()
    try {
      if (tokens.consume('[')) return this.#list(depth)
      if (tokens.consume('{')) return this.#map(depth)
    } catch (error) {
      if (!(error instanceof NotALiteral)) throw error
      tokens.rewind(start)
    }
    const token = tokens.next()
    return trimmed(token) === '' ? text(token) : this.#scalar(embedded, trimmed(token))
  }

  #word(word: string, embedded: boolean): boolean {
    const start = this.#tokens.mark()
    if (this.#tokens.consume(word) && (embedded || !this.#tokens.hasNext())) return true
    this.#tokens.rewind(start)
    return false
  }

  #scalar(embedded: boolean, token: string): Literal {
    const isDigit = /^\d/.test(token)
    const found =
      (isDigit ? this.#date(token) : undefined) ?? (/^[\d+-]/.test(token) ? numberOf(token) : undefined)
    if (found !== undefined) return found
    if (embedded) throw new NotALiteral()
    return text(this.#text)
  }

  /** A time has colons, each of which is a token of its own. */
  #date(token: string): Literal | undefined {
    const start = this.#tokens.mark()
    const rest = this.#tokens.take(4)
    const whole = rest === undefined ? undefined : dateOf(token + rest)
    if (whole !== undefined) return whole
    this.#tokens.rewind(start)
    return dateOf(token)
  }

  #quoted(): Literal {
    let content = ''
    while (this.#tokens.hasNext() && !this.#tokens.consume('"')) content += this.#tokens.next()
    return dateOf(content) ?? text(content)
  }

  #list(depth: number): Literal {
    const tokens = this.#tokens
    const items: (Literal | null)[] = []
    while (tokens.hasNext()) {
      if (tokens.consume(']')) return listOf(items)
      if (tokens.consume(',')) throw new NotALiteral()
      items.push(this.read(true, depth + 1))
      const at = tokens.mark()
      if (tokens.consume(']')) tokens.rewind(at)
      else if (!tokens.consume(',')) throw new NotALiteral()
    }
    throw new NotALiteral()
  }

  #map(depth: number): Literal {
    const tokens = this.#tokens
    const keys: Literal[] = []
    const values: (Literal | null)[] = []
    while (tokens.hasNext()) {
      if (tokens.consume('}')) return mapOf(keys, values)
      if (tokens.consume(',')) throw new NotALiteral()
      const key = this.read(true, depth + 1)
      if (key === null || !tokens.consume(':')) throw new NotALiteral()
      const value = this.read(true, depth + 1)
      tokens.consume(',')
      keys.push(key)
      values.push(value)
    }
    throw new NotALiteral()
  }
}

const text = (value: string): Literal => ({ type: 'STRING', value })
const WORDS: readonly [string, boolean | null][] = [
  ['null', null],
  ['true', true],
  ['false', false],
]

const DATES = {
  date: { type: 'INT32', name: 'date' },
  time: { type: 'INT32', name: 'time' },
  timestamp: { type: 'INT64', name: 'timestamp' },
} as const

function dateOf(token: string): Literal | undefined {
  const found = parseDateText(token.replaceAll('\\:', ':'))
  return found === undefined ? undefined : { ...DATES[found.kind], value: found.date }
}

function listOf(items: readonly (Literal | null)[]): Literal {
  return { type: 'ARRAY', value: null, items: alignedAll(merged(items), items) }
}

function mapOf(keys: readonly Literal[], values: readonly (Literal | null)[]): Literal {
  const keyType = merged(keys)
  const valueType = keyType === undefined ? undefined : merged(values)
  const left = alignedAll(keyType, keys).map((key) => literalString(key, true))
  const right = alignedAll(valueType, values)
  // A key that comes twice stays where it was first, with its last value.
  const entries = new Map(left.map((key, i) => [key, right[i] ?? null]))
  return { type: 'MAP', value: null, entries }
}

function alignedAll(type: Type | undefined, items: readonly (Literal | null)[]): (Literal | null)[] {
  return items.map((item) => {
    if (type === undefined) return item
    const fit = item === null ? undefined : aligned(type, item)
    if (fit === undefined) throw new NotALiteral()
    return fit
  })
}

function literalString(literal: Literal | null, embedded: boolean): string {
  if (literal === null) return 'null'
  const { type, value, items, entries } = literal
  if (items !== undefined) return `[${items.map((item) => literalString(item, true)).join(',')}]`
  if (entries === undefined) return headerText(value, { type, optional: false }, embedded)
  return `{${[...entries].map(([key, item]) => `${key}:${literalString(item, true)}`).join(',')}}`
}
