/** Java's `String.trim`. */
export function trimmed(text: string): string {
  return text.replace(/^[\0- ]+|[\0- ]+$/g, '')
}

const DELIMITERS = ':,{}[]"'

/** A literal in tokens: delimiters that no backslash is before, and what lies between them. */
export class Tokens {
  readonly #text: string
  #at = 0
  /** Read, and not yet taken. */
  #ahead: string | undefined

  constructor(text: string) {
    this.#text = text
  }

  /** Where the next token begins; for `rewind`. */
  mark(): number {
    return this.#at - (this.#ahead?.length ?? 0)
  }

  rewind(mark: number): void {
    this.#at = mark
    this.#ahead = undefined
  }

  hasNext(): boolean {
    return this.#ahead !== undefined || this.#at < this.#text.length
  }

  next(): string {
    const token = this.#ahead ?? this.#read()
    this.#ahead = undefined
    return token
  }

  /** The text of so many tokens; undefined, and nothing taken, where there are fewer. */
  take(count: number): string | undefined {
    const start = this.mark()
    for (let i = 0; i < count; i++) {
      if (!this.hasNext()) {
        this.rewind(start)
        return undefined
      }
      this.next()
    }
    return this.#text.slice(start, this.#at)
  }

  /** Takes the next token if it is this one. Blanks around it, and blank tokens before it, do not count. */
  consume(expected: string): boolean {
    if (!this.hasNext()) return false
    this.#ahead ??= this.#read()
    while (trimmed(this.#ahead) === '' && this.#at < this.#text.length) this.#ahead = this.#read()
    if (trimmed(this.#ahead) !== expected) return false
    this.#ahead = undefined
    return true
  }

  #read(): string {
    const start = this.#at
    let escaped = false
    for (; this.#at < this.#text.length; this.#at++) {
      const c = this.#text[this.#at] ?? ''
      if (!escaped && DELIMITERS.includes(c)) {
        if (this.#at === start) this.#at++
        break
      }
      escaped = c === '\\' && !escaped
    }
    return this.#text.slice(start, this.#at)
  }
}
