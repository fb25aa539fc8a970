import type { ConfigDefinition, RawConfig } from '../../api/config.ts'
import { ConfigError, type ConfigProblem } from '../../api/errors.ts'
import { ClientSecurity } from '../../kafka/security/client-security.ts'
import { readSecurity } from '../../kafka/security/security-config.ts'
import { isSecurityKey, JAVA_SECURITY } from '../../kafka/security/security-keys.ts'
import {
  type ClientDefaults,
  clientSettings,
  isConnectionKey,
  serverProblem,
  TASK_CLIENTS,
} from '../../runtime/plugins/client-settings.ts'
import { sinkKeys } from '../../runtime/plugins/connector-keys.ts'
import { sourceKeys } from '../../runtime/source/source-keys.ts'
import { overrideKeys } from '../configs/override-keys.ts'
import { matches } from './modes.ts'

const PREFIX = /^(producer|consumer|admin)\.(.+)$/

/** Settings below a prefix that are defaults of what connectors override. */
const DEFINITIONS: readonly ConfigDefinition[] = [sinkKeys, sourceKeys, overrideKeys]

/** For all sinks at once they would make one group of all. */
const OF_ONE_SINK: readonly string[] = ['consumer.group.id', 'consumer.group.instance.id']

function definitionOf(kind: string, name: string) {
  const path = `${kind}.override.${name}`
  return DEFINITIONS.map(({ keys }) => keys[path]).find((key) => key !== undefined)
}

/** What a setting of a Kafka client does here; undefined where a key is none. */
export function clientKey(key: string): 'acts' | { readonly warning: string } | undefined {
  if (isConnectionKey(key) && key !== 'bootstrap.servers' && key !== 'client.id') return 'acts'
  if (JAVA_SECURITY.some((pattern) => matches(pattern, key)))
    return { warning: 'has no effect in Sluice and is ignored.' }
  const [, kind = '', name = ''] = PREFIX.exec(key) ?? []
  if (kind === '' || key.startsWith('admin.listeners')) return undefined
  if (isConnectionKey(name)) return 'acts'
  if (OF_ONE_SINK.includes(key))
    return {
      warning: 'is ignored: each sink has a group of its own. Set consumer.override.* in the connector.',
    }
  const definition = definitionOf(kind, name)
  if (definition === undefined) return { warning: 'has no effect in Sluice and is ignored.' }
  return definition.ignored === undefined
    ? 'acts'
    : { warning: `has no effect in Sluice and is ignored. ${definition.ignored}` }
}

/** The settings of Kafka clients in a worker's file. */
export function clientDefaults(raw: ReadonlyMap<string, string>): ClientDefaults {
  const acting = [...raw].filter(([key]) => clientKey(key) === 'acts')
  const below = (prefix: string): RawConfig =>
    Object.fromEntries(
      acting
        .filter(([key]) => key.startsWith(prefix))
        .map(([key, value]) => [key.slice(prefix.length), value]),
    )
  const own = [...acting.filter(([key]) => !PREFIX.test(key))]
  const servers = raw.get('bootstrap.servers')
  if (servers !== undefined) own.push(['bootstrap.servers', servers])
  return {
    own: Object.fromEntries(own),
    producer: below('producer.'),
    consumer: below('consumer.'),
    admin: below('admin.'),
  }
}

/** What is wrong with them, as far as it can be seen without files and brokers. */
export function clientProblems(defaults: ClientDefaults): ConfigProblem[] {
  const problems = [...readSecurity(defaults.own).problems]
  for (const kind of TASK_CLIENTS) {
    const at = (name: string): string => `${kind}.${name}`
    const given = defaults[kind]
    if (Object.keys(given).some(isSecurityKey))
      problems.push(
        ...readSecurity(clientSettings(defaults, kind, {})).problems.map((each) => ({
          ...each,
          path: at(each.path),
        })),
      )
    const servers = given['bootstrap.servers']
    const wrong = servers === undefined ? undefined : serverProblem(servers)
    if (wrong !== undefined) problems.push({ path: at('bootstrap.servers'), message: wrong })
    problems.push(...valueProblems(kind, given))
  }
  return problems
}

function valueProblems(kind: string, given: RawConfig): ConfigProblem[] {
  return Object.entries(given).flatMap(([name, value]): ConfigProblem[] => {
    const definition = definitionOf(kind, name)
    if (definition === undefined) return []
    const parsed = definition.parse(value.trim())
    const wrong = 'problem' in parsed ? parsed.problem : definition.check?.(parsed.value)
    return wrong === undefined
      ? []
      : [{ path: `${kind}.${name}`, message: `${wrong}, not "${value.trim()}".` }]
  })
}

/**
 * Reads the key and trust stores once, so that a worker says at its start what is wrong with one.
 * @throws ConfigError with every problem
 */
export async function requireStores(clients: ClientDefaults): Promise<void> {
  const problems: ConfigProblem[] = []
  for (const kind of ['own', ...TASK_CLIENTS] as const) {
    const { security } = readSecurity(clientSettings(clients, kind, {}))
    const prefix = kind === 'own' || !Object.keys(clients[kind]).some(isSecurityKey) ? '' : `${kind}.`
    await new ClientSecurity(security).check().catch((error: unknown) => {
      if (!(error instanceof ConfigError)) throw error
      for (const { path, message } of error.problems) problems.push({ path: `${prefix}${path}`, message })
    })
  }
  const distinct = new Map(problems.map((each) => [each.path, each]))
  if (distinct.size > 0) throw new ConfigError([...distinct.values()])
}
