import { isIPv6 } from 'node:net'

export interface BucketOptions {
  /** How many at once. */
  readonly burst: number
  /** How many come back each second. */
  readonly perSecond: number
  /** A clock that goes evenly, in milliseconds. */
  readonly now?: () => number
}

/** More are forgotten, the oldest first: an address costs nobody memory. */
const MOST_KEYS = 10_000

/** A token bucket per key: what may be done so often and no oftener. */
export class Buckets {
  readonly #options: Required<BucketOptions>
  readonly #left = new Map<string, { readonly tokens: number; readonly at: number }>()

  constructor(options: BucketOptions) {
    this.#options = { now: () => performance.now(), ...options }
  }

  /** Seconds until `key` may do it again; 0: it may now. */
  wait(key: string): number {
    const tokens = this.#tokens(key)
    return tokens >= 1 ? 0 : Math.ceil((1 - tokens) / this.#options.perSecond)
  }

  take(key: string): void {
    this.#put(key, Math.max(0, this.#tokens(key) - 1))
  }

  giveBack(key: string): void {
    this.#put(key, Math.min(this.#options.burst, this.#tokens(key) + 1))
  }

  #put(key: string, tokens: number): void {
    this.#left.delete(key)
    this.#left.set(key, { tokens, at: this.#options.now() })
    const [oldest] = this.#left.keys()
    if (this.#left.size > MOST_KEYS && oldest !== undefined) this.#left.delete(oldest)
  }

  #tokens(key: string): number {
    const { burst, perSecond, now } = this.#options
    const found = this.#left.get(key)
    if (found === undefined) return burst
    return Math.min(burst, found.tokens + ((now() - found.at) / 1000) * perSecond)
  }
}

/** One machine may have as many addresses of IPv6 as it likes, but one network of 64 bits. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.split('::')
  const groups = head === '' ? [] : head.split(':')
  const rest = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - rest.length)
  return [...groups, ...Array<string>(zeros).fill('0'), ...rest].slice(0, 4).join(':')
}
