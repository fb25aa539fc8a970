import { getCiphers, type SecureVersion } from 'node:tls'
import { listOf, type RawConfig } from '../api/config.ts'
import type { ConfigProblem } from '../api/errors.ts'
import { pemBlocks } from './pem.ts'
import type { StoreFile } from './stores.ts'

/** Certificates or a key: in a file, or as PEM in the settings themselves. */
export type StoreConfig =
  StoreFile | { readonly certificates: string; readonly key: string; readonly password: string | undefined }

export interface TlsConfig {
  /** Null: the authorities that Node knows. */
  readonly trust: StoreConfig | null
  /** The client's own key and certificate. */
  readonly own: StoreConfig | null
  readonly checkHost: boolean
  readonly minVersion: SecureVersion
  readonly maxVersion: SecureVersion
  /** OpenSSL's names, separated by colons. */
  readonly ciphers: string | null
}

const TYPES = ['JKS', 'PKCS12', 'PEM'] as const
const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const

/** The `ssl.*` settings; problems are added to a list. */
export function readTls(raw: RawConfig, problems: ConfigProblem[]): TlsConfig {
  const tell = (path: string, message: string): void => void problems.push({ path, message })
  checkHostSetting(raw, tell)
  const factory = raw['ssl.engine.factory.class']?.trim() ?? ''
  if (factory !== '' && !factory.endsWith('.DefaultSslEngineFactory'))
    tell('ssl.engine.factory.class', 'names a Java class, which cannot be loaded. Remove it, and set ssl.*.')
  return {
    trust: readTrust(raw, tell),
    own: readOwn(raw, tell),
    checkHost: raw['ssl.endpoint.identification.algorithm']?.trim() !== '',
    ...readVersions(raw, tell),
    ciphers: readCiphers(raw, tell),
  }
}

type Tell = (path: string, message: string) => void

function checkHostSetting(raw: RawConfig, tell: Tell): void {
  const path = 'ssl.endpoint.identification.algorithm'
  const algorithm = raw[path]?.trim() ?? ''
  if (algorithm !== '' && algorithm.toLowerCase() !== 'https')
    tell(path, `must be https, or empty to accept any host, not "${algorithm}".`)
}

function readTrust(raw: RawConfig, tell: Tell): StoreConfig | null {
  const path = 'ssl.truststore.certificates'
  const certificates = raw[path]?.trim() ?? ''
  if (certificates === '') return readFile(raw, 'truststore', tell)
  onlyOne(raw, 'truststore', path, tell)
  if (!pemBlocks(certificates).some(({ type }) => type === 'CERTIFICATE'))
    tell(
      path,
      'holds no certificate in PEM: no -----BEGIN CERTIFICATE----- with its -----END CERTIFICATE-----.',
    )
  return { certificates, key: '', password: undefined }
}

function readOwn(raw: RawConfig, tell: Tell): StoreConfig | null {
  const [keyPath, chainPath] = ['ssl.keystore.key', 'ssl.keystore.certificate.chain']
  const [key, certificates] = [raw[keyPath]?.trim() ?? '', raw[chainPath]?.trim() ?? '']
  if (key === '' && certificates === '') return readFile(raw, 'keystore', tell)
  onlyOne(raw, 'keystore', keyPath, tell)
  if (!pemBlocks(key).some(({ type }) => type.endsWith('PRIVATE KEY')))
    tell(keyPath, key === '' ? `is needed beside ${chainPath}.` : 'holds no private key in PEM.')
  if (!pemBlocks(certificates).some(({ type }) => type === 'CERTIFICATE'))
    tell(chainPath, certificates === '' ? `is needed beside ${keyPath}.` : 'holds no certificate in PEM.')
  return { certificates, key, password: raw['ssl.key.password'] }
}

/** What is given in the settings themselves is PEM, and goes without a file, as in Kafka's clients. */
function onlyOne(raw: RawConfig, store: string, path: string, tell: Tell): void {
  const [location, type] = [`ssl.${store}.location`, `ssl.${store}.type`]
  if ((raw[location]?.trim() ?? '') !== '') tell(location, `cannot be set together with ${path}.`)
  const written = raw[type]?.trim().toUpperCase() ?? ''
  if (written !== '' && written !== 'PEM') tell(type, `must be PEM where ${path} is set.`)
}

function readFile(raw: RawConfig, store: 'truststore' | 'keystore', tell: Tell): StoreConfig | null {
  const location = raw[`ssl.${store}.location`]?.trim() ?? ''
  if (location === '') return null
  const path = `ssl.${store}.type`
  const written = raw[path]?.trim() || 'JKS'
  const type = TYPES.find((each) => each === written.toUpperCase())
  if (type === undefined) tell(path, `must be one of ${TYPES.join(', ')}, not "${written}".`)
  const password = raw[`ssl.${store}.password`]
  const keyPassword = raw['ssl.key.password'] ?? password
  return { location, type: type ?? 'JKS', password, keyPassword }
}

function readVersions(raw: RawConfig, tell: Tell): Pick<TlsConfig, 'minVersion' | 'maxVersion'> {
  const path = 'ssl.enabled.protocols'
  const enabled = listOf(raw[path] ?? '')
  const known = VERSIONS.filter((each) => enabled.length === 0 || enabled.includes(each))
  const newest = raw['ssl.protocol']?.trim() || 'TLSv1.3'
  if (known.length === 0) tell(path, `must name ${VERSIONS.join(' or ')}, not "${enabled.join(', ')}".`)
  if (newest !== 'TLSv1.3' && newest !== 'TLSv1.2' && newest !== 'TLS')
    tell('ssl.protocol', `must be TLSv1.3 or TLSv1.2, not "${newest}".`)
  const maxVersion = newest === 'TLSv1.2' ? 'TLSv1.2' : (known.at(-1) ?? 'TLSv1.3')
  return { minVersion: maxVersion === 'TLSv1.2' ? 'TLSv1.2' : (known[0] ?? 'TLSv1.2'), maxVersion }
}

function readCiphers(raw: RawConfig, tell: Tell): string | null {
  const path = 'ssl.cipher.suites'
  const names = listOf(raw[path] ?? '')
  if (names.length === 0) return null
  const available = getCiphers()
  const suites = names.map((name) => [name, openSslName(name)] as const)
  const unknown = suites.filter(([, suite]) => !available.includes(suite.toLowerCase())).map(([name]) => name)
  if (unknown.length > 0) tell(path, `names suites that are not known here: ${unknown.join(', ')}.`)
  return suites.map(([, suite]) => suite).join(':')
}

/** `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256` is `ECDHE-RSA-AES128-GCM-SHA256`; the suites of TLS 1.3 keep their names. */
function openSslName(standard: string): string {
  if (!standard.includes('_WITH_')) return standard
  return standard
    .replace(/^TLS_(RSA_WITH_)?/, '')
    .replace('_WITH_', '_')
    .replace(/AES_(128|256)/, 'AES$1')
    .replace(/_CBC/, '')
    .replace(/(CHACHA20_POLY1305)_SHA256$/, '$1')
    .replaceAll('_', '-')
}
