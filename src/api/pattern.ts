import { createRequire } from 'node:module'
import type { RE2JS } from 're2js'
import { translate } from './java-pattern.ts'

/** A regular expression that came from outside. Matching takes time linear in the text, whatever the expression is. */
export interface Pattern {
  /** Whether it matches the whole text: Java's `Matcher.matches`. */
  matches(text: string): boolean
  /** Whether it matches somewhere in the text: Java's `Matcher.find`. */
  find(text: string): boolean
  /**
   * Java's `Matcher.replaceFirst`: `$1` and `${name}` stand for groups, a backslash makes the next character literal.
   * @throws Error where the replacement names a group that does not exist
   */
  replaceFirst(text: string, replacement: string): string
  /** Java's `Matcher.replaceAll`. */
  replaceAll(text: string, replacement: string): string
}

export type CompiledPattern = { readonly pattern: Pattern } | { readonly problem: string }

const LONGEST = 512
/** Of the compiled program: it bounds the time per character and the memory. */
const MOST_STEPS = 1000

/**
 * Compiles a regular expression of java.util.regex. What a linear engine cannot do (look-around, back references,
 * atomic groups, most possessive repetitions), what it would do otherwise than Java, and what is too large, is a problem by name.
 */
export function compilePattern(text: string): CompiledPattern {
  if (text.length > LONGEST) return { problem: `Pattern is longer than ${LONGEST} characters` }
  const translated = translate(text)
  if ('problem' in translated) return { problem: `Pattern ${translated.problem}` }
  if (translated.steps > MOST_STEPS)
    return {
      problem: `Pattern has more than ${MOST_STEPS} steps when its repetitions are written out. Lower their counts, or write * and +`,
    }
  try {
    return { pattern: new LinearPattern(engine().compile(translated.pattern)) }
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : ''
    return { problem: `Invalid regex: ${reason}` }
  }
}

/** What is wrong with a regular expression, for the check of a key. */
export function checkPattern(text: string): string | undefined {
  const compiled = compilePattern(text)
  return 'problem' in compiled ? compiled.problem : undefined
}

/** @throws Error where `checkPattern` has a problem */
export function patternOf(text: string): Pattern {
  const compiled = compilePattern(text)
  if ('problem' in compiled) throw new Error(compiled.problem)
  return compiled.pattern
}

let loaded: typeof RE2JS | undefined

/** Loaded with the first pattern: most workers never see one. */
function engine(): typeof RE2JS {
  loaded ??= (createRequire(import.meta.url)('re2js') as typeof import('re2js')).RE2JS
  return loaded
}

class LinearPattern implements Pattern {
  readonly #regex: RE2JS

  constructor(regex: RE2JS) {
    this.#regex = regex
  }

  matches(text: string): boolean {
    return this.#regex.testExact(text)
  }

  find(text: string): boolean {
    return this.#regex.test(text)
  }

  replaceFirst(text: string, replacement: string): string {
    return this.#regex.matcher(text).replaceFirst(replacement, true)
  }

  replaceAll(text: string, replacement: string): string {
    return this.#regex.matcher(text).replaceAll(replacement, true)
  }
}
