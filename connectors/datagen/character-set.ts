/** Code points from the first to the last of each pair. */
export type Ranges = readonly (readonly [number, number])[]

const span = (from: string, to: string) => [from.charCodeAt(0), to.charCodeAt(0)] as const
const one = (code: number) => [code, code] as const

const UPPER = span('A', 'Z')
const LOWER = span('a', 'z')
const DIGIT = span('0', '9')
/** What strings are made of where a pattern allows anything: ASCII that can be seen, and the blank. */
export const PRINTABLE: Ranges = [span(' ', '~')]
const PUNCTUATION: Ranges = [span('!', '/'), span(':', '@'), span('[', '`'), span('{', '~')]

/** `\d` and the like. Where a class has invisible characters, a string gets the blank and the tab of them. */
export const ESCAPED_CLASSES: Readonly<Record<string, Ranges>> = {
  d: [DIGIT],
  w: [UPPER, LOWER, DIGIT, one(0x5f)],
  s: [one(0x20), one(9)],
  h: [one(0x20), one(9)],
}

/** `\p{…}`: of the letters of all scripts, those of ASCII. */
export const NAMED_CLASSES: Readonly<Record<string, Ranges>> = {
  Lower: [LOWER],
  Upper: [UPPER],
  Alpha: [UPPER, LOWER],
  Digit: [DIGIT],
  Alnum: [UPPER, LOWER, DIGIT],
  Punct: PUNCTUATION,
  XDigit: [DIGIT, span('A', 'F'), span('a', 'f')],
  Graph: [span('!', '~')],
  Print: PRINTABLE,
  ASCII: PRINTABLE,
  Blank: [one(0x20), one(9)],
  Space: [one(0x20), one(9)],
  L: [UPPER, LOWER],
  Lu: [UPPER],
  Ll: [LOWER],
  N: [DIGIT],
  Nd: [DIGIT],
}

/** What negation has to leave out is more than what strings are made of. */
const LEFT_OUT: Readonly<Record<string, Ranges>> = {
  s: [span('\t', '\r'), one(0x20)],
  h: [one(0x20), one(9)],
}

/** What is printable and not in the class, e.g. `\D`. */
export function negatedClass(letter: string): Ranges {
  return printableBut(LEFT_OUT[letter] ?? ESCAPED_CLASSES[letter] ?? [])
}

export function printableBut(excluded: Ranges): Ranges {
  let left: Ranges = PRINTABLE
  for (const [from, to] of excluded) {
    left = left.flatMap(([first, last]) => [
      ...(first < from ? [[first, Math.min(last, from - 1)] as const] : []),
      ...(last > to ? [[Math.max(first, to + 1), last] as const] : []),
    ])
  }
  return left
}

/** The characters of a set, each once; half of a surrogate pair is none. */
export function charactersOf(ranges: Ranges): string[] {
  const codes = new Set<number>()
  for (const [from, to] of ranges) for (let code = from; code <= to; code++) codes.add(code)
  const whole = [...codes].filter((code) => code < 0xd800 || code > 0xdfff)
  return whole.map((code) => String.fromCodePoint(code))
}
