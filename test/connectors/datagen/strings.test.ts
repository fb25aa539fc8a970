import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { checkPattern, patternOf } from '../../../src/index.ts'
import { problemsOf, schemaOf, annotated, valuesOf } from './support.ts'

const strings = (annotations: unknown, count = 300) => valuesOf('string', annotations, count) as string[]
const regexProblem = (annotations: unknown) =>
  problemsOf(schemaOf({ a: annotated('string', annotations) })).join()

/** Patterns of what a string can be made of, written by a grammar. */
const piece = fc.oneof(
  fc.constantFrom(
    'a',
    'B',
    '7',
    '\\d',
    '\\w',
    '\\s',
    '\\D',
    '\\W',
    '\\S',
    '.',
    '\\.',
    '\\Q.*\\E',
    '\\t',
    'é',
    '😀',
    '-',
  ),
  fc.constantFrom(
    '[a-c]',
    '[^a-c]',
    '[\\w.-]',
    '[^\\d]',
    '[\\]^-]',
    '\\p{Alpha}',
    '\\p{Lu}',
    '\\P{Punct}',
    '\\x41',
    '\\u00e9',
  ),
)
const count = fc.constantFrom('', '', '?', '*', '+', '{2}', '{1,3}', '{2,}', '*?', '{0,2}?')
const pattern = fc
  .letrec<{ sequence: string; atom: string }>((tie) => ({
    sequence: fc
      .array(fc.tuple(tie('atom'), count), { minLength: 1, maxLength: 3 })
      .map((all) => all.flat().join('')),
    atom: fc.oneof(
      { maxDepth: 2, withCrossShrink: true },
      piece,
      fc
        .tuple(fc.constantFrom('(', '(?:'), fc.array(tie('sequence'), { minLength: 1, maxLength: 3 }))
        .map(([open, choices]) => `${open}${choices.join('|')})`),
    ),
  }))
  .sequence.filter((regex) => checkPattern(regex) === undefined)

