import { Agent } from 'node:https'
import type { SecureContext } from 'node:tls'
import { type ConfigOf, key, type RawConfig } from '../../api/config.ts'
import { ConfigError, type ConfigProblem } from '../../api/errors.ts'
import { readTls, type TlsConfig } from '../../tls/tls-config.ts'
import { TLS_KEYS, type TlsKey } from '../../tls/tls-keys.ts'
import { TlsMaterial } from '../../tls/tls-material.ts'

const PREFIX = 'schema.registry.'

const text = (doc: string) => key.string({ doc, optional: true, importance: 'LOW' })
const secret = (doc: string) => key.password({ doc, optional: true, importance: 'LOW' })

/** TLS to the registry: Kafka's settings below `schema.registry.`, as Confluent's client has them. */
export const registryTlsKeys = {
  'schema.registry.ssl.truststore.location': text(
    'The file of the certificates that sign the registry’s, where its URL begins with https. Default: the usual authorities.',
  ),
  'schema.registry.ssl.truststore.type': text(
    'JKS, PKCS12 or PEM. Default: JKS, but the format of a file is seen by itself.',
  ),
  'schema.registry.ssl.truststore.password': secret('The password of that file.'),
  'schema.registry.ssl.truststore.certificates': text('These certificates themselves, as PEM.'),
  'schema.registry.ssl.keystore.location': text(
    'The file of the client’s own key and certificate, for a registry that asks for one (mutual TLS).',
  ),
  'schema.registry.ssl.keystore.type': text('JKS, PKCS12 or PEM, as schema.registry.ssl.truststore.type.'),
  'schema.registry.ssl.keystore.password': secret('The password of that file.'),
  'schema.registry.ssl.keystore.key': secret('The client’s own private key itself, as PEM.'),
  'schema.registry.ssl.keystore.certificate.chain': text(
    'The client’s own certificate with those that sign it, as PEM.',
  ),
  'schema.registry.ssl.key.password': secret('The password of the private key; default: that of its file.'),
  'schema.registry.ssl.endpoint.identification.algorithm': text(
    'Whether the registry’s certificate must be for the host in its URL: https, which is the default, or empty or none to accept any host. (Confluent’s client accepts any where this is not set.)',
  ),
  'schema.registry.ssl.enabled.protocols': text('TLSv1.2, TLSv1.3 or both, which is the default.'),
  'schema.registry.ssl.protocol': text('The newest TLS that is spoken: TLSv1.3, the default, or TLSv1.2.'),
  'schema.registry.ssl.cipher.suites': text(
    'The cipher suites that are allowed, by their standard names. Default: those of Node.',
  ),
} satisfies Record<`schema.registry.${TlsKey}`, unknown>

/** The settings under the names that they have for brokers. */
function ofClients(config: Readonly<Record<string, string | undefined>>): RawConfig {
  const below = Object.entries(config).flatMap(([name, value]): [string, string][] =>
    value === undefined || !name.startsWith(`${PREFIX}ssl.`) ? [] : [[name.slice(PREFIX.length), value]],
  )
  const raw = Object.fromEntries(below)
  const host = 'ssl.endpoint.identification.algorithm'
  return raw[host]?.trim().toLowerCase() === 'none' ? { ...raw, [host]: '' } : raw
}

/** What can be seen to be wrong without files. */
export function registryTlsProblems(
  config: Readonly<Record<string, string | undefined>>,
  prefix: string,
): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  readTls(ofClients(config), problems)
  return problems.map(({ path, message }) => ({ path: `${prefix}${PREFIX}${path}`, message }))
}

/** How a registry is reached by https: with which authorities, and as whom. */
export class RegistryTls {
  readonly #config: TlsConfig
  readonly #material: TlsMaterial
  #made: { readonly context: SecureContext; readonly agent: Agent } | null = null

  constructor(config: Partial<ConfigOf<typeof registryTlsKeys>>) {
    const names = Object.keys(TLS_KEYS) as TlsKey[]
    const raw = Object.fromEntries(names.map((name) => [PREFIX + name, config[`schema.registry.${name}`]]))
    this.#config = readTls(ofClients(raw), [])
    this.#material = new TlsMaterial(this.#config)
  }

  /** Keeps connections; the same until a file changes. @throws ConfigError that names the setting */
  async agent(): Promise<Agent> {
    const context = await this.#context()
    if (this.#made?.context !== context) {
      const { checkHost } = this.#config
      const anyHost = checkHost ? {} : { checkServerIdentity: () => undefined }
      this.#made = {
        context,
        agent: new Agent({ keepAlive: true, timeout: 5_000, secureContext: context, ...anyHost }),
      }
    }
    return this.#made.agent
  }

  async #context(): Promise<SecureContext> {
    try {
      return await this.#material.context()
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      const problems = error.problems.map(({ path, message }) => ({ path: PREFIX + path, message }))
      throw new ConfigError(problems)
    }
  }
}
