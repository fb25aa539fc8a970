import { emptyRepetition } from './empty-repetition.ts'

/** Inclusive, of code points. */
type Ranges = readonly (readonly [number, number])[]

/** What an atom takes: one character of a set (undefined: of one that is not known), or what a group takes. */
export interface Item {
  readonly set: Ranges | undefined
  readonly group?: Group
  readonly isOptional: boolean
  readonly repeats: boolean
  readonly quantifier: string
  /** How often it may come at most. */
  readonly most: number
  readonly isLazy: boolean
  /** As it is written, where it is possessive. */
  readonly possessive?: string | undefined
}

export type Boundary = 'end' | 'other'

export interface Group {
  readonly captures: boolean
  readonly alternatives: (Item | Boundary)[][]
}

/** The characters that may come next; `any` where that is not known. */
interface Next {
  readonly ranges: Ranges
  readonly any: boolean
}

const END: Next = { ranges: [], any: false }
const ANY: Next = { ranges: [], any: true }
const LAST = 0x10ffff

/**
 * The shape of a pattern, as far as it says whether a possessive repetition is equal to a greedy one. It is where it repeats
 * one character of a set, and what follows begins with none of that set: then nothing that it gave back would help. A
 * linear engine has greedy repetitions alone.
 */
export class PatternShape {
  readonly #open: Group[] = [{ captures: false, alternatives: [[]] }]
  #closed: Group | undefined
  /** Set where a part of the pattern has the flag i. */
  ignoresCase = false

  open(captures: boolean): void {
    this.#open.push({ captures, alternatives: [[]] })
  }

  close(): void {
    this.#closed = this.#open.pop()
  }

  or(): void {
    this.#open.at(-1)?.alternatives.push([])
  }

  boundary(isEnd: boolean): void {
    this.#last()?.push(isEnd ? 'end' : 'other')
  }

  /** `text` is the translated atom; that of a group that was closed is `)`. */
  atom(text: string, quantifier: string, mode: string): void {
    const isPossessive = mode === '+'
    this.#last()?.push({
      set: text === ')' ? undefined : rangesOf(text),
      ...(text === ')' && this.#closed !== undefined && { group: this.#closed }),
      isOptional: /^([*?]|\{0+[,}])/.test(quantifier),
      quantifier,
      most: mostOf(quantifier),
      isLazy: mode === '?',
      repeats: quantifier !== '' && !quantifier.startsWith('?'),
      // {3}+ has nothing to give back.
      possessive: isPossessive && !(text !== ')' && /^\{\d+\}/.test(quantifier)) ? quantifier : undefined,
    })
  }

  /** The possessive repetition that may not be made greedy; undefined where there is none. */
  problem(): string | undefined {
    const top = this.#open[0]
    return top === undefined ? undefined : this.#check(top, END)
  }

  /** The repetition of a group that can match nothing and that RE2 runs otherwise; undefined where there is none. */
  emptyRepetition(): string | undefined {
    const top = this.#open[0]
    return top === undefined ? undefined : emptyRepetition(top)
  }

  #last(): (Item | Boundary)[] | undefined {
    return this.#open.at(-1)?.alternatives.at(-1)
  }

  #check(group: Group, after: Next): string | undefined {
    for (const alternative of group.alternatives) {
      let next = after
      for (const item of alternative.toReversed()) {
        const problem = typeof item === 'string' ? undefined : this.#checkItem(item, next)
        if (problem !== undefined) return problem
        next = this.#before(item, next)
      }
    }
    return undefined
  }

  #checkItem(item: Item, next: Next): string | undefined {
    const { possessive, set, group, repeats } = item
    if (possessive !== undefined && (set === undefined || next.any || !this.#areApart(set, next.ranges)))
      return possessive
    if (group === undefined) return undefined
    return this.#check(group, repeats ? union(next, this.#before(item, next)) : next)
  }

  /** What may come at the place before an item. */
  #before(item: Item | Boundary, next: Next): Next {
    if (typeof item === 'string') return item === 'end' ? END : ANY
    const own = item.group === undefined ? ownOf(item.set) : this.#first(item.group, next)
    return item.isOptional ? union(own, next) : own
  }

  #first(group: Group, after: Next): Next {
    return group.alternatives
      .map((alternative) => alternative.reduceRight((next, item) => this.#before(item, next), after))
      .reduce(union, END)
  }

  #areApart(a: Ranges, b: Ranges): boolean {
    if (!this.ignoresCase) return !overlap(a, b)
    // Beyond ASCII letters have more than two cases.
    if ([...a, ...b].some(([, to]) => to > 127)) return false
    return !overlap(inAnyCase(a), inAnyCase(b))
  }
}

