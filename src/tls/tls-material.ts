import { createPrivateKey } from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import { ConfigError, messageOf } from '../api/errors.ts'
import { pemBlocks } from './pem.ts'
import { type StoreContent, StoreError } from './store-content.ts'
import { changedAt, readStore } from './stores.ts'
import type { StoreConfig, TlsConfig } from './tls-config.ts'

/**
 * What TLS needs of keys and certificates, read from their files, and read anew where a file has changed: certificates
 * are renewed while a worker runs.
 */
export class TlsMaterial {
  readonly #config: TlsConfig
  #read: Material | null = null

  constructor(config: TlsConfig) {
    this.#config = config
  }

  /** For a client. @throws ConfigError that names the setting */
  async context(): Promise<SecureContext> {
    return (await this.#current()).context
  }

  /** What a context is made of, for a server, which makes its own; the same object until a file changes. @throws ConfigError */
  async options(): Promise<SecureContextOptions> {
    return (await this.#current()).options
  }

  async #current(): Promise<Material> {
    const { trust, own } = this.#config
    const seen = `${await seenOf(trust, 'truststore')} ${await seenOf(own, 'keystore')}`
    if (this.#read?.seen !== seen) this.#read = { seen, ...(await build(this.#config)) }
    return this.#read
  }
}

interface Material {
  /** What the files were like that it was made of. */
  readonly seen: string
  readonly options: SecureContextOptions
  readonly context: SecureContext
}

async function build(config: TlsConfig): Promise<Omit<Material, 'seen'>> {
  const { trust, own, minVersion, maxVersion, ciphers } = config
  const [authorities, identity] = [await authoritiesOf(trust), await identityOf(own)]
  const options = {
    ...(authorities === null ? {} : { ca: [...authorities] }),
    ...(identity ?? {}),
    ...{ minVersion, maxVersion },
    ...(ciphers === null ? {} : { ciphers }),
  }
  try {
    return { options, context: createSecureContext(options) }
  } catch (error) {
    const path = own !== null ? pathOf(own, 'keystore') : pathOf(trust, 'truststore')
    throw wrong(path, `cannot be used: ${messageOf(error)}`, error)
  }
}

function pathOf(store: StoreConfig | null, kind: 'truststore' | 'keystore'): string {
  if (store !== null && 'location' in store) return `ssl.${kind}.location`
  return kind === 'keystore' ? 'ssl.keystore.key' : 'ssl.truststore.certificates'
}

function wrong(path: string, message: string, cause?: unknown): ConfigError {
  const error = new ConfigError([{ path, message }])
  error.cause = cause
  return error
}

async function seenOf(store: StoreConfig | null, kind: 'truststore' | 'keystore'): Promise<string> {
  if (store === null || !('location' in store)) return ''
  return changedAt(store.location).catch((error: unknown) => {
    throw named(store.location, kind, error)
  })
}

function named(location: string, kind: string, error: unknown): unknown {
  if (!(error instanceof StoreError)) return error
  return wrong(`ssl.${kind}.location`, `${location} ${error.message}.`, error)
}

async function contentOf(
  store: Extract<StoreConfig, { location: string }>,
  kind: string,
): Promise<StoreContent> {
  try {
    return await readStore(store)
  } catch (error) {
    throw named(store.location, kind, error)
  }
}

async function authoritiesOf(store: StoreConfig | null): Promise<readonly string[] | null> {
  if (store === null) return null
  if (!('location' in store))
    return pemBlocks(store.certificates)
      .filter(({ type }) => type === 'CERTIFICATE')
      .map(({ text }) => text)
  const { certificates, key } = await contentOf(store, 'truststore')
  // As Java has it, the certificate of a key of its own is trusted too.
  const trusted = [...new Set([...certificates, ...(key?.chain.slice(0, 1) ?? [])])]
  if (trusted.length > 0) return trusted
  throw wrong('ssl.truststore.location', `${store.location} holds no certificate.`)
}

interface Identity {
  readonly key: string
  readonly cert: string
  readonly passphrase?: string
}

async function identityOf(store: StoreConfig | null): Promise<Identity | null> {
  if (store === null) return null
  const path = pathOf(store, 'keystore')
  if (!('location' in store)) {
    const key = pemBlocks(store.key).find(({ type }) => type.endsWith('PRIVATE KEY'))?.text ?? ''
    return withPassword(path, { key, cert: certificatesIn(store.certificates) }, store.password)
  }
  const { key } = await contentOf(store, 'keystore')
  if (key === null) throw wrong(path, `${store.location} holds no private key.`)
  if (key.chain.length === 0) throw wrong(path, `${store.location} holds no certificate for its private key.`)
  try {
    const password = store.type === 'PEM' ? store.keyPassword : undefined
    return withPassword(path, { key: key.privateKey(), cert: key.chain.join('') }, password)
  } catch (error) {
    throw named(store.location, 'keystore', error)
  }
}

function certificatesIn(text: string): string {
  return pemBlocks(text)
    .filter(({ type }) => type === 'CERTIFICATE')
    .map((block) => block.text)
    .join('')
}

/** Opens the key once, so that a wrong password is told as that. */
function withPassword(path: string, identity: Identity, password: string | undefined): Identity {
  const passphrase = password === undefined || password === '' ? {} : { passphrase: password }
  try {
    createPrivateKey({ key: identity.key, ...passphrase })
  } catch (error) {
    const encrypted = /ENCRYPTED/.test(identity.key)
    const why = encrypted
      ? `is encrypted, and ssl.key.password ${password === undefined ? 'is not set' : 'does not open it'}.`
      : 'holds a private key that cannot be read.'
    throw wrong(path, why, error)
  }
  return { ...identity, ...passphrase }
}
