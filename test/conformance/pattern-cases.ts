import { compilePattern } from '../../src/api/pattern.ts'
import { Dice } from './transform-dice.ts'

export interface PatternCase {
  readonly pattern: string
  readonly replacement: string
  readonly texts: readonly string[]
}

/** What java.util.regex or ours says of a pattern: that it is none (`config`), or what it does to each text. */
export interface PatternOutcome {
  readonly config?: string
  readonly cases?: readonly PatternAnswer[]
}

interface PatternAnswer {
  readonly matches: boolean
  readonly find: boolean
  readonly first?: string
  readonly all?: string
  readonly error?: string
}

const ATOMS = [
  ...[
    'a',
    'b',
    'c',
    '1',
    '-',
    '.',
    '\\.',
    '\\d',
    '\\w',
    '\\s',
    '\\D',
    '[ab]',
    '[^a]',
    '[a-c]',
    '[^-.]',
    '[\\w.]',
  ],
  ...['\\p{Alpha}', '\\p{Lower}', '\\P{Digit}', '\\p{L}', '\\Qa.\\E', '\\x61', '\\b', '^', '$'],
] as const
const COUNTS = ['*', '+', '?', '{2}', '{1,2}', '{0,1}', '{2,}'] as const
const CHARACTERS = [...Array.from('aabbcc11-. _A'), 'é'] as const
const REPLACEMENTS = ['<$0>', 'x', '', '$1', '\\$', '${n}'] as const

export function* patternCases(count: number, seed: number): Generator<PatternCase> {
  const dice = new Dice(seed * 1000 + 777)
  for (let i = 0; i < count; i++) {
    const flags = dice.chance(0.1) ? dice.of(['(?i)', '(?s)', '(?is)']) : ''
    const pattern = flags + alternatives(dice, 2)
    const texts = Array.from({ length: 6 }, () =>
      Array.from({ length: dice.below(8) }, () => dice.of(CHARACTERS)).join(''),
    )
    yield { pattern, replacement: dice.of(REPLACEMENTS), texts }
  }
}

function alternatives(dice: Dice, depth: number): string {
  return Array.from({ length: dice.chance(0.8) ? 1 : 2 }, () => sequence(dice, depth)).join('|')
}

function sequence(dice: Dice, depth: number): string {
  return Array.from({ length: 1 + dice.below(3) }, () => {
    const isGroup = depth > 0 && dice.chance(0.25)
    const atom = isGroup
      ? `${dice.of(['(', '(?:', '(?<n>', '('])}${alternatives(dice, depth - 1)})`
      : dice.of(ATOMS)
    if (dice.chance(0.45) || /^([$^]|\\\\b)$/.test(atom)) return atom
    return atom + dice.of(COUNTS) + (dice.chance(isGroup ? 0.05 : 0.25) ? '+' : dice.of(['', '', '?']))
  }).join('')
}

/** Runs ours. */
export function replayPattern({ pattern: text, replacement, texts }: PatternCase): PatternOutcome {
  const compiled = compilePattern(text)
  if ('problem' in compiled) return { config: compiled.problem }
  const { pattern } = compiled
  return {
    cases: texts.map((each) => {
      const found = { matches: pattern.matches(each), find: pattern.find(each) }
      try {
        return {
          ...found,
          first: pattern.replaceFirst(each, replacement),
          all: pattern.replaceAll(each, replacement),
        }
      } catch (error) {
        return { ...found, error: String(error) }
      }
    }),
  }
}

/** Where two outcomes differ; undefined where they are equal. A replacement that cannot be made shows where it is made. */
export function patternDifference(java: PatternOutcome, ours: PatternOutcome): string | undefined {
  if ((java.config === undefined) !== (ours.config === undefined)) return 'config'
  return comparable(java) === comparable(ours) ? undefined : 'cases'
}

const comparable = ({ cases }: PatternOutcome): string =>
  JSON.stringify(
    cases?.map(({ error, ...rest }) => (error === undefined ? rest : { ...rest, first: null, all: null })),
  )
