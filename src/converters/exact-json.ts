/** JSON as it can hold what a double cannot: integers beyond 2^53 are bigints. */
export type Json =
  null | boolean | number | bigint | string | readonly Json[] | { readonly [name: string]: Json | undefined }
export type JsonObject = { readonly [name: string]: Json | undefined }

/** A JSON number with a fraction or an exponent, where the caller asked to tell it from an integer. */
export class Fraction {
  readonly value: number
  readonly text: string
  constructor(text: string) {
    this.value = Number(text)
    this.text = text
  }
}

type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown
const json = JSON as unknown as {
  parse: (text: string, reviver?: Reviver) => unknown
  rawJSON: (text: string) => unknown
}
const { parse, rawJSON: rawJson } = json

/** Whether a text may hold a number that a plain `JSON.parse` would change. */
const LONG_NUMBER = /\d{16}/
const FRACTION = /\d[.eE]/
/** Of a number. */
const MAX_DIGITS = 1000

/** Parses JSON; integers that a double cannot hold become bigints. Throws SyntaxError. */
export function parseExact(text: string): Json {
  if (!LONG_NUMBER.test(text)) return parse(text) as Json
  return parse(text, (_key, value, { source }) => {
    return typeof value === 'number' ? exactInteger(source, value) : value
  }) as Json
}

/** The same, but numbers written with a fraction or an exponent become `Fraction`, as `1.0` is no integer. */
export function parseWithFractions(text: string): unknown {
  if (!LONG_NUMBER.test(text) && !FRACTION.test(text)) return parse(text)
  return parse(text, (_key, value, { source }) => {
    if (typeof value !== 'number' || source === undefined) return value
    checkLength(source)
    return /[.eE]/.test(source) ? new Fraction(source) : exactInteger(source, value)
  })
}

/** Digits are worth less and less, and reading them costs more and more: as Jackson does in Kafka Connect. */
function checkLength(source: string | undefined): void {
  if (source === undefined || source.length <= MAX_DIGITS) return
  if (source.replace(/[^0-9]/g, '').length > MAX_DIGITS)
    throw new SyntaxError(`A number has more than ${MAX_DIGITS} digits.`)
}

function exactInteger(source: string | undefined, value: number): number | bigint {
  checkLength(source)
  if (source === undefined || Number.isSafeInteger(value) || !/^-?\d+$/.test(source)) return value
  return BigInt(source)
}

/** The text of JSON that may hold bigints, fractions and `rawNumber`s. */
export function stringifyExact(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item === 'bigint') return rawJson(String(item))
    return item instanceof Fraction ? rawJson(item.text) : item
  })
}

/** A number that is written as the given text. */
export function rawNumber(text: string): unknown {
  return rawJson(text)
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
