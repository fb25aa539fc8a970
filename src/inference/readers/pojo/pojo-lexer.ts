import { ModelError } from '../../../api/errors.ts'

export type TokenKind = 'name' | 'number' | 'string' | 'symbol' | 'end'

const SPACE = /[ \t\f\r\n]+/y
const NAME = /[A-Za-z_$][\w$]*/y
const NUMBER = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?[fFdDlL]?/y
const SYMBOL = /[|&]{2}|[=!<>]=|\+\+|--|[-+*/]=|[-+*/%<>=!?:;,.(){}[\]@&|]/y
const LINE_END = /[\r\n]|$/g
const ESCAPES: Readonly<Record<string, string>> = {
  ...{ n: '\n', t: '\t', r: '\r', b: '\b', f: '\f' },
  ...{ '"': '"', "'": "'", '\\': '\\' },
}
/** In a comment Java replaces these before it looks for the comment's end; H2O writes none. */
const UNICODE_ESCAPE = /(?<!\\)(?:\\\\)*\\u/

/** The error of a source that is not as H2O writes it, with its line. */
export function notUnderstood(source: string, at: number, what: string): ModelError {
  const line = source.slice(0, at).split('\n').length
  return new ModelError(
    'model.unsupported',
    `line ${line} of the POJO: ${what}. Only what H2O itself generates for a GBM or Deep Learning model is read; download the POJO again, or export the model as a MOJO.`,
  )
}

/**
 * Java's tokens as far as H2O's generated sources use them, one at a time; comments are skipped. The current token is
 * `kind` and `text` (a string's value without its quotes), and starts at `at`. Linear in the length of the source.
 */
export class PojoLexer {
  readonly source: string
  kind: TokenKind = 'end'
  text = ''
  at = 0
  #next: number
  /** The string has an escape that is octal or unknown: of no matter where nobody reads it, as an autoencoder's header. */
  #isOdd = false

  constructor(source: string, from = 0) {
    this.source = source
    this.#next = from
    this.advance()
  }

  fail(what = `"${this.text.slice(0, 60)}" is not expected here`): ModelError {
    return notUnderstood(this.source, this.at, what)
  }

  is(text: string): boolean {
    return this.text === text && this.kind !== 'string'
  }

  /** Goes on if the current token is `text`. */
  take(text: string): boolean {
    if (!this.is(text)) return false
    this.advance()
    return true
  }

  expect(...texts: readonly string[]): void {
    for (const text of texts) {
      if (!this.take(text)) throw this.fail(`"${text}" is expected instead of "${this.text.slice(0, 60)}"`)
    }
  }

  /** The text of the current token, which must be of that kind; goes on. */
  read(kind: TokenKind): string {
    const { text } = this
    if (this.kind !== kind) throw this.fail(`a ${kind} is expected instead of "${text.slice(0, 60)}"`)
    if (kind === 'string' && this.#isOdd) throw this.fail('a string has an unknown escape')
    this.advance()
    return text
  }

  /** Skips to behind the bracket that closes the current one; returns where that bracket is. */
  skipBrackets(): number {
    let depth = 0
    for (;;) {
      if (this.kind === 'end') throw this.fail('the source ends within brackets')
      if (this.is('{') || this.is('(') || this.is('[')) depth++
      const isClosing = this.is('}') || this.is(')') || this.is(']')
      const { at } = this
      this.advance()
      if (isClosing && --depth === 0) return at
    }
  }

  advance(): void {
    this.#skipSpace()
    const { source } = this
    const at = this.#next
    this.at = at
    if (at >= source.length) {
      this.kind = 'end'
      this.text = ''
    } else if (this.#match(SYMBOL) && !(this.text === '.' && isDigit(source.charCodeAt(at + 1)))) {
      this.kind = 'symbol'
    } else if (source[at] === '"') {
      this.#string()
    } else if (this.#match(NAME)) {
      this.kind = 'name'
    } else if (this.#match(NUMBER)) {
      if (/^0\d+[lL]?$/.test(this.text)) throw this.fail('an octal number is not expected')
      this.kind = 'number'
    } else {
      throw notUnderstood(source, at, `the character "${source[at] ?? ''}" is not expected`)
    }
  }

  #match(pattern: RegExp): boolean {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.source)
    if (found === null) return false
    this.text = found[0]
    this.#next = pattern.lastIndex
    return true
  }

  #skipSpace(): void {
    const { source } = this
    for (;;) {
      SPACE.lastIndex = this.#next
      if (SPACE.test(source)) this.#next = SPACE.lastIndex
      if (source.startsWith('//', this.#next)) this.#comment(LINE_END)
      else if (source.startsWith('/*', this.#next)) this.#comment(/\*\/|$/g)
      else return
    }
  }

  #comment(end: RegExp): void {
    end.lastIndex = this.#next + 2
    end.test(this.source)
    const text = this.source.slice(this.#next, end.lastIndex)
    if (UNICODE_ESCAPE.test(text)) throw notUnderstood(this.source, this.#next, 'a comment has a \\u')
    this.#next = end.lastIndex
  }

  #string(): void {
    const { source } = this
    let value = ''
    let at = this.at + 1
    this.#isOdd = false
    for (;;) {
      const c = source[at++]
      if (c === undefined || c === '\n' || c === '\r')
        throw notUnderstood(source, this.at, 'a string does not end')
      if (c === '"') break
      if (c !== '\\') value += c
      else if (source[at] === 'u') {
        const digits = source.slice(at + 1, at + 5)
        if (!/^[\da-fA-F]{4}$/.test(digits)) throw notUnderstood(source, at, 'a \\u needs four digits')
        const char = String.fromCharCode(parseInt(digits, 16))
        if (/["\\\r\n]/.test(char)) throw notUnderstood(source, at, `a string has \\u${digits}`)
        value += char
        at += 5
      } else {
        const escaped = source[at++] ?? ''
        this.#isOdd ||= !Object.hasOwn(ESCAPES, escaped)
        value += ESCAPES[escaped] ?? escaped
      }
    }
    this.kind = 'string'
    this.text = value
    this.#next = at
  }
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}
