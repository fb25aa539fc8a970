import { messageOf } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import type { SigningSettings } from '../settings/signing.ts'
import type { SessionKey } from '../stores/config-state.ts'
import type { ConfigStore } from '../stores/config-store.ts'
import type { Place } from './place.ts'
import {
  keyLength,
  newKey,
  type Signature,
  signatureProblem,
  type SignatureProblem,
  signed,
} from './signatures.ts'

export interface SessionKeysOptions {
  readonly configs: Pick<ConfigStore, 'sessionKey' | 'putSessionKey' | 'readToEnd'>
  readonly place: Pick<Place, 'leads' | 'protocolVersion'>
  readonly settings: SigningSettings
  readonly log: Logger
  /** The clock by which keys are dated, which may be off. */
  readonly now?: () => number
  /** A clock that goes evenly: performance.now(). */
  readonly elapsed?: () => number
}

const RETRY_PAUSE = 1_000
/** Longer waits than a timer takes are looked at again. */
const LONGEST_WAIT = 3_600_000

/**
 * The key with which workers sign what they ask of each other (KIP-507). The leader writes one to the config topic and
 * replaces it when it is older than `inter.worker.key.ttl.ms`; everybody signs with the last one that was written.
 *
 * How old a key is, the clock of its maker says, which may be hours off. So the leader also counts how long it has known
 * the key itself: a key from the future lives no longer than others.
 */
export class SessionKeys {
  readonly #options: Required<SessionKeysOptions>
  /** Since when this worker knows which key. */
  #known: { readonly key: SessionKey; readonly since: number } | undefined
  #renewing: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: SessionKeysOptions) {
    this.#options = { now: Date.now, elapsed: () => performance.now(), ...options }
  }

  /** Whether workers sign: only where all members know how to. */
  get required(): boolean {
    return this.#options.place.protocolVersion === 2
  }

  /**
   * The leader writes a new key where one is due, and comes back when the next one is. Called after each assignment.
   * Failures are logged and tried again.
   */
  refresh(): Promise<void> {
    this.#renewing ??= this.#renew().finally(() => (this.#renewing = undefined))
    return this.#renewing
  }

  /** The present key; undefined where workers do not sign, or none was written yet. */
  get current(): SessionKey | undefined {
    return this.required ? this.#options.configs.sessionKey : undefined
  }

  /** Reads what was written meanwhile: a new key, maybe. */
  async readOn(): Promise<void> {
    await this.#options.configs.readToEnd()
  }

  /** The headers for a body; none where workers do not sign, or no key was written yet. */
  sign(body: Buffer): Record<string, string> {
    const { configs, settings } = this.#options
    if (!this.required || configs.sessionKey === undefined) return {}
    return signed(body, configs.sessionKey, settings.signatureAlgorithm)
  }

  /** What is wrong with a request of another worker; undefined where it is signed as it should be, or need not be. */
  async problemOf(request: Signature): Promise<SignatureProblem | undefined> {
    if (!this.required) return undefined
    const { configs, settings } = this.#options
    // A key that is too old is none: what was signed with it is refused, and its sender finds the new one.
    if (this.#isDue()) await this.refresh()
    const key = this.#isDue() ? undefined : configs.sessionKey
    return signatureProblem(request, { key, allowed: settings.verificationAlgorithms })
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  async #renew(): Promise<void> {
    clearTimeout(this.#timer)
    const { configs, place, settings, log, now } = this.#options
    if (this.#closed || !this.required || !place.leads) return
    let wait = this.#left()
    if (this.#isDue()) {
      const { keyAlgorithm: algorithm, keySize } = settings
      try {
        await configs.putSessionKey({ key: newKey(algorithm, keySize), algorithm, createdAt: now() })
        log.info('wrote a new session key')
        wait = this.#left()
      } catch (error) {
        log.warn('the session key could not be written; trying again', { error: messageOf(error) })
        wait = RETRY_PAUSE
      }
    }
    if (this.#isClosed() || wait === Infinity) return
    this.#timer = setTimeout(() => void this.refresh(), Math.min(LONGEST_WAIT, wait)).unref()
  }

  /** Whether there must be a new key. Of a worker that does not lead only whether there is none. */
  #isDue(): boolean {
    const { configs, place, settings } = this.#options
    const { sessionKey: key } = configs
    if (key === undefined) return true
    if (!place.leads) return false
    const { keyAlgorithm, keySize } = settings
    const isOther = key.algorithm !== keyAlgorithm || key.key.length !== keyLength(keyAlgorithm, keySize)
    return isOther || this.#left() <= 0
  }

  /** Milliseconds until the present key is too old. */
  #left(): number {
    const { configs, settings, now, elapsed } = this.#options
    const { sessionKey: key } = configs
    if (key === undefined) return 0
    if (settings.keyTtl === 0) return Infinity
    if (this.#known?.key !== key) this.#known = { key, since: elapsed() }
    const age = Math.max(now() - key.createdAt, elapsed() - this.#known.since)
    return settings.keyTtl - age
  }

  #isClosed(): boolean {
    return this.#closed
  }
}
