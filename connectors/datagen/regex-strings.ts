import type { Draw } from './draw.ts'
import type { RegexNode } from './regex-parser.ts'

/** How many more than its least a repetition without an end makes. */
const MORE = 8

/** Makes strings that match, and says how long they are at most. */
export interface Strings {
  readonly make: (draw: Draw) => string
  readonly longest: number
}

/** Strings of a pattern, of whatever length: each choice and each count is as likely as the others. */
export function freeStrings(node: RegexNode): Strings {
  switch (node.kind) {
    case 'characters':
      return { make: (draw) => draw.pick(node.characters), longest: 1 }
    case 'sequence': {
      const parts = node.parts.map(freeStrings)
      return {
        make: (draw) => parts.reduce((text, part) => text + part.make(draw), ''),
        longest: parts.reduce((sum, { longest }) => sum + longest, 0),
      }
    }
    case 'choice': {
      const parts = node.parts.map(freeStrings)
      return {
        make: (draw) => draw.pick(parts).make(draw),
        longest: Math.max(...parts.map(({ longest }) => longest)),
      }
    }
    case 'repetition': {
      const part = freeStrings(node.part)
      const { least } = node
      const most = node.most === Infinity ? least + MORE : node.most
      return {
        make: (draw) => repeat(part, least + draw.below(most - least + 1), draw),
        longest: part.longest * most,
      }
    }
  }
}

function repeat(part: Strings, count: number, draw: Draw): string {
  let text = ''
  for (let i = 0; i < count; i++) text += part.make(draw)
  return text
}

/** Makes strings of given lengths: those for which `lengths` has a 1. */
interface Measured {
  readonly lengths: Uint8Array
  /** The same as a list. */
  readonly list: readonly number[]
  make(draw: Draw, length: number): string
}

/** What it takes to find out which lengths there are; beyond it a pattern is refused. */
const MOST_WORK = 20_000_000
export class TooMuchWork extends Error {}

/**
 * Strings of a pattern with a length from `min` to before `max`, in characters. Which lengths each part can have is worked
 * out once; making a string then only ever goes where an end is left, so that it never has to go back. Undefined where
 * no string of the pattern has such a length.
 * @throws TooMuchWork
 */
export function measuredStrings(node: RegexNode, min: number, max: number): Strings | undefined {
  const measured = new Measuring(max - 1).measure(node)
  const lengths = measured.list.filter((length) => length >= min)
  if (lengths.length === 0) return undefined
  return { make: (draw) => measured.make(draw, draw.pick(lengths)), longest: lengths.at(-1) ?? 0 }
}

class Measuring {
  readonly #longest: number
  #work = 0

  constructor(longest: number) {
    this.#longest = longest
  }

  measure(node: RegexNode): Measured {
    switch (node.kind) {
      case 'characters':
        return this.#measured([1], (draw) => draw.pick(node.characters))
      case 'sequence':
        return this.#sequence(node.parts.map((part) => this.measure(part)))
      case 'choice':
        return this.#choice(node.parts.map((part) => this.measure(part)))
      case 'repetition':
        return this.#repetition(this.measure(node.part), node.least, node.most)
    }
  }

  #sequence(parts: readonly Measured[]): Measured {
    // What is left of a sequence behind each part, from its end on.
    const rests: Uint8Array[] = [this.#lengths([0])]
    for (const part of parts.toReversed()) rests.unshift(this.#sum(part, rests[0]!))
    const make = (draw: Draw, length: number): string => {
      let [text, left] = ['', length]
      for (const [i, part] of parts.entries()) {
        const rest = rests[i + 1]!
        const own = draw.pick(part.list.filter((each) => each <= left && rest[left - each] === 1))
        text += part.make(draw, own)
        left -= own
      }
      return text
    }
    return this.#measured(listOf(rests[0]!), make)
  }

  #choice(parts: readonly Measured[]): Measured {
    const all = parts.flatMap(({ list }) => list)
    return this.#measured(all, (draw, length) =>
      draw.pick(parts.filter(({ lengths }) => lengths[length] === 1)).make(draw, length),
    )
  }

  #repetition(part: Measured, least: number, most: number): Measured {
    // The lengths of so many in a row. Of parts that may be empty, more than the longest string has characters add nothing.
    const rows: Uint8Array[] = [this.#lengths([0])]
    const last = Math.min(most, least + this.#longest)
    while (rows.length <= last && rows.at(-1)!.includes(1)) rows.push(this.#sum(part, rows.at(-1)!))
    const counts = rows.map((_, count) => count).slice(least)
    const list = counts.flatMap((count) => listOf(rows[count]!))
    return this.#measured(list, (draw, length) => {
      let [text, left] = ['', length]
      for (let count = draw.pick(counts.filter((each) => rows[each]![length] === 1)); count > 0; count--) {
        const rest = rows[count - 1]!
        const own = draw.pick(part.list.filter((each) => each <= left && rest[left - each] === 1))
        text += part.make(draw, own)
        left -= own
      }
      return text
    })
  }

  #measured(list: readonly number[], make: Measured['make']): Measured {
    const lengths = this.#lengths(list)
    return { lengths, list: listOf(lengths), make }
  }

  #lengths(list: readonly number[]): Uint8Array {
    const lengths = new Uint8Array(this.#longest + 1)
    for (const length of list) if (length <= this.#longest) lengths[length] = 1
    return lengths
  }

  /** The lengths of a part with what follows it. */
  #sum(part: Measured, rest: Uint8Array): Uint8Array {
    this.#work += part.list.length * rest.length
    if (this.#work > MOST_WORK) throw new TooMuchWork()
    const sum = new Uint8Array(rest.length)
    for (const own of part.list)
      for (let left = 0; own + left < rest.length; left++) if (rest[left] === 1) sum[own + left] = 1
    return sum
  }
}

function listOf(lengths: Uint8Array): number[] {
  return [...lengths.keys()].filter((length) => lengths[length] === 1)
}
