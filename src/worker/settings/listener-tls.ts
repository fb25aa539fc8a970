import type { SecureContext, SecureContextOptions } from 'node:tls'
import type { RawConfig } from '../../api/config.ts'
import { ConfigError, type ConfigProblem } from '../../api/errors.ts'
import { isSecurityKey } from '../../kafka/security/security-keys.ts'
import { readTls } from '../../tls/tls-config.ts'
import { TlsMaterial } from '../../tls/tls-material.ts'

export const LISTENER_PREFIX = 'listeners.https.'

const CLIENT_AUTH = ['none', 'requested', 'required'] as const

export type ClientAuth = (typeof CLIENT_AUTH)[number]

/** What a request to another worker over https is opened with. */
export interface PeerTls {
  readonly secureContext: SecureContext
  readonly checkServerIdentity?: () => undefined
}

/**
 * TLS of the REST API: of its listener, and of what workers ask of each other. As in Kafka Connect `listeners.https.ssl.*`
 * where there is any, else the worker's own `ssl.*`.
 */
export class ListenerTls {
  readonly clientAuth: ClientAuth
  readonly #material: TlsMaterial
  readonly #checkHost: boolean
  readonly #prefix: string

  constructor({ clientAuth, prefix, tls }: Pick<ReadListenerTls, 'clientAuth' | 'prefix' | 'tls'>) {
    this.clientAuth = clientAuth
    this.#material = new TlsMaterial(tls)
    this.#checkHost = tls.checkHost
    this.#prefix = prefix
  }

  /** The same object until a file changes. @throws ConfigError that names the setting */
  async server(): Promise<SecureContextOptions> {
    try {
      return await this.#material.options()
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      throw new ConfigError(
        error.problems.map(({ path, message }) => ({ path: this.#prefix + path, message })),
      )
    }
  }

  /** @throws ConfigError */
  async client(): Promise<PeerTls> {
    const secureContext = await this.#material.context()
    return { secureContext, ...(this.#checkHost ? {} : { checkServerIdentity: () => undefined }) }
  }
}

interface ReadListenerTls {
  readonly clientAuth: ClientAuth
  /** Of the settings that count: `listeners.https.`, or none. */
  readonly prefix: string
  readonly tls: ReturnType<typeof readTls>
  readonly problems: readonly ConfigProblem[]
}

/** `isServer`: whether the listener itself speaks TLS, and not only a proxy in front of it. */
export function readListenerTls(raw: ReadonlyMap<string, string>, isServer: boolean): ReadListenerTls {
  const below = [...raw].filter(([key]) => key.startsWith(LISTENER_PREFIX))
  const prefix = below.length === 0 ? '' : LISTENER_PREFIX
  const config: RawConfig =
    below.length === 0
      ? Object.fromEntries([...raw].filter(([key]) => isSecurityKey(key) || key === 'ssl.client.auth'))
      : Object.fromEntries(below.map(([key, value]) => [key.slice(LISTENER_PREFIX.length), value]))
  const problems: ConfigProblem[] = []
  const tls = readTls(config, problems)
  const written = (config['ssl.client.auth']?.trim() || 'none').toLowerCase()
  const clientAuth = CLIENT_AUTH.find((each) => each === written)
  if (clientAuth === undefined)
    problems.push({
      path: 'ssl.client.auth',
      message: `must be one of ${CLIENT_AUTH.join(', ')}, not "${written}".`,
    })
  if (isServer && tls.own === null) {
    const message = `is needed for https: the key and certificate of this worker.`
    problems.push({ path: 'ssl.keystore.location', message })
  }
  if (isServer && tls.trust === null && (clientAuth ?? 'none') !== 'none') {
    const message = `is needed with ssl.client.auth=${written}: without it whoever has a certificate of any public authority would be let in.`
    problems.push({ path: 'ssl.truststore.location', message })
  }
  return {
    clientAuth: isServer ? (clientAuth ?? 'none') : 'none',
    prefix,
    tls,
    problems: problems.map(({ path, message }) => ({
      path: path.startsWith('ssl.') ? prefix + path : path,
      message,
    })),
  }
}
