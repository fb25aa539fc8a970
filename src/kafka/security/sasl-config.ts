import type { RawConfig } from '../../api/config.ts'
import { hideValue } from '../../api/credentials.ts'
import type { ConfigProblem } from '../../api/errors.ts'
import { parseJaas, type LoginModule } from './jaas.ts'
import { readTokenSource, type TokenSource } from './token-config.ts'

export type SaslConfig =
  | {
      readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
      readonly username: string
      readonly password: string
    }
  | {
      readonly mechanism: 'OAUTHBEARER'
      readonly source: TokenSource
      readonly extensions: Readonly<Record<string, string>>
    }

const MODULES = {
  PLAIN: 'org.apache.kafka.common.security.plain.PlainLoginModule',
  'SCRAM-SHA-256': 'org.apache.kafka.common.security.scram.ScramLoginModule',
  'SCRAM-SHA-512': 'org.apache.kafka.common.security.scram.ScramLoginModule',
  OAUTHBEARER: 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule',
} as const

type Mechanism = keyof typeof MODULES

/** What names a Java class of somebody's own, though the protocol has no use for it: nothing that should look accepted. */
export function foreignClasses(raw: RawConfig): ConfigProblem[] {
  const message = 'names a Java class, which cannot be loaded. Remove it.'
  const named = CLASS_KEYS.filter((path) => {
    const name = raw[path]?.trim() ?? ''
    return name !== '' && !name.startsWith('org.apache.kafka.common.')
  })
  const module = parseJaas(raw['sasl.jaas.config'] ?? '')
  const known: readonly string[] = Object.values(MODULES)
  const isForeign = 'className' in module && !known.includes(module.className)
  const modules = [...new Set(known)].join(', ')
  return [
    ...named.map((path) => ({ path, message })),
    ...(isForeign
      ? [{ path: 'sasl.jaas.config', message: `must name one of ${modules}, not ${module.className}.` }]
      : []),
  ]
}

const CLASS_KEYS = [
  'ssl.engine.factory.class',
  'sasl.client.callback.handler.class',
  'sasl.login.callback.handler.class',
  'sasl.oauthbearer.jwt.retriever.class',
]

function isMechanism(name: string): name is Mechanism {
  return Object.hasOwn(MODULES, name)
}

/** The `sasl.*` settings; problems are added to a list. Null where they say nobody. */
export function readSasl(raw: RawConfig, problems: ConfigProblem[]): SaslConfig | null {
  const tell = (path: string, message: string): void => void problems.push({ path, message })
  const mechanism = raw['sasl.mechanism']?.trim() ?? ''
  if (!isMechanism(mechanism)) {
    tell('sasl.mechanism', notAMechanism(mechanism))
    return null
  }
  const handler = raw['sasl.client.callback.handler.class']?.trim() ?? ''
  if (handler !== '')
    tell('sasl.client.callback.handler.class', 'names a Java class, which cannot be loaded. Remove it.')
  const module = readModule(raw, mechanism, tell)
  if (module === null) return null
  if (mechanism === 'OAUTHBEARER') {
    const source = readTokenSource(raw, module.options, tell)
    return source === null ? null : { mechanism, source, extensions: extensionsOf(module, source) }
  }
  const [username, password] = [module.options.get('username'), module.options.get('password')]
  if (password !== undefined && !isWord(password)) hideValue(password)
  const path = 'sasl.jaas.config'
  if (username === undefined || username === '') tell(path, 'has no username="…".')
  if (password === undefined || password === '') tell(path, 'has no password="…".')
  return { mechanism, username: username ?? '', password: password ?? '' }
}

/** One that is a word, as "kafka", stands in our own sentences too, and hiding it there would only tell it. */
function isWord(password: string): boolean {
  return password.length < 8 || /^[a-z]+$/i.test(password)
}

function notAMechanism(written: string): string {
  const known = Object.keys(MODULES).join(', ')
  if (written === '' || written === 'GSSAPI')
    return `must be one of ${known}. GSSAPI (Kerberos), the default of Kafka, is not supported.`
  if (written === 'AWS_MSK_IAM')
    return `must be one of ${known}, not AWS_MSK_IAM, which needs a Java class. Amazon MSK offers SCRAM-SHA-512 and mutual TLS besides.`
  return `must be one of ${known}, not "${written}".`
}

function readModule(
  raw: RawConfig,
  mechanism: Mechanism,
  tell: (path: string, message: string) => void,
): LoginModule | null {
  const path = 'sasl.jaas.config'
  const text = raw[path]?.trim() ?? ''
  const expected = MODULES[mechanism]
  if (text === '') {
    // Kafka 4.1 takes client id and secret from settings of their own.
    if (mechanism === 'OAUTHBEARER' && hasTokenSource(raw)) return { className: expected, options: new Map() }
    tell(path, `is required with ${mechanism}: ${expected} required ${example(mechanism)};`)
    return null
  }
  const module = parseJaas(text)
  if ('problem' in module) {
    tell(path, module.problem)
    return null
  }
  if (module.className === expected) return module
  tell(path, `must name ${expected} with ${mechanism}, not ${module.className}.`)
  return null
}

function hasTokenSource(raw: RawConfig): boolean {
  return (raw['sasl.oauthbearer.token.endpoint.url']?.trim() ?? '') !== ''
}

function example(mechanism: Mechanism): string {
  return mechanism === 'OAUTHBEARER' ? 'clientId="…" clientSecret="…"' : 'username="…" password="…"'
}

const EXTENSION = {
  endpoint: 'extension_',
  file: 'extension_',
  unsecured: 'unsecuredLoginExtension_',
} as const

/** Names and values that travel with a token, e.g. the cluster of a hosted Kafka. */
function extensionsOf({ options }: LoginModule, { kind }: TokenSource): Record<string, string> {
  const prefix = EXTENSION[kind]
  const found = [...options].filter(([name]) => name.startsWith(prefix))
  return Object.fromEntries(found.map(([name, value]) => [name.slice(prefix.length), value]))
}