describe('Datagen makes strings', () => {
  it('of letters and digits, 8 to 15 of them where nothing is said', () => {
    const lengths = new Set<number>()
    for (const text of strings({}, 2000)) {
      expect(text).to.match(/^[A-Za-z0-9]*$/)
      lengths.add(text.length)
    }
    expect([...lengths].toSorted((a, b) => a - b)).to.deep.equal([8, 9, 10, 11, 12, 13, 14, 15])
    expect(new Set(strings({ length: { min: 2000, max: 2001 } }, 1)[0])).to.have.property('size', 62)
  })

  it('of a length, or from min to before max', () => {
    const lengths = (length: unknown) => new Set(strings({ length }).map((text) => text.length))
    expect(lengths(3)).to.deep.equal(new Set([3]))
    expect(lengths(0)).to.deep.equal(new Set([0]))
    expect(lengths({ min: 2, max: 4 })).to.deep.equal(new Set([2, 3]))
    expect(lengths({ max: 2 })).to.deep.equal(new Set([0, 1]))
    expect([...lengths({ min: 20 })].every((each) => each >= 20 && each < 28)).to.equal(true)
  })

  it('with prefix and suffix, counted, and as uuids', () => {
    expect(strings({ prefix: '<', suffix: '>', length: 1 }, 1)[0]).to.match(/^<.>$/)
    expect(strings({ iteration: { start: 9 }, prefix: 'user-' }, 2)).to.deep.equal(['user-9', 'user-10'])
    expect(strings({ iteration: { start: 0 } }, 1)).to.deep.equal(['0'])
    const uuids = strings({ kind: 'uuid' })
    expect(new Set(uuids).size).to.equal(uuids.length)
    for (const uuid of uuids)
      expect(uuid).to.match(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
  })

  it('that match their regex, whatever it is', () => {
    fc.assert(
      fc.property(pattern, (regex) => {
        const compiled = patternOf(regex)
        for (const text of strings({ regex }, 5))
          expect(compiled.matches(text), `${regex}: ${text}`).to.equal(true)
      }),
      { numRuns: 100 },
    )
  })

  it('that match their regex and have the length, where there is one', () => {
    fc.assert(
      fc.property(pattern, fc.nat(12), fc.integer({ min: 1, max: 6 }), (regex, min, more) => {
        const annotations = { regex, length: { min, max: min + more } }
        const problem = regexProblem(annotations)
        if (problem !== '') {
          expect(problem).to.contain('no string of')
          for (const text of strings({ regex }, 5))
            expect(
              Array.from(text).length >= min && Array.from(text).length < min + more,
              `${regex}: ${text}`,
            ).to.equal(false)
          return
        }
        const compiled = patternOf(regex)
        for (const text of strings(annotations, 5)) {
          expect(compiled.matches(text), `${regex}: ${text}`).to.equal(true)
          expect(Array.from(text).length)
            .to.be.at.least(min)
            .and.below(min + more)
        }
      }),
      { numRuns: 100 },
    )
  })

  it('of each pattern that Java’s own are compared with, or says of what there are none', () => {
    const rows = readFileSync(new URL('../../fixtures/patterns/java-patterns.jsonl', import.meta.url), 'utf8')
    let made = 0
    for (const line of rows.trim().split('\n')) {
      const { pattern: regex } = JSON.parse(line) as { pattern: string }
      const problem = regexProblem({ regex })
      if (problem === '') {
        for (const text of strings({ regex }, 20))
          expect(patternOf(regex).matches(text), regex).to.equal(true)
        made++
      } else
        expect(problem, regex).to.match(
          /^Field "a" has a regex (that cannot be used|of which no strings are made)/,
        )
    }
    expect(made).to.be.at.least(50)
  })

  it('that reach every choice and every count of a pattern', () => {
    const all = (annotations: unknown) => new Set(strings(annotations, 3000))
    expect(all({ regex: '^[ab]{1,2}$|^c$' })).to.have.all.keys('a', 'b', 'aa', 'ab', 'ba', 'bb', 'c')
    expect(all({ regex: '(?<pair>ab){2,5}', length: { min: 5, max: 9 } })).to.have.all.keys(
      'ababab',
      'abababab',
    )
    expect(all({ regex: '(a|bb)*c?', length: 3 })).to.have.all.keys('aaa', 'abb', 'bba', 'aac', 'bbc')
    expect(Math.max(...strings({ regex: 'x*' }, 2000).map((text) => text.length))).to.equal(8)
    expect(Math.max(...strings({ regex: 'x{3,}' }, 2000).map((text) => text.length))).to.equal(11)
  })

  it('says what it makes no strings of, and stops where it would take too long', () => {
    const refusals: readonly (readonly [unknown, string])[] = [
      [{ regex: '(a' }, 'cannot be used'],
      [{ regex: '(?=a)b' }, 'look-around'],
      [{ regex: '(a+)+b\\1' }, 'back reference'],
      [{ regex: '(?i)a' }, '"(?i)a" at character 1'],
      [{ regex: 'a\\b' }, '"\\b" at character 2'],
      [{ regex: 'a^b' }, '"^b" at character 2'],
      [{ regex: '[^ -~]' }, 'without any printable character'],
      [{ regex: 'x{300}', length: 200 }, 'no string of 200 to 200 characters'],
      [{ regex: 'x*', length: 300 }, 'more than 256'],
      [{ regex: 'x*', length: { min: 5 } }, ''],
      [{ regex: 5 }, 'regex 5, which must be a text'],
      [{ kind: 'email' }, 'only "uuid" is known'],
    ]
    for (const [annotations, words] of refusals) {
      if (words === '') expect(regexProblem(annotations)).to.equal('')
      else expect(regexProblem(annotations)).to.contain('Field "a"').and.contain(words)
    }
    const deep = `${'('.repeat(60)}a|bb${')*c'.repeat(60)}`
    const began = performance.now()
    expect(regexProblem({ regex: deep, length: { min: 1, max: 257 } })).to.contain('too large')
    expect(performance.now() - began, 'milliseconds').to.be.below(5000)
  })
})
