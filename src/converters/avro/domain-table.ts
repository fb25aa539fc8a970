import { UNSEEN } from '../../api/batch.ts'
import { levelsOf } from '../value-columns.ts'

/**
 * The levels of a domain by their UTF-8 bytes, so that a category is looked up without making a string of it: an
 * open hash table over FNV-1a.
 */
export class DomainTable {
  readonly #mask: number
  /** Per slot: a level, or −1. */
  readonly #slots: Int32Array
  /** Per level: where its bytes start; they end where the next one's start. */
  readonly #starts: Int32Array
  readonly #text: Uint8Array

  constructor(domain: readonly string[]) {
    const encoded = domain.map((level) => Buffer.from(level, 'utf8'))
    this.#text = Buffer.concat(encoded)
    this.#starts = new Int32Array(domain.length + 1)
    for (const [i, bytes] of encoded.entries()) this.#starts[i + 1] = this.#starts[i]! + bytes.length
    let size = 4
    while (size < domain.length * 2) size *= 2
    this.#mask = size - 1
    this.#slots = new Int32Array(size).fill(-1)
    for (const level of levelsOf(domain).values()) this.#insert(level)
  }

  #insert(level: number): void {
    const start = this.#starts[level]!
    let slot = hash(this.#text, start, this.#starts[level + 1]!) & this.#mask
    while (this.#slots[slot]! >= 0) slot = (slot + 1) & this.#mask
    this.#slots[slot] = level
  }

  /** The level whose text is these bytes, or UNSEEN. */
  find(bytes: Uint8Array, start: number, end: number): number {
    let slot = hash(bytes, start, end) & this.#mask
    for (let level = this.#slots[slot]!; level >= 0; level = this.#slots[slot]!) {
      if (this.#is(level, bytes, start, end)) return level
      slot = (slot + 1) & this.#mask
    }
    return UNSEEN
  }

  #is(level: number, bytes: Uint8Array, start: number, end: number): boolean {
    const own = this.#starts[level]!
    if (this.#starts[level + 1]! - own !== end - start) return false
    for (let i = start, j = own; i < end; i++, j++) if (bytes[i] !== this.#text[j]) return false
    return true
  }
}

function hash(bytes: Uint8Array, start: number, end: number): number {
  let h = 0x811c9dc5
  for (let i = start; i < end; i++) h = Math.imul(h ^ bytes[i]!, 0x01000193)
  return (h ^ (h >>> 15)) >>> 0
}

const tables = new WeakMap<readonly string[], DomainTable>()

/** The table of a domain, made once per domain array. */
export function domainTable(domain: readonly string[]): DomainTable {
  let table = tables.get(domain)
  if (table === undefined) tables.set(domain, (table = new DomainTable(domain)))
  return table
}

const MAX_INTERNED = 4096
const MAX_TEXT = 32

/** Strings by their UTF-8 bytes: a string that was seen before is not made again. */
export class StringCache {
  readonly #slots = new Array<string | undefined>(MAX_INTERNED)
  readonly #bytes = new Array<Uint8Array | undefined>(MAX_INTERNED)

  read(bytes: Buffer, start: number, end: number): string {
    if (end - start > MAX_TEXT) return bytes.toString('utf8', start, end)
    const slot = hash(bytes, start, end) & (MAX_INTERNED - 1)
    const known = this.#bytes[slot]
    if (known?.length === end - start) {
      let i = 0
      while (i < known.length && known[i] === bytes[start + i]) i++
      if (i === known.length) return this.#slots[slot]!
    }
    const text = bytes.toString('utf8', start, end)
    this.#bytes[slot] = new Uint8Array(bytes.subarray(start, end))
    this.#slots[slot] = text
    return text
  }
}
