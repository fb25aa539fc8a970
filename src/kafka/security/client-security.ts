import { isIP } from 'node:net'
import type { ConnectionOptions, SASLOptions } from '@platformatic/kafka'
import type { SaslConfig } from './sasl-config.ts'
import type { SecurityConfig } from './security-config.ts'
import { TlsMaterial } from '../../tls/tls-material.ts'
import { Tokens } from './tokens.ts'

/** What the connection library is told of security. */
export type SecureOptions = Pick<ConnectionOptions, 'tls' | 'tlsServerName' | 'sasl'>

/** One client's security: what each of its connections is opened with. */
export class ClientSecurity {
  readonly config: SecurityConfig
  readonly #material: TlsMaterial | null
  readonly #tokens: Tokens | null

  constructor(config: SecurityConfig) {
    this.config = config
    this.#material = config.tls === null ? null : new TlsMaterial(config.tls)
    this.#tokens = config.sasl?.mechanism === 'OAUTHBEARER' ? new Tokens(config.sasl.source) : null
  }

  get hasSasl(): boolean {
    return this.config.sasl !== null
  }

  /** Reads files, but talks to nobody. @throws ConfigError that names the setting */
  async check(): Promise<void> {
    await this.#material?.context()
  }

  /**
   * What a connection to a host is opened with. A token is got before, so that a slow identity provider costs no time-out.
   * @throws ConfigError where a file cannot be used, TaskError or UnavailableError where there is no token
   */
  async options(host: string): Promise<SecureOptions> {
    const { sasl, tls } = this.config
    const context = await this.#material?.context()
    const token = await this.#tokens?.get()
    return {
      ...(sasl === null ? {} : { sasl: saslOptions(sasl, token) }),
      ...(context === undefined
        ? {}
        : {
            tls: {
              secureContext: context,
              // An own check takes the place of the one for the host's name; the chain is checked by OpenSSL either way.
              ...(tls?.checkHost === false ? { checkServerIdentity: () => undefined } : {}),
            },
            tlsServerName: isIP(host) === 0 ? host : false,
          }),
    }
  }
}

function saslOptions(sasl: SaslConfig, token: string | undefined): SASLOptions {
  if (sasl.mechanism !== 'OAUTHBEARER') return sasl
  return { mechanism: sasl.mechanism, token: token ?? '', oauthBearerExtensions: { ...sasl.extensions } }
}
