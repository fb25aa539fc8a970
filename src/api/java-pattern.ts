import { PatternShape } from './possessive.ts'

/** A Java pattern in RE2's syntax, and how many steps its program has at most. */
export type Translation = { readonly pattern: string; readonly steps: number } | { readonly problem: string }

class Refusal extends Error {}

/** What Java's `.` leaves out, unless (?s) is on. */
const NOT_LINE_END = '[^\\n\\r\\x{85}\\x{2028}\\x{2029}]'

/** Classes that RE2 lacks or understands otherwise, as the inside of a bracket. */
const CLASSES: Readonly<Record<string, string>> = {
  d: '0-9',
  w: 'a-zA-Z0-9_',
  s: '\\t\\n\\x{b}\\f\\r ',
  h: ' \\t\\x{a0}\\x{1680}\\x{180e}\\x{2000}-\\x{200a}\\x{202f}\\x{205f}\\x{3000}',
  v: '\\n\\x{b}\\f\\r\\x{85}\\x{2028}\\x{2029}',
}

const POSIX = new Set([
  ...['Lower', 'Upper', 'ASCII', 'Alpha', 'Digit', 'Alnum', 'Punct', 'Graph', 'Print', 'Blank', 'Cntrl'],
  ...['XDigit', 'Space'],
])

const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, f: 12, r: 13, a: 7, e: 27 }

/** Translates what Java and RE2 write differently; refuses by name what RE2 has not or takes for something else. */
export function translate(java: string): Translation {
  try {
    return new Translator(java).run()
  } catch (error) {
    if (error instanceof Refusal) return { problem: error.message }
    throw error
  }
}

interface Group {
  readonly dotAll: boolean
  /** Steps of what came before the atom read last, and of that atom. */
  before: number
  atom: number
}

class Translator {
  readonly #text: string
  #at = 0
  #out = ''
  #dotAll = false
  readonly #groups: Group[] = []
  #group: Group = { dotAll: false, before: 0, atom: 0 }
  readonly #shape = new PatternShape()

  constructor(text: string) {
    this.#text = text
  }

