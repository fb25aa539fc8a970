import { type RawConfig, withPrefix } from '../../api/config.ts'
import { parseAddress } from '../../kafka/connections.ts'
import { isSecurityKey } from '../../kafka/security/security-keys.ts'

/** What a connector's task uses a Kafka client for; `own` is the worker's. */
export type ClientKind = 'own' | 'producer' | 'consumer' | 'admin'

export const TASK_CLIENTS = ['producer', 'consumer', 'admin'] as const

/** The settings of Kafka clients in a worker's file, by Kafka's names: without a prefix, and below `producer.` and so on. */
export type ClientDefaults = Readonly<Record<ClientKind, RawConfig>>

export const NO_CLIENT_SETTINGS: ClientDefaults = { own: {}, producer: {}, consumer: {}, admin: {} }

/** What makes two clients two: anything else of a client's settings is not that of a connection. */
export function isConnectionKey(name: string): boolean {
  return (
    name === 'bootstrap.servers' || name === 'client.id' || isSecurityKey(name) || PROBLEM_KEYS.includes(name)
  )
}

/** They are looked at to be refused. */
const PROBLEM_KEYS: readonly string[] = [
  'sasl.client.callback.handler.class',
  'sasl.oauthbearer.jwt.retriever.class',
  'ssl.engine.factory.class',
]

/** What is wrong with a value of `bootstrap.servers`. */
export function serverProblem(servers: string): string | undefined {
  try {
    const addresses = servers.split(',').map(parseAddress)
    return addresses.every(({ port }) => port <= 65_535) ? undefined : `has a port above 65535: "${servers}".`
  } catch {
    return `must be brokers of the form host:port, separated by commas, not "${servers}".`
  }
}

function connectionKeys(settings: RawConfig): Record<string, string> {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => isConnectionKey(name)))
}

/**
 * How a task's client connects: the worker's settings below the prefix, and over them what the connector overrides. Where
 * the worker says nothing of security below a prefix, what it says without one counts, as Kafka Connect has it for
 * `admin` alone; but never where the connector names brokers of its own, which would be told the worker's password.
 */
export function clientSettings(defaults: ClientDefaults, kind: ClientKind, connector: RawConfig): RawConfig {
  const own = connectionKeys(defaults.own)
  if (kind === 'own') return own
  const prefixed = connectionKeys(defaults[kind])
  const overrides = connectionKeys(overridesOf(kind, connector))
  const inherited = without(own, (name) => name === 'client.id')
  const saysSecurity = kind !== 'admin' && Object.keys(prefixed).some(isSecurityKey)
  const isElsewhere = overrides['bootstrap.servers'] !== undefined
  const base = isElsewhere ? {} : saysSecurity ? without(inherited, isSecurityKey) : inherited
  return { ...base, ...prefixed, ...overrides }
}

/** The brokers of a client, as they are written; undefined where nothing is said but the worker's `bootstrap.servers`. */
export function brokersOf(
  defaults: ClientDefaults,
  kind: ClientKind,
  connector: RawConfig,
): string | undefined {
  return clientSettings(defaults, kind, connector)['bootstrap.servers']
}

function without(settings: RawConfig, goes: (name: string) => boolean): RawConfig {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !goes(name)))
}

/** `producer.override.*` and so on of a connector, without the prefix. */
export function overridesOf(kind: Exclude<ClientKind, 'own'>, connector: RawConfig): RawConfig {
  return withPrefix(connector, `${kind}.override.`) as Record<string, string>
}

/**
 * A connector's configuration with what the worker says below `producer.`, `consumer.` and `admin.` as defaults of its
 * overrides: whoever reads `consumer.override.isolation.level` sees that of the worker too.
 */
export function withClientDefaults(defaults: ClientDefaults, connector: RawConfig): RawConfig {
  const entries = TASK_CLIENTS.flatMap((kind) =>
    Object.entries(defaults[kind])
      .filter(([name]) => !isConnectionKey(name))
      .map(([name, value]) => [`${kind}.override.${name}`, value]),
  )
  return entries.length === 0
    ? connector
    : { ...(Object.fromEntries(entries) as Record<string, string>), ...connector }
}
