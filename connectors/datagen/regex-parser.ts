import {
  charactersOf,
  ESCAPED_CLASSES,
  NAMED_CLASSES,
  negatedClass,
  PRINTABLE,
  printableBut,
  type Ranges,
} from './character-set.ts'

/** What strings are made from. `least` and `most` of a repetition; `most` is infinite where the pattern gives no end. */
export type RegexNode =
  | { readonly kind: 'characters'; readonly characters: readonly string[] }
  | { readonly kind: 'sequence'; readonly parts: readonly RegexNode[] }
  | { readonly kind: 'choice'; readonly parts: readonly RegexNode[] }
  | { readonly kind: 'repetition'; readonly part: RegexNode; readonly least: number; readonly most: number }

/** Says what strings cannot be made of. */
export class UnmadePattern extends Error {}

const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, f: 12, r: 13, a: 7, e: 27 }
const LAST_CODE = 0x10ffff
/** A set is written out. */
const MOST_CHARACTERS = 0x4000

/**
 * Reads a pattern of java.util.regex that `checkPattern` has accepted.
 * @throws UnmadePattern for what no string is made of: flags, boundaries, intersections
 */
export function parseRegex(pattern: string): RegexNode {
  return new RegexParser(pattern).run()
}

class RegexParser {
  readonly #text: string
  #at = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
  }

  run(): RegexNode {
    const node = this.#choice()
    if (this.#at < this.#text.length) throw this.#unmade()
    return node
  }

  #choice(): RegexNode {
    const parts = [this.#sequence()]
    while (this.#take(/\|/y) !== undefined) parts.push(this.#sequence())
    return parts.length === 1 ? parts[0]! : { kind: 'choice', parts }
  }

  /** The whole string must match, so that ^ before and $ behind everything change nothing. */
  #sequence(): RegexNode {
    const parts: RegexNode[] = []
    if (this.#depth === 0) this.#take(/\^/y)
    while (this.#at < this.#text.length && !'|)'.includes(this.#text[this.#at]!)) {
      if (this.#depth === 0 && this.#take(/\$(?=$|\|)/y) !== undefined) break
      for (const part of this.#atoms()) parts.push(part)
      const last = parts.pop()
      if (last !== undefined) parts.push(this.#repeated(last))
    }
    return parts.length === 1 ? parts[0]! : { kind: 'sequence', parts }
  }

  /** Several only for a quotation, of which the last character may be repeated. */
  #atoms(): readonly RegexNode[] {
    const quoted = this.#take(/\\Q([^]*?)(?:\\E|$)/y)
    if (quoted !== undefined)
      return Array.from(quoted[1] ?? '', (c) => ({ kind: 'characters', characters: [c] }))
    if (this.#take(/\((?:\?:|\?<[a-zA-Z][a-zA-Z0-9]*>|(?!\?))/y) !== undefined) return [this.#group()]
    if (this.#take(/\./y) !== undefined) return [set(PRINTABLE)]
    if (this.#take(/\[/y) !== undefined) return [set(this.#class())]
    if (this.#text[this.#at] === '\\') return [set(this.#escape())]
    const literal = this.#take(/[^\\^$.|?*+()[{]/uy)
    if (literal === undefined) throw this.#unmade()
    return [{ kind: 'characters', characters: [literal[0]] }]
  }

  #group(): RegexNode {
    this.#depth++
    const inner = this.#choice()
    this.#depth--
    if (this.#take(/\)/y) === undefined) throw this.#unmade()
    return inner
  }

  /** Lazy or greedy, the strings are the same. */
  #repeated(part: RegexNode): RegexNode {
    const found = this.#take(/(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/y)
    if (found === undefined) return part
    const [, sign, count = '', comma, end = ''] = found
    if (sign !== undefined) {
      return { kind: 'repetition', part, least: sign === '+' ? 1 : 0, most: sign === '?' ? 1 : Infinity }
    }
    const least = Number(count)
    const most = comma === '' ? least : end === '' ? Infinity : Number(end)
    return { kind: 'repetition', part, least, most }
  }

  /** Behind the opening bracket. */
  #class(): Ranges {
    const isNegated = this.#take(/\^/y) !== undefined
    const ranges: (readonly [number, number])[] = []
    while (this.#take(/\]/y) === undefined) {
      if (this.#take(/&&|\[/y) !== undefined) throw new UnmadePattern('a class within a class')
      const [first, ...others] = this.#member()
      if (first === undefined) throw this.#unmade()
      const isOne = others.length === 0 && first[0] === first[1]
      if (!isOne || this.#take(/-(?!\])/y) === undefined) ranges.push(first, ...others)
      else {
        const [last = first, ...more] = this.#member()
        if (more.length > 0 || last[0] !== last[1] || last[0] < first[0]) throw this.#unmade()
        ranges.push([first[0], last[0]])
      }
    }
    return isNegated ? printableBut(ranges) : ranges
  }

  #member(): Ranges {
    if (this.#text[this.#at] === '\\') return this.#escape()
    const found = this.#take(/[^\\[\]&]|&(?!&)/uy)
    if (found === undefined) throw this.#unmade()
    const code = found[0].codePointAt(0) ?? 0
    return [[code, code]]
  }

  #escape(): Ranges {
    const known = this.#take(/\\([dwshDWSH])/y)?.[1]
    if (known !== undefined) return ESCAPED_CLASSES[known] ?? negatedClass(known.toLowerCase())
    const named = this.#take(/\\([pP])\{(?:Is)?(\w+)\}|\\([pP])([A-Z])/y)
    if (named !== undefined) {
      const [whole, p = named[3], name = named[4] ?? ''] = named
      const ranges = NAMED_CLASSES[name]
      if (ranges === undefined) throw new UnmadePattern(whole)
      return p === 'P' ? printableBut(ranges) : ranges
    }
    const code = this.#code()
    if (code === undefined || code > LAST_CODE) throw this.#unmade()
    return [[code, code]]
  }

  #code(): number | undefined {
    const hex = this.#take(/\\(?:x([0-9a-fA-F]{2})|x\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4}))/y)
    if (hex !== undefined) return parseInt(hex[1] ?? hex[2] ?? hex[3] ?? '', 16)
    const control = this.#take(/\\([tnfrae])/y)?.[1]
    if (control !== undefined) return CONTROLS[control]
    return this.#take(/\\([^a-zA-Z0-9])/uy)?.[1]?.codePointAt(0)
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)
    if (found !== null) this.#at += found[0].length
    return found ?? undefined
  }

  #unmade(): UnmadePattern {
    return new UnmadePattern(`"${this.#text.slice(this.#at, this.#at + 8)}" at character ${this.#at + 1}`)
  }
}

function set(ranges: Ranges): RegexNode {
  const count = ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0)
  if (count > MOST_CHARACTERS) throw new UnmadePattern(`a class of more than ${MOST_CHARACTERS} characters`)
  const characters = charactersOf(ranges)
  if (characters.length === 0) throw new UnmadePattern('a class without any printable character')
  return { kind: 'characters', characters }
}
