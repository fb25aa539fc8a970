import { readFile, stat } from 'node:fs/promises'
import type { JSONWebKeySet, JWTPayload, JWTVerifyGetKey } from 'jose'
import { ConfigError, messageOf, UnavailableError } from '../api/errors.ts'
import { highest, type Identity, isName, type Role, roleOf, type RoleTable } from './roles.ts'

/** What signed tokens (JWT, RFC 7519) are taken: those of one issuer, for one audience. */
export interface BearerSettings {
  /** An https URL (http of this machine), or a file, of the issuer's keys (JWKS, RFC 7517). */
  readonly keys: string
  readonly issuer: string
  readonly audience: readonly string[]
  readonly algorithms: readonly string[]
  /** The claim with the roles: a name, or names with dots between them for claims within claims. */
  readonly roleClaim: string
  /** Roles by what the claim says. Empty: the claim names roles themselves. */
  readonly roles: RoleTable
}

/** All of pairs of keys: a secret that two share, or none, is no proof of the issuer. */
export const TOKEN_ALGORITHMS: readonly string[] = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
]

/** What is wrong with where keys are; undefined where nothing is. */
export function keysProblem(written: string): string | undefined {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(written)) return undefined
  if (!URL.canParse(written)) return `is no URL: "${written}".`
  const { protocol, hostname } = new URL(written)
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
  return protocol === 'https:' || (protocol === 'http:' && isLocal)
    ? undefined
    : 'must be an https URL, or the path of a file: whoever can change the keys lets himself in.'
}

const LONGEST_TOKEN = 8192
const CLOCK_TOLERANCE_SECONDS = 10

export class BearerTokens {
  readonly #settings: BearerSettings
  #keys: { readonly seen: string; readonly get: JWTVerifyGetKey } | undefined

  constructor(settings: BearerSettings) {
    this.#settings = settings
  }

  /** Reads a file of keys; asks nobody. @throws ConfigError */
  async open(): Promise<void> {
    await this.#getKeys()
  }

  /** Undefined where the token is not signed by the issuer, not for us, too old, or says no name. */
  async identify(token: string): Promise<Identity | undefined> {
    if (token.length > LONGEST_TOKEN) return undefined
    const { issuer, audience, algorithms } = this.#settings
    const { errors, jwtVerify } = await import('jose') // only where it is needed
    try {
      const { payload } = await jwtVerify(token, await this.#getKeys(), {
        issuer,
        audience: [...audience],
        algorithms: [...algorithms],
        requiredClaims: ['exp', 'sub'],
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
      })
      const { sub: name = '' } = payload
      return isName(name) ? { name, role: this.#roleOf(payload), by: 'token' } : undefined
    } catch (error) {
      // Its own codes name the token; what is not one of them, or about fetching keys, is no fault of the client.
      const isOfToken = error instanceof errors.JOSEError && !KEYS_FAILED.includes(error.code)
      if (isOfToken) return undefined
      const message = `The keys of tokens cannot be read at the moment: ${messageOf(error)}`
      throw new UnavailableError('access.busy', message, { cause: error })
    }
  }

  async #getKeys(): Promise<JWTVerifyGetKey> {
    const { keys } = this.#settings
    const { createLocalJWKSet, createRemoteJWKSet } = await import('jose')
    if (/^https?:\/\//i.test(keys)) {
      this.#keys ??= { seen: '', get: createRemoteJWKSet(new URL(keys), { timeoutDuration: 5_000 }) }
      return this.#keys.get
    }
    try {
      const { mtimeMs, size, ino } = await stat(keys)
      const seen = `${mtimeMs} ${size} ${ino}`
      if (this.#keys?.seen !== seen) {
        const set = JSON.parse(await readFile(keys, 'utf8')) as JSONWebKeySet
        this.#keys = { seen, get: createLocalJWKSet(set) }
      }
      return this.#keys.get
    } catch (error) {
      if (this.#keys !== undefined) return this.#keys.get
      const message = `${keys} is no file of keys (JWKS): ${messageOf(error)}.`
      throw new ConfigError([{ path: 'rest.auth.bearer.jwks', message }])
    }
  }

  #roleOf(payload: JWTPayload): Role | null {
    const { roleClaim, roles } = this.#settings
    const value = claimAt(payload, roleClaim)
    const said = (Array.isArray(value) ? value : [value]).filter((each) => typeof each === 'string')
    const known = said.map((each) => (roles.size === 0 ? roleOf(each) : roles.get(each)))
    const everybody = roles.get('*')
    return highest([...known, everybody].filter((role) => role !== undefined))
  }
}

/** Codes of jose that say that there are no keys to check with. */
const KEYS_FAILED: readonly string[] = ['ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID', 'ERR_JOSE_GENERIC']

function claimAt(payload: JWTPayload, path: string): unknown {
  if (Object.hasOwn(payload, path)) return payload[path]
  return path.split('.').reduce<unknown>((value, name) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    return (value as Record<string, unknown>)[name]
  }, payload)
}
