import { expect } from 'chai'
import { describe, it } from 'mocha'
import { readFileSync } from 'node:fs'
import { compilePattern, type Pattern } from '../../src/api/pattern.ts'

interface Row {
  readonly pattern: string
  readonly replacement: string
  readonly cases?: readonly { text: string; matches: boolean; find: boolean; first: string; all: string }[]
  /** Java does not take it. */
  readonly error?: string
}

/** What java.util.regex of Java 17 says (test/fixtures/patterns/JavaPatterns.java). */
const ROWS = readFileSync(new URL('../fixtures/patterns/java-patterns.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Row)

/** What Java takes and a linear engine, or this one, does not; with the word that names it. */
const REFUSED: Readonly<Record<string, string>> = {
  'a*+a': 'possessive',
  '(a|b)*+c': 'possessive',
  '\\w++\\b': 'possessive',
  '(?i)a++A': 'possessive',
  '(?:x|a++)*': 'possessive',
  '(?>a*)b': 'atomic',
  '(?=a)a': 'look-around',
  'a(?!b)': 'look-around',
  '(?<=a)b': 'look-around',
  '(?<!a)b': 'look-around',
  '(a)\\1': 'back reference',
  '(?<n>a)\\k<n>': 'back reference',
  '[a-z&&[^b]]': 'intersection',
  '[a-d&&c]': 'intersection',
  '[a[bc]]': '"[" within',
  '[[:alpha:]]': '"[" within',
  '\\R': '\\R',
  '\\X': '\\X',
  'a\\Z': '\\Z',
  '(?m)^a$': 'flag "m"',
  '(?x) a': 'flag "x"',
  '(?U)é': 'flag "U"',
  '(?d).': 'flag "d"',
  '\\N{DIGIT ONE}': '\\N',
  '\\cA': '\\c',
  '\\p{javaLowerCase}': 'javaLowerCase',
  '\\p{InGreek}': 'InGreek',
  'a{2}{3}': 'repeats the repetition',
  '^*a': 'repeats the boundary',
  '(a*)*': 'can match nothing',
  '(|a)+': 'can match nothing',
  '(?:[a-c]*?\\.??){1,2}|(a+^(b\\p{L}+b{1,2}))[^a]?[\\w.]{2,}+': 'can match nothing',
  '(?:($|[^-.]*\\P{Digit}+\\p{Lower})?)+?\\s': 'can match nothing',
  '[ab]{2}(?<n>$\\d*+){2}': 'can match nothing',
  '((\\d*b{2,}?\\D*?)[^a]\\p{Alpha}?+|(?:\\P{Digit}{2}?-)*?(\\.{0,1}?^)*)': 'can match nothing',
  '\\x61??(?:$$|\\Qa.\\E{2}+){2,}': 'can match nothing',
  '(?<n>[^-.]^){0,1}?[^-.]|(.*)+?\\.?+(?:$)': 'can match nothing',
  '(a*)+b': 'can match nothing',
  '(a?){1,2}': 'can match nothing',
  '(?<n>a*){2}': 'can match nothing',
  '(?:a*?)*': 'can match nothing',
  '(?:a??b?){0,}': 'can match nothing',
  '(?:|a)*': 'can match nothing',
  '(?:(a)?)+': 'can match nothing',
  '(?:x(?:(?:a|\\b)?)*)': 'can match nothing',
}

describe('compilePattern', () => {
  it('matches, finds and replaces as Java does', () => {
    const differing: string[] = []
    for (const { pattern, replacement, cases } of ROWS) {
      if (cases === undefined || pattern in REFUSED) continue
      const compiled = compilePattern(pattern)
      if ('problem' in compiled) differing.push(`${pattern}: ${compiled.problem}`)
      else
        for (const { text, ...expected } of cases) {
          const found = answers(compiled.pattern, text, replacement)
          if (JSON.stringify(found) !== JSON.stringify(expected))
            differing.push(`${pattern} on ${JSON.stringify(text)}: ${JSON.stringify({ found, expected })}`)
        }
    }
    expect(differing).to.deep.equal([])
  })

  it('takes the repetition of a group that can match nothing where it is as in Java', () => {
    for (const pattern of ['(?:a?b*)*c', '(a*)?', '(a*){1}', '(a*?){0,1}b', '(a|b)*', '(?:a|b?)?', '(ab?)+'])
      expect(compilePattern(pattern), pattern).to.have.property('pattern')
  })

  it('takes possessive repetitions where they are equal to greedy ones', () => {
    const possessive = ROWS.filter(({ pattern }) => /[*+?}]\+/.test(pattern))
    const taken = possessive.filter(({ pattern }) => !('problem' in compilePattern(pattern)))
    expect(taken.length).to.be.greaterThan(80)
  })

  it('takes nothing that Java refuses', () => {
    const taken = ROWS.filter(({ error }) => error !== undefined).filter(
      ({ pattern }) => !('problem' in compilePattern(pattern)),
    )
    expect(taken).to.deep.equal([])
    expect(ROWS.filter(({ error }) => error !== undefined).length).to.be.greaterThan(10)
  })

  it('refuses by name what no linear engine can do, or this one does not', () => {
    for (const [pattern, word] of Object.entries(REFUSED)) {
      const compiled = compilePattern(pattern)
      expect('problem' in compiled ? compiled.problem : 'taken', pattern).to.contain(word)
    }
  })

  it('answers in time linear in the text, or refuses', () => {
    const text = 'a'.repeat(249)
    for (const pattern of [
      '(a+)+$',
      '(a*)*b',
      '(a|a)*b',
      '(a|aa)+z',
      '(x+x+)+y',
      '(.*a){12}z',
      '.*.*.*.*.*.*z',
    ]) {
      const compiled = compilePattern(pattern)
      expect('pattern' in compiled && compiled.pattern.matches(text), pattern).to.equal(pattern === '(a+)+$')
    }
    for (const pattern of [
      `${'.{0,249}'.repeat(5)}z`,
      '((a{0,100}){0,100})z',
      '(?:(?:.{0,50}){0,50}){0,50}',
      'a{1001}',
      'a{999999999}',
      '.{0,99}'.repeat(70),
      'a'.repeat(1001),
    ])
      expect(compilePattern(pattern), pattern).to.have.property('problem')
  })

  it('says of a replacement that names no group', () => {
    const compiled = compilePattern('(a)')
    if ('problem' in compiled) throw new Error(compiled.problem)
    expect(() => compiled.pattern.replaceAll('a', '$2')).to.throw()
    expect(() => compiled.pattern.replaceAll('a', '${no}')).to.throw()
  })
})

function answers(pattern: Pattern, text: string, replacement: string): object {
  return {
    matches: pattern.matches(text),
    find: pattern.find(text),
    first: pattern.replaceFirst(text, replacement),
    all: pattern.replaceAll(text, replacement),
  }
}