function mostOf(quantifier: string): number {
  if (/^[*+]|,\}/.test(quantifier)) return Infinity
  return Number(/(\d+)\}/.exec(quantifier)?.[1] ?? 1)
}

const ownOf = (set: Ranges | undefined): Next => (set === undefined ? ANY : { ranges: set, any: false })

const union = (a: Next, b: Next): Next => ({ ranges: [...a.ranges, ...b.ranges], any: a.any || b.any })

const overlap = (a: Ranges, b: Ranges): boolean =>
  a.some(([from, to]) => b.some(([start, end]) => from <= end && start <= to))

/** Of ASCII: each letter in both cases. */
function inAnyCase(ranges: Ranges): Ranges {
  const both = ranges.flatMap(([from, to]) =>
    Array.from({ length: to - from + 1 }, (_, i) => String.fromCharCode(from + i)),
  )
  return both
    .flatMap((each) => [each.toLowerCase().charCodeAt(0), each.toUpperCase().charCodeAt(0)])
    .map((each) => [each, each])
}

const POSIX: Readonly<Record<string, string>> = {
  ...{ lower: 'a-z', upper: 'A-Z', alpha: 'a-zA-Z', digit: '0-9', alnum: '0-9a-zA-Z', xdigit: '0-9A-Fa-f' },
  ...{ ascii: '\\x{0}-\\x{7f}', punct: '!-/:-@\\x{5b}-`{-~', graph: '!-~', print: ' -~', blank: ' \\t' },
  ...{ cntrl: '\\x{0}-\\x{1f}\\x{7f}', space: '\\t-\\r ' },
}
const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, f: 12, r: 13 }
const MEMBER = /\[:(\^?)(\w+):\]|(\\[pP].*)|(\\x\{[0-9a-f]+\}|\\?[^])(?:-(\\x\{[0-9a-f]+\}|\\?[^]))?/gu

/** The characters of a translated atom; undefined where it has a property of Unicode. */
function rangesOf(text: string): Ranges | undefined {
  if (text === '(?s:.)') return [[0, LAST]]
  const [, negation = '', inside = text] = /^\[(\^?)([^]*)\]$/.exec(text) ?? []
  const ranges: (readonly [number, number])[] = []
  for (const [, not, posix, property, from = '', to = from] of inside.matchAll(MEMBER)) {
    if (property !== undefined) return undefined
    if (posix === undefined) ranges.push([codeOf(from), codeOf(to)])
    else {
      const known = rangesOf(`[${not ?? ''}${POSIX[posix] ?? ''}]`)
      if (known === undefined) return undefined
      ranges.push(...known)
    }
  }
  return negation === '' ? ranges : complement(ranges)
}

function codeOf(text: string): number {
  if (text.startsWith('\\x{')) return Number.parseInt(text.slice(3), 16)
  return text.startsWith('\\') ? (CONTROLS[text.charAt(1)] ?? text.charCodeAt(1)) : (text.codePointAt(0) ?? 0)
}

function complement(ranges: Ranges): Ranges {
  const rest: (readonly [number, number])[] = []
  let next = 0
  for (const [from, to] of ranges.toSorted(([a], [b]) => a - b)) {
    if (from > next) rest.push([next, from - 1])
    next = Math.max(next, to + 1)
  }
  return next > LAST ? rest : [...rest, [next, LAST]]
}
