import { checkPattern } from 'sluice'
import type { Annotations } from './annotations.ts'
import type { Draw } from './draw.ts'
import { type Generator, generator, NOTHING } from './generator.ts'
import { readLength } from './lengths.ts'
import { parseRegex, UnmadePattern } from './regex-parser.ts'
import { freeStrings, measuredStrings, type Strings, TooMuchWork } from './regex-strings.ts'
import type { WholeForm } from './whole-form.ts'
import { wholeIteration } from './whole-numbers.ts'

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
/** Strings of a pattern and a length: working the lengths out takes time that grows with the square of this. */
const LONGEST_MATCH = 256
const LONG_DIGITS = 20

/** A string: letters and digits, or what a pattern, a kind or an iteration says; between prefix and suffix. */
export function strings(annotations: Annotations): Generator {
  const inner = annotations.has('regex')
    ? matching(annotations)
    : annotations.has('kind')
      ? ofKind(annotations)
      : annotations.has('iteration')
        ? counting(annotations)
        : letters(annotations)
  const prefix = annotations.text('prefix') ?? ''
  const suffix = annotations.text('suffix') ?? ''
  if (inner === undefined) return NOTHING
  const { make, longest } = inner
  const isPlain = prefix === '' && suffix === ''
  return generator(
    isPlain ? make : (draw) => prefix + make(draw) + suffix,
    longest + prefix.length + suffix.length,
  )
}

function letters(annotations: Annotations): Strings | undefined {
  const length = readLength(annotations)
  if (length === undefined) return undefined
  const { min, max } = length
  const make = (draw: Draw): string => {
    let text = ''
    for (let left = min + draw.below(max - min); left > 0; left--)
      text += LETTERS[draw.below(LETTERS.length)]!
    return text
  }
  return { make, longest: max - 1 }
}

function matching(annotations: Annotations): Strings | undefined {
  const regex = annotations.text('regex')
  if (regex === undefined) return undefined
  const problem = checkPattern(regex)
  if (problem !== undefined) {
    annotations.problem(`has a regex that cannot be used: ${problem}.`)
    return undefined
  }
  try {
    const node = parseRegex(regex)
    return annotations.has('length') ? measured(annotations, node) : freeStrings(node)
  } catch (error) {
    if (error instanceof UnmadePattern)
      annotations.problem(
        `has a regex of which no strings are made, because of ${error.message}. Leave it out.`,
      )
    else if (error instanceof TooMuchWork)
      annotations.problem(
        'has a regex that is too large to make strings of a length. Leave out length, or nest less.',
      )
    else throw error
    return undefined
  }
}

function measured(annotations: Annotations, node: ReturnType<typeof parseRegex>): Strings | undefined {
  const length = readLength(annotations)
  if (length === undefined) return undefined
  const { min, max } = length
  if (max - 1 > LONGEST_MATCH) {
    annotations.problem(
      `has a length of more than ${LONGEST_MATCH} beside a regex. Lower it, or leave it out.`,
    )
    return undefined
  }
  const strings = measuredStrings(node, min, max)
  if (strings === undefined)
    annotations.problem(`has a regex that no string of ${min} to ${max - 1} characters matches.`)
  return strings
}

function ofKind(annotations: Annotations): Strings | undefined {
  const kind = annotations.text('kind')
  if (kind === 'uuid') return { make: uuid, longest: 36 }
  if (kind !== undefined)
    annotations.problem(`has kind "${kind}", and only "uuid" is known. Write a regex or options instead.`)
  return undefined
}

function uuid(draw: Draw): string {
  const word = (mask: number, bits: number) =>
    (((draw.bits() & mask) | bits) >>> 0).toString(16).padStart(8, '0')
  const [a, b, c, d] = [
    word(-1, 0),
    word(0xffff0fff | 0, 0x4000),
    word(0x3fffffff, 0x80000000 | 0),
    word(-1, 0),
  ]
  return `${a}-${b.slice(0, 4)}-${b.slice(4)}-${c.slice(0, 4)}-${c.slice(4)}${d}`
}

const COUNTING: WholeForm = {
  what: 'a whole number',
  one: 1n,
  least: -(1n << 63n),
  greatest: (1n << 63n) - 1n,
  usual: { from: 0n, end: 1n },
  read: (json) =>
    typeof json === 'bigint' || Number.isInteger(json) ? BigInt(json as number | bigint) : undefined,
  value: String,
}

function counting(annotations: Annotations): Strings {
  const { make } = wholeIteration(annotations, COUNTING)
  return { make: (draw) => make(draw) as string, longest: LONG_DIGITS }
}
