import { createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto'
import { isName, type Role, roleOf } from '../../access/roles.ts'
import { ConflictError } from '../../api/errors.ts'
import type { SessionKey } from '../stores/config-state.ts'

/** Who asks, as workers tell each other. */
export interface Caller {
  readonly name: string
  readonly role: Role | null
  readonly by: 'password' | 'token' | 'certificate' | 'worker'
  readonly address: string
}

export interface SignedRequest {
  readonly method: string
  readonly url: Pick<URL, 'pathname' | 'search'>
  readonly body?: Buffer
}

export interface ReceivedRequest {
  readonly method: string
  /** Path and query, as they came. */
  readonly path: string
  /** The header. */
  readonly signature: string
}

/** What a request says whose signature is right, as long as its body has this digest. */
export interface Verified {
  readonly caller: Caller
  readonly digest: string
}

/** Besides Kafka Connect's own signature, which covers a body alone and says nothing of who asks. */
export const PEER_HEADER = 'x-sluice-worker'

/** A request is taken once, and no longer than this after it was signed, by the clocks of two machines. */
const LATEST_MS = 300_000
const MOST_SEEN = 100_000

/** What signatures need of the session keys of the config topic. */
interface Keys {
  readonly current: SessionKey | undefined
  readOn(): Promise<void>
}

/**
 * Signs what a worker asks of another one for itself or for a client, with a key derived from the session key: method, path, query,
 * body, time and caller. The other worker lets the caller in as this one did.
 */
export class PeerSignatures {
  readonly #keys: Keys
  readonly #now: () => number
  /** Signatures that were taken, with when they end. */
  readonly #seen = new Map<string, number>()

  constructor(keys: Keys, now: () => number = Date.now) {
    this.#keys = keys
    this.#now = now
  }

  /** The header; none where there is no key. */
  sign({ method, url, body = Buffer.alloc(0) }: SignedRequest, caller: Caller): Record<string, string> {
    const { current } = this.#keys
    if (current === undefined) return {}
    const key = derived(current)
    const path = url.pathname + url.search
    const claims = { method, path, digest: digestOf(body), time: this.#now(), nonce: randomUUID(), caller }
    const payload = Buffer.from(JSON.stringify(claims)).toString('base64url')
    return { [PEER_HEADER]: `${idOf(key)}.${payload}.${mac(key, payload).toString('base64url')}` }
  }

  /**
   * Undefined where the signature is none of this cluster's for this request, is too old or was there before.
   * @throws ConflictError where it was made with another key than the present one: to try again helps
   */
  async verify({ method, path, signature }: ReceivedRequest): Promise<Verified | undefined> {
    const [id = '', payload = '', given = '', ...more] = signature.split('.')
    if (more.length > 0 || !/^[\w-]{11}$/.test(id)) return undefined
    const key = await this.#keyOf(id)
    if (key === undefined) return undefined
    const [right, got] = [mac(key, payload), Buffer.from(given, 'base64url')]
    if (right.length !== got.length || !timingSafeEqual(right, got)) return undefined
    const claims = claimsIn(payload)
    if (claims?.method !== method || claims.path !== path) return undefined
    return this.#isFirst(claims) ? claims : undefined
  }

  async #keyOf(id: string): Promise<Buffer | undefined> {
    for (const isLast of [false, true]) {
      const { current } = this.#keys
      if (current === undefined) return undefined
      const key = derived(current)
      if (idOf(key) === id) return key
      if (!isLast) await this.#keys.readOn()
    }
    const message =
      'The request of another worker is signed with a key that is not the present one. Try again.'
    throw new ConflictError('request.rebalancing', message)
  }

  #isFirst({ time, nonce }: Claims): boolean {
    const now = this.#now()
    if (Math.abs(now - time) > LATEST_MS || this.#seen.has(nonce)) return false
    for (const [each, end] of this.#seen) {
      if (end > now && this.#seen.size < MOST_SEEN) break
      this.#seen.delete(each)
    }
    this.#seen.set(nonce, now + 2 * LATEST_MS)
    return true
  }
}

export function digestOf(body: Buffer): string {
  return createHash('sha256').update(body).digest('base64url')
}

interface Claims extends Verified {
  readonly method: string
  readonly path: string
  readonly time: number
  readonly nonce: string
}

function claimsIn(payload: string): Claims | undefined {
  const data = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Claims
  const { name, role } = data.caller
  return isName(name) && (role === null || roleOf(role) !== undefined) ? data : undefined
}

/** A key of its own: no signature of one kind can be taken for one of the other. */
function derived({ key }: SessionKey): Buffer {
  return createHmac('sha256', key).update('sluice requests between workers, 1').digest()
}

function idOf(key: Buffer): string {
  return createHash('sha256').update(key).digest().subarray(0, 8).toString('base64url')
}

function mac(key: Buffer, payload: string): Buffer {
  return createHmac('sha256', key).update(payload).digest()
}
