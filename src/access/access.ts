import { createHmac, randomBytes } from 'node:crypto'
import type { Logger } from '../api/log.ts'
import { type BearerSettings, BearerTokens } from './bearer-tokens.ts'
import { Buckets, networkOf } from './buckets.ts'
import { type Identity, isName, roleIn, type RoleTable } from './roles.ts'
import { UsersFile } from './users-file.ts'

/** How callers prove who they are; at least one of the three. */
export interface AccessSettings {
  readonly users: { readonly file: string; readonly setting: string } | null
  readonly bearer: BearerSettings | null
  /** Roles by the common name of a client's certificate. */
  readonly certificates: RoleTable | null
}

export interface Credentials {
  /** The header. */
  readonly authorization: string | undefined
  /** The common name of a certificate that TLS has checked. */
  readonly certificate: string | undefined
  readonly address: string
}

/** Too many wrong credentials came from an address. */
export class TooManyAttempts extends Error {
  /** Seconds. */
  readonly wait: number

  constructor(wait: number) {
    super(`Too many wrong credentials came from this address. Try again in ${wait} s.`)
    this.wait = wait
  }
}

const FAILURES = { burst: 10, perSecond: 1 / 6 }
const REMEMBERED_MS = 300_000
const MOST_REMEMBERED = 1000

/**
 * Who is asking. To compare a password is slow on purpose, so one that was right is remembered for five minutes (as a digest
 * with a key of this process), and until the file of users changes.
 */
export class Access {
  readonly #settings: AccessSettings
  readonly #users: UsersFile | null
  readonly #tokens: BearerTokens | null
  readonly #failures: Buckets
  readonly #secret = randomBytes(32)
  readonly #remembered = new Map<string, { identity: Identity; until: number; version: string }>()

  constructor(settings: AccessSettings, log: Logger, failures = new Buckets(FAILURES)) {
    this.#settings = settings
    const { users, bearer } = settings
    this.#users = users === null ? null : new UsersFile(users.file, users.setting, log)
    this.#tokens = bearer === null ? null : new BearerTokens(bearer)
    this.#failures = failures
  }

  /** Reads the files. @throws ConfigError */
  async open(): Promise<void> {
    await this.#users?.open()
    await this.#tokens?.open()
  }

  /** For the header WWW-Authenticate. */
  get challenges(): string[] {
    return [
      ...(this.#users === null ? [] : ['Basic realm="Sluice", charset="UTF-8"']),
      ...(this.#tokens === null ? [] : ['Bearer realm="Sluice"']),
    ]
  }

  /**
   * Undefined where nothing, or nothing right, was shown.
   * @throws TooManyAttempts, and UnavailableError where it cannot be checked at the moment
   */
  async identify({ authorization, certificate, address }: Credentials): Promise<Identity | undefined> {
    if (authorization === undefined) return this.#byCertificate(certificate)
    await this.#users?.refresh()
    const digest = createHmac('sha256', this.#secret).update(authorization).digest('base64')
    const known = this.#recall(digest)
    if (known !== undefined) return known
    const from = networkOf(address)
    const wait = this.#failures.wait(from)
    if (wait > 0) throw new TooManyAttempts(wait)
    // Taken before the comparison, and given back after it: many at once count too.
    this.#failures.take(from)
    const version = this.#users?.version ?? ''
    const identity = await this.#byHeader(authorization).catch((error: unknown) => {
      this.#failures.giveBack(from)
      throw error
    })
    if (identity === undefined) return undefined
    this.#failures.giveBack(from)
    if (identity.by === 'password') this.#remember(digest, identity, version)
    return identity
  }

  #byCertificate(name: string | undefined): Identity | undefined {
    const { certificates } = this.#settings
    if (certificates === null || name === undefined || !isName(name)) return undefined
    return { name, role: roleIn(certificates, name), by: 'certificate' }
  }

  async #byHeader(authorization: string): Promise<Identity | undefined> {
    const [, scheme = '', value = ''] = /^([A-Za-z]+) +([A-Za-z0-9+/._~=-]+)$/.exec(authorization) ?? []
    if (scheme.toLowerCase() === 'bearer') return this.#tokens?.identify(value)
    if (scheme.toLowerCase() !== 'basic' || this.#users === null) return undefined
    const text = Buffer.from(value, 'base64').toString('utf8')
    const at = text.indexOf(':')
    return at < 0 ? undefined : this.#users.identify(text.slice(0, at), text.slice(at + 1))
  }

  #recall(digest: string): Identity | undefined {
    const found = this.#remembered.get(digest)
    const isValid = found?.version === this.#users?.version && (found?.until ?? 0) > performance.now()
    return isValid ? found?.identity : undefined
  }

  #remember(digest: string, identity: Identity, version: string): void {
    this.#remembered.set(digest, { identity, until: performance.now() + REMEMBERED_MS, version })
    const [oldest] = this.#remembered.keys()
    if (this.#remembered.size > MOST_REMEMBERED && oldest !== undefined) this.#remembered.delete(oldest)
  }
}