  run(): Translation {
    while (this.#at < this.#text.length) this.#next()
    if (this.#groups.length > 0) throw new Refusal('has a group that is not closed')
    const possessive = this.#shape.problem()
    if (possessive !== undefined)
      throw new Refusal(
        `has the possessive repetition "${possessive}", which is supported where it repeats one character and what follows cannot begin with it: elsewhere it takes more than linear time. Write it without the last +`,
      )
    const empty = this.#shape.emptyRepetition()
    if (empty !== undefined)
      throw new Refusal(
        `repeats with "${empty}" a group that can match nothing, which RE2 understands otherwise. Write the group so that it matches at least one character`,
      )
    return { pattern: this.#out, steps: this.#group.before + this.#group.atom }
  }

  #next(): void {
    const c = this.#text.codePointAt(this.#at) ?? 0
    const character = String.fromCodePoint(c)
    const quoted = this.#take(/\\Q([^]*?)(?:\\E|$)/y)
    if (quoted !== undefined) this.#quote(Array.from(quoted[1] ?? ''))
    else if (character === '\\') this.#escape()
    else if (character === '[') this.#atom(this.#class())
    else if (character === '(') this.#open()
    else if (character === ')') this.#close()
    else if ('*+?{'.includes(character)) throw new Refusal(`has a "${character}" with nothing to repeat`)
    else {
      this.#at += character.length
      if (character === '.') this.#atom(this.#dotAll ? '(?s:.)' : NOT_LINE_END)
      else if (character === '$') this.#plain('\\z')
      else if (character === '|' || character === '^') this.#plain(character)
      else this.#atom(literal(c))
    }
  }

  /** As in Java, a repetition after `\Qab\E` is of the last character. */
  #quote(characters: readonly string[]): void {
    const texts = characters.map((each) => literal(each.codePointAt(0) ?? 0))
    this.#out += texts.slice(0, -1).join('')
    for (const text of texts.slice(0, -1)) this.#shape.atom(text, '', '')
    this.#group.before += Math.max(0, texts.length - 1)
    const last = texts.at(-1)
    if (last !== undefined) this.#atom(last)
  }

  /** Something that can be repeated, with its repetition. */
  #atom(text: string, steps = 1): void {
    const group = this.#group
    group.before += group.atom
    const quantifier = this.#take(/([*+?]|\{(\d{1,9})(,?)(\d{0,9})\})([?+]?)/y)
    group.atom = steps
    this.#out += text
    this.#shape.atom(text, quantifier?.[0] ?? '', quantifier?.[5] ?? '')
    if (quantifier === undefined) return
    const [whole, kind = '', least = '', comma = '', most = '', mode = ''] = quantifier
    if (/[*+?{]/.test(this.#text[this.#at] ?? '')) throw new Refusal(`repeats the repetition "${whole}"`)
    const times = kind.startsWith('{') ? Math.max(Number(least) + (comma === '' ? 0 : 1), Number(most)) : 1
    group.atom = (steps + 1) * times
    this.#out += mode === '+' ? kind : whole // possessive: the shape says whether that is the same
  }

  /** Something that nothing repeats. */
  #plain(text: string): void {
    this.#out += text
    if (text === '|') this.#shape.or()
    else this.#shape.boundary(text === '\\z')
    this.#group.before += 1
    if (/[*+?{]/.test(this.#text[this.#at] ?? '') && text !== '|')
      throw new Refusal(`repeats the boundary before "${this.#text.slice(this.#at, this.#at + 8)}"`)
  }

  #open(): void {
    const look = this.#take(/\(\?<?[=!]/y)
    if (look !== undefined)
      throw new Refusal(`has the look-around "${look[0]}", which takes more than linear time`)
    if (this.#take(/\(\?>/y) !== undefined) throw new Refusal('has the atomic group "(?>". Write "(?:"')
    const start = this.#take(/\(\?<[a-zA-Z][a-zA-Z0-9]*>|\(\?([a-zA-Z]*)(?:-([a-zA-Z]*))?([:)])|\((?!\?)/y)
    if (start === undefined)
      throw new Refusal(`has "${this.#text.slice(this.#at, this.#at + 4)}", which is no group`)
    const [whole, on = '', off = '', end = ''] = start
    const other = /[^ius]/.exec(on + off)
    if (other !== null) throw new Refusal(`has the flag "${other[0]}". The flags i, s and u are supported`)
    const before = this.#dotAll
    if (on.includes('i')) this.#shape.ignoresCase = true
    if (on.includes('s')) this.#dotAll = true
    if (off.includes('s')) this.#dotAll = false
    if (end === '') this.#out += whole
    else this.#out += flags(on, off, end)
    if (end === ')') return
    this.#shape.open(/^\((?:\?<|$)/.test(whole))
    this.#groups.push(this.#group)
    this.#group = { dotAll: before, before: 0, atom: 0 }
  }

  #close(): void {
    const outer = this.#groups.pop()
    if (outer === undefined) throw new Refusal('closes a group that is not open')
    const { dotAll, before, atom } = this.#group
    this.#at++
    this.#dotAll = dotAll
    this.#group = outer
    this.#shape.close()
    this.#atom(')', before + atom + 2)
  }

  #escape(): void {
    if (this.#take(/\\(?:[1-9]|k<)/y) !== undefined)
      throw new Refusal('has a back reference, which takes more than linear time')
    const boundary = this.#take(/\\[bBAz]/y)
    if (boundary !== undefined) {
      this.#plain(boundary[0])
      return
    }
    const set = this.#set()
    this.#atom(set === undefined ? literal(this.#character()) : `[${set}]`)
  }

  /** An escape that stands for many characters, as the inside of a bracket. */
  #set(): string | undefined {
    const short = this.#take(/\\([dDwWsSvVhH])/y)?.[1]
    if (short !== undefined) {
      const inside = CLASSES[short.toLowerCase()] ?? ''
      return short === short.toLowerCase() ? inside : complement(inside)
    }
    const property = this.#take(/\\([pP])(?:\{([^}]*)\}|([A-Z]))/y)
    if (property === undefined) return undefined
    const [whole, kind = '', name = '', letter = ''] = property
    const isNot = kind === 'P'
    if (POSIX.has(name)) return `[:${isNot ? '^' : ''}${name.toLowerCase()}:]`
    const known = /^(?:Is)?([LMNPSZC][a-z]?)$|^Is([A-Z][a-z]{2,}(?:_[A-Z][a-z]+)*)$/.exec(name + letter)
    if (known === null) throw new Refusal(`has the property "${whole}", which is not supported`)
    return `\\${kind}{${known[1] ?? known[2] ?? ''}}`
  }

  /** An escape that stands for one character. */
  #character(): number {
    const hex = this.#take(/\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|x\{([0-9a-fA-F]{1,6})\})/y)
    if (hex !== undefined) return codePoint(Number.parseInt(hex[1] ?? hex[2] ?? hex[3] ?? '', 16), hex[0])
    const octal = this.#take(/\\0([0-3]?[0-7]{1,2})/y)
    if (octal !== undefined) return Number.parseInt(octal[1] ?? '', 8)
    const [whole, escaped = ''] = this.#take(/\\([^]?)/uy) ?? []
    const control = CONTROLS[escaped]
    if (control !== undefined) return control
    if (escaped === '' || /[A-Za-z0-9]/.test(escaped))
      throw new Refusal(`has the escape "${whole ?? ''}", which is not supported`)
    return escaped.codePointAt(0) ?? 0
  }

  #class(): string {
    let out = this.#take(/\[\^?/y)?.[0] ?? ''
    for (let first = true; ; first = false) {
      const rest = this.#text.slice(this.#at, this.#at + 2)
      if (rest === '') throw new Refusal('has a "[" that is not closed')
      if (rest.startsWith(']') && !first) break
      if (rest.startsWith('[')) throw new Refusal('has a "[" within "[…]". Write \\[, or one class')
      if (rest === '&&') throw new Refusal('has the intersection "&&" of classes. Write one class')
      const quoted = this.#take(/\\Q([^]*?)(?:\\E|$)/y)
      if (quoted === undefined) out += this.#member()
      else
        out += Array.from(quoted[1] ?? '')
          .map((each) => literal(each.codePointAt(0) ?? 0))
          .join('')
    }
    this.#at++
    return `${out}]`
  }

  /** A character, a range or a set within brackets. */
  #member(): string {
    const set = this.#set()
    if (set !== undefined) return set
    const from = this.#single()
    if (this.#take(/-(?![\]\[])/y) === undefined) return literal(from)
    const to = this.#single()
    if (to < from)
      throw new Refusal(
        `has the range "${String.fromCodePoint(from)}-${String.fromCodePoint(to)}" upside down`,
      )
    return `${literal(from)}-${literal(to)}`
  }

  #single(): number {
    if (this.#text[this.#at] === '\\') return this.#character()
    const c = this.#text.codePointAt(this.#at)
    if (c === undefined) throw new Refusal('has a "[" that is not closed')
    this.#at += c > 0xffff ? 2 : 1
    return c
  }

  #take(regex: RegExp): RegExpExecArray | undefined {
    regex.lastIndex = this.#at
    const found = regex.exec(this.#text) ?? undefined
    this.#at += found?.[0].length ?? 0
    return found
  }
}

function literal(c: number): string {
  const character = String.fromCodePoint(c)
  return /^[A-Za-z0-9_]$/.test(character) ? character : `\\x{${c.toString(16)}}`
}

function codePoint(c: number, written: string): number {
  if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
    throw new Refusal(`has "${written}", which is no character`)
  return c
}

/** RE2's (?s) is of no use, as every dot was written out, and it has no (?u): it folds case by Unicode always. */
function flags(on: string, off: string, end: string): string {
  const text = `${on.includes('i') ? 'i' : ''}${off.includes('i') ? '-i' : ''}`
  return text === '' && end === ')' ? '' : `(?${text}${end}`
}

/** What is not in a set of ranges, as ranges: RE2 has no class within a class. */
function complement(inside: string): string {
  const ranges: [number, number][] = []
  const named: Readonly<Record<string, number>> = { '\\t': 9, '\\n': 10, '\\f': 12, '\\r': 13 }
  const value = (text: string): number =>
    named[text] ?? (text.startsWith('\\x{') ? Number.parseInt(text.slice(3), 16) : (text.codePointAt(0) ?? 0))
  for (const [, from = '', to = from] of inside.matchAll(
    /(\\x\{[0-9a-f]+\}|\\.|[^])(?:-(\\x\{[0-9a-f]+\}|[^]))?/g,
  ))
    ranges.push([value(from), value(to)])
  let out = ''
  let next = 0
  for (const [from, to] of ranges.sort(([a], [b]) => a - b)) {
    if (from > next) out += `${literal(next)}-${literal(from - 1)}`
    next = to + 1
  }
  return `${out}${literal(next)}-\\x{10ffff}`
}
