/**
 * JSON as a schema needs it: numbers keep their digits (a default of 9007199254740993 stays what it is), objects
 * keep the order of their keys whatever they are called, and depth is limited. Of a repeated key the last value
 * counts, as in Jackson.
 */
export interface JsonNumber {
  /** As written. */
  readonly digits: string
}
export type JsonObject = ReadonlyMap<string, JsonValue>
export type JsonValue = null | boolean | string | JsonNumber | readonly JsonValue[] | JsonObject

export const isJsonArray = (value: JsonValue | undefined): value is readonly JsonValue[] =>
  Array.isArray(value)
export const isJsonObject = (value: JsonValue | undefined): value is JsonObject => value instanceof Map
export const isJsonNumber = (value: JsonValue | undefined): value is JsonNumber =>
  typeof value === 'object' && value !== null && 'digits' in value

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/sy
const SPACE = /[ \t\r\n]*/y
const LITERALS: readonly (readonly [string, JsonValue])[] = [
  ['null', null],
  ['true', true],
  ['false', false],
]

/** Throws SyntaxError with a position. */
export function parseJson(text: string, maxDepth: number): JsonValue {
  const parser = new JsonParser(text, maxDepth)
  return parser.document()
}

class JsonParser {
  readonly #text: string
  readonly #maxDepth: number
  #at = 0

  constructor(text: string, maxDepth: number) {
    this.#text = text
    this.#maxDepth = maxDepth
  }

  document(): JsonValue {
    const value = this.#value(0)
    if (this.#peek() !== '') this.#fail('unexpected text after the end')
    return value
  }

  #value(depth: number): JsonValue {
    if (depth > this.#maxDepth) this.#fail(`nested deeper than ${this.#maxDepth} levels`)
    const next = this.#peek()
    if (next === '{') return this.#object(depth)
    if (next === '[') return this.#array(depth)
    if (next === '"') return this.#string()
    for (const [word, value] of LITERALS) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length
        return value
      }
    }
    return { digits: this.#match(NUMBER, 'a JSON value') }
  }

  #object(depth: number): JsonObject {
    const object = new Map<string, JsonValue>()
    this.#at++
    if (this.#take('}')) return object
    for (;;) {
      this.#peek()
      const key = this.#string()
      if (!this.#take(':')) this.#fail('expected ":"')
      object.set(key, this.#value(depth + 1))
      if (this.#take('}')) return object
      if (!this.#take(',')) this.#fail('expected "," or "}"')
    }
  }

  #array(depth: number): readonly JsonValue[] {
    const array: JsonValue[] = []
    this.#at++
    if (this.#take(']')) return array
    for (;;) {
      array.push(this.#value(depth + 1))
      if (this.#take(']')) return array
      if (!this.#take(',')) this.#fail('expected "," or "]"')
    }
  }

  #string(): string {
    const start = this.#at
    const quoted = this.#match(STRING, 'a string')
    try {
      return JSON.parse(quoted) as string
    } catch {
      this.#at = start
      return this.#fail('bad escape or control character in a string')
    }
  }

  #match(pattern: RegExp, expected: string): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)
    if (found === null) return this.#fail(`expected ${expected}`)
    this.#at = pattern.lastIndex
    return found[0]
  }

  /** The next character that is not white space, without taking it; '' at the end. */
  #peek(): string {
    SPACE.lastIndex = this.#at
    SPACE.exec(this.#text)
    this.#at = SPACE.lastIndex
    return this.#text.charAt(this.#at)
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false
    this.#at++
    return true
  }

  #fail(message: string): never {
    throw new SyntaxError(`${message} at position ${this.#at}`)
  }
}

/** Compact JSON, byte for byte as Jackson writes the same tree. */
export function writeJson(value: JsonValue): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return writeString(value)
  if (isJsonArray(value)) return `[${value.map(writeJson).join(',')}]`
  if (isJsonObject(value)) {
    return `{${[...value].map(([key, item]) => `${writeString(key)}:${writeJson(item)}`).join(',')}}`
  }
  return isIntegral(value) ? String(BigInt(value.digits)) : javaDouble(Number(value.digits))
}

export const isIntegral = (number: JsonNumber): boolean => /^-?\d+$/.test(number.digits)

/** As JSON.stringify, with the upper-case hex digits that Jackson writes. */
export function writeString(text: string): string {
  return JSON.stringify(text).replace(/\\(?:u([0-9a-f]{4})|.)/g, (escape, hex: string | undefined) =>
    hex === undefined ? escape : `\\u${hex.toUpperCase()}`,
  )
}

/** The text of Java's Double.toString (shortest form, JDK 19 and later). */
export function javaDouble(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`
  const size = Math.abs(value)
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  if (size >= 1e-3 && size < 1e7) return Number.isInteger(value) ? `${value}.0` : String(value)
  const [mantissa = '', exponent = ''] = value.toExponential().split('e')
  return `${mantissa.includes('.') ? mantissa : `${mantissa}.0`}E${Number(exponent)}`
}
