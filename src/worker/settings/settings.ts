import { listOf, type RawConfig } from '../../api/config.ts'
import { availableParallelism, totalmem } from 'node:os'
import { resolve } from 'node:path'
import convict from 'convict'
import { type ConfigProblem, ConfigError, messageOf } from '../../api/errors.ts'
import { hideValue } from '../../api/credentials.ts'
import type { AllowedImages } from '../../api/images.ts'
import { converterProblems } from './default-converters.ts'
import { didYouMean } from '../../api/did-you-mean.ts'
import { isSecurityKey, SECURITY_KEYS } from '../../kafka/security/security-keys.ts'
import { type ProviderSettings, readProviders } from '../../runtime/config-providers/config-providers.ts'
import type { PackageProblem } from '../../runtime/plugins/left-out.ts'
import { LISTENER_PREFIX } from './listener-tls.ts'
import { readRest, type RestSettings, unsignedProblems } from './rest-settings.ts'
import type { TopicTracking } from '../active-topics.ts'
import type { ClientDefaults } from '../../runtime/plugins/client-settings.ts'
import { type OverridePolicy, readPolicy } from '../configs/override-policy.ts'
import { fromEnvironment, readFile } from './settings-file.ts'
import { clientDefaults, clientKey, clientProblems, requireStores } from './client-keys.ts'
import { loadPlugins, resolveOnce } from './load-plugins.ts'
import { signingOf, signingProblems } from './signing.ts'
import { type InternalTopic, isClusterKey, keysOf, matches, sharedTopics, type WorkerMode } from './modes.ts'
import {
  CONVERTER_PREFIXES,
  STANDALONE_KEYS,
  UNSUPPORTED,
  WITHOUT_EFFECT,
  type WorkerKey,
  type WorkerKeyName,
} from './worker-keys.ts'

/** A worker's settings, read and checked. Times are milliseconds. */
export interface WorkerSettings extends RestSettings {
  readonly bootstrapServers: readonly string[]
  /** Of this process; with the values that config providers gave at its start. */
  readonly clients: ClientDefaults
  /** The same as it is written: task hosts ask the providers themselves. */
  readonly clientsAsWritten: ClientDefaults
  /** What connectors may override of their clients. */
  readonly overrides: OverridePolicy
  readonly clientId: string
  readonly mode: WorkerMode
  /** Names under which the REST API is asked, besides its own. */
  readonly allowedHosts: readonly string[]
  readonly advertised: { readonly host: string | undefined; readonly port: number | undefined }
  /** Open by each process for itself. */
  readonly configProviders: readonly ProviderSettings[]
  /** `key.converter`, `value.converter` and their options, as written: task hosts ask the providers themselves. */
  readonly converterDefaults: RawConfig
  readonly offsetFlushInterval: number
  readonly shutdownTimeout: number
  readonly topicCreation: boolean
  readonly topicTracking: TopicTracking
  readonly sessionTimeout: number
  readonly heartbeatInterval: number
  readonly rebalanceTimeout: number
  readonly metadataMaxAge: number
  /** The folders of packages with plugins, which are loaded by each process for itself. */
  readonly pluginPackages: readonly string[]
  readonly modelsDir: string
  readonly modelsAllowedDirs: readonly string[]
  readonly images: AllowedImages
  readonly taskHosts: number
  readonly taskDeadline: number
  /** Bytes that one task host may hold. */
  readonly hostMemory: number
  readonly logLevel: string
}

export interface ReadSettings {
  readonly settings: WorkerSettings
  /** Keys that were given and do nothing here, each as a sentence. */
  readonly warnings: readonly string[]
  /** Packages and plugins that could not be loaded. */
  readonly leftOut: readonly PackageProblem[]
}

/**
 * Reads a worker's settings: a file of JSON (`.json`) or Java properties, if any, overridden by the environment, with what its config
 * providers give. Loads the packages of `plugin.path` and those beside the worker, as settings may name what they bring.
 * @throws ConfigError with every wrong key at once
 */
export async function loadSettings(
  file: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
  kind: WorkerMode['kind'] = 'distributed',
): Promise<ReadSettings> {
  const raw = new Map([...(file === undefined ? [] : readFile(file)), ...fromEnvironment(env)])
  const owner = file ?? 'the environment'
  const { pluginPackages, leftOut } = await loadPlugins(raw, owner)
  const { problems, providers } = readProviders(raw)
  if (problems.length > 0) throw new ConfigError(problems)
  const plain = [...raw].filter(([key]) => !isProviderKey(key))
  const { config, provided } = await resolveOnce(providers, Object.fromEntries(plain), owner)
  for (const [key, values] of provided) if (!Object.hasOwn(keysOf(kind), key)) values.forEach(hideValue)
  const { settings, warnings } = readSettings(new Map([...raw, ...Object.entries(config)]), kind)
  const { converterDefaults } = settings
  const asWritten = Object.keys(converterDefaults).map((key) => [
    key,
    raw.get(key) ?? converterDefaults[key] ?? '',
  ])
  const defaults = Object.fromEntries(asWritten) as Record<string, string>
  await requireStores(settings.clients)
  await settings.listener.tls?.server()
  const more = { converterDefaults: defaults, clientsAsWritten: clientDefaults(raw), pluginPackages }
  return { settings: { ...settings, ...more }, warnings, leftOut }
}

function isProviderKey(key: string): boolean {
  return key === 'config.providers' || key.startsWith('config.providers.')
}

/** @throws ConfigError with every wrong key at once */
export function readSettings(
  raw: ReadonlyMap<string, string>,
  kind: WorkerMode['kind'] = 'distributed',
): ReadSettings {
  const { problems: wrongProviders, providers } = readProviders(raw)
  const problems = [...wrongProviders]
  const warnings: string[] = []
  /** A setting that is missing may be there under another name. */
  const misspelt: ConfigProblem[] = []
  const known: Record<string, string> = {}
  const converterOptions: Record<string, string> = {}
  for (const [key, value] of raw) {
    if (isProviderKey(key)) continue
    const found = classify(key, value, kind)
    if (found === 'known') known[flat(key)] = value.trim()
    else if (found === 'acts') continue
    else if (found === 'converter') converterOptions[key] = value
    else if (found === 'harmless') continue
    else if ('problem' in found) problems.push({ path: key, message: found.problem })
    else {
      warnings.push(`${key} ${found.warning}`)
      if (found.warning.includes('Did you mean')) misspelt.push({ path: key, message: found.warning })
    }
  }
  const config = convict(kind === 'distributed' ? DISTRIBUTED_SCHEMA : STANDALONE_SCHEMA)
  config.load(known)
  problems.push(...convictProblems(config))
  const read = (name: WorkerKeyName): string => String(config.get(flat(name)))
  const defaults = {
    'key.converter': read('key.converter'),
    'value.converter': read('value.converter'),
    ...converterOptions,
  }
  problems.push(...converterProblems(defaults))
  if (kind === 'distributed') problems.push(...sharedTopics(raw), ...signingProblems(read))
  const clients = clientDefaults(raw)
  problems.push(...clientProblems(clients))
  const rest = readRest(read, raw, problems)
  if (kind === 'distributed' && rest !== undefined)
    problems.push(...unsignedProblems(rest, read('connect.protocol')))
  if (rest === undefined || problems.length > 0) throw new ConfigError([...problems, ...misspelt])
  const parts = { rest, converterDefaults: defaults, clients }
  const settings = assemble(read, modeOf(kind, read), parts)
  return { settings: { ...settings, configProviders: providers }, warnings, leftOut: [] }
}

type Found =
  'known' | 'acts' | 'converter' | 'harmless' | { readonly problem: string } | { readonly warning: string }

function classify(key: string, value: string, kind: WorkerMode['kind']): Found {
  const keys = keysOf(kind)
  if (Object.hasOwn(keys, key)) return 'known'
  const standalone = kind === 'standalone'
  if (standalone && isClusterKey(key))
    return { warning: 'is a setting of a worker in a cluster: a standalone worker ignores it.' }
  if (Object.hasOwn(STANDALONE_KEYS, key))
    return { problem: 'is a setting of a standalone worker. Remove it, or start `sluice standalone`.' }
  const unsupported = Object.entries(UNSUPPORTED).find(([pattern]) => matches(pattern, key))
  if (unsupported?.[1].includes(value.trim().toLowerCase())) return 'harmless'
  if (unsupported !== undefined) {
    return { problem: 'is a setting of Kafka Connect that Sluice does not support yet. Remove it.' }
  }
  if (key.startsWith(LISTENER_PREFIX)) return listenerKey(key)
  const ofClient = clientKey(key)
  if (ofClient !== undefined) return ofClient
  if (WITHOUT_EFFECT.some((pattern) => matches(pattern, key)))
    return { warning: 'has no effect in Sluice and is ignored.' }
  if (CONVERTER_PREFIXES.some((prefix) => key.startsWith(prefix))) return 'converter'
  // Kafka Connect accepts any key, and many files have keys of several tools.
  const near = didYouMean(key, [...Object.keys(keys), ...Object.keys(SECURITY_KEYS)])
  return {
    warning: `is not a setting of a worker and is ignored.${near === undefined ? '' : ` Did you mean ${near}?`}`,
  }
}

function listenerKey(key: string): Found {
  const name = key.slice(LISTENER_PREFIX.length)
  if (isSecurityKey(name) || name === 'ssl.client.auth') return 'acts'
  return { warning: 'has no effect in Sluice and is ignored.' }
}

function isTrue(written: string): boolean {
  return written.toLowerCase() === 'true'
}

/** convict takes dots for nesting; Kafka Connect's keys nest and hold values at once. */
function flat(key: string): string {
  return key.replaceAll('.', '/')
}

type Schema = convict.Schema<Record<string, string | number>>

const DISTRIBUTED_SCHEMA = schemaOf('distributed')
const STANDALONE_SCHEMA = schemaOf('standalone')

function schemaOf(kind: WorkerMode['kind']): Schema {
  const keys = Object.entries(keysOf(kind)).map(([name, key]) => [
    flat(name),
    { doc: key.doc, default: key.default, format: (value: unknown) => checkValue(name, key, value) },
  ])
  return Object.fromEntries(keys) as Schema
}

function checkValue(name: string, key: WorkerKey, value: unknown): void {
  const wrong = whatIsWrong(key, value)
  // convict gathers what formats throw; the name travels in the message.
  if (wrong !== undefined) throw new Error(JSON.stringify([name, wrong]))
}

function whatIsWrong(key: WorkerKey, value: unknown): string | undefined {
  if (value === null || (value === '' && key.default === null)) return 'is required.'
  const written = typeof value === 'number' ? String(value) : typeof value === 'string' ? value : ''
  if (key.oneOf !== undefined && !key.oneOf.includes(key.anyCase === true ? written.toLowerCase() : written))
    return `must be one of ${key.oneOf.join(', ')}, not "${written}".`
  const { check } = key
  if (check !== undefined) {
    const wrong = listOf(written).find((item) => check(item) !== undefined)
    return wrong === undefined ? undefined : `${check(wrong)}, not "${wrong}".`
  }
  if (key.type !== 'integer') return undefined
  const number = /^[+-]?\d+$/.test(written) ? Number(written) : Number.NaN
  const inside = number >= (key.min ?? 0) && number <= (key.max ?? Number.MAX_SAFE_INTEGER)
  return inside
    ? undefined
    : `must be a whole number from ${key.min ?? 0} to ${key.max ?? ''}${written === 'NaN' ? '' : `, not "${written}"`}.`
}

function convictProblems(config: convict.Config<Record<string, string | number>>): ConfigProblem[] {
  try {
    config.validate({ allowed: 'strict' })
    return []
  } catch (error) {
    return [...messageOf(error).matchAll(/\["[^\n]*"\]/g)].map(([found]) => {
      const [path, message] = JSON.parse(found) as [string, string]
      return { path, message }
    })
  }
}

const MOST_HOST_MEMORY = 4 * 2 ** 30

function defaultHostMemory(): number {
  const container = process.constrainedMemory() || Infinity
  return Math.floor(Math.min(MOST_HOST_MEMORY, Math.min(totalmem(), container) / 2))
}

type Read = (name: WorkerKeyName) => string

function modeOf(kind: WorkerMode['kind'], read: Read): WorkerMode {
  if (kind === 'standalone') return { kind, offsetFile: resolve(read('offset.storage.file.filename')) }
  const topic = (name: 'config' | 'offset' | 'status'): InternalTopic => ({
    topic: read(`${name}.storage.topic`),
    partitions: name === 'config' ? 1 : Number(read(`${name}.storage.partitions`)),
    replicationFactor: Number(read(`${name}.storage.replication.factor`)),
  })
  const protocol = read('connect.protocol').toLowerCase()
  return {
    kind,
    groupId: read('group.id'),
    configTopic: topic('config'),
    offsetTopic: topic('offset'),
    statusTopic: topic('status'),
    sharedTopic: sharedTopic(read),
    protocol: protocol === 'compatible' || protocol === 'eager' ? protocol : 'sessioned',
    rebalanceDelay: Number(read('scheduled.rebalance.max.delay.ms')),
    transactionalSources: read('exactly.once.source.support').toLowerCase() === 'enabled',
    signing: signingOf(read),
  }
}

function sharedTopic(read: Read): InternalTopic | null {
  const topic = read('sluice.storage.topic') || `${read('group.id')}-sluice`
  if (topic === 'none') return null
  return { topic, partitions: 1, replicationFactor: Number(read('sluice.storage.replication.factor')) }
}

function assemble(
  read: Read,
  mode: WorkerMode,
  { rest, ...parts }: Pick<WorkerSettings, 'converterDefaults' | 'clients'> & { readonly rest: RestSettings },
): Omit<WorkerSettings, 'configProviders'> {
  const number = (name: WorkerKeyName): number => Number(read(name))
  return {
    bootstrapServers: listOf(read('bootstrap.servers')),
    clientId: read('client.id') || `sluice-${mode.kind === 'distributed' ? mode.groupId : mode.kind}`,
    mode,
    ...rest,
    ...parts,
    clientsAsWritten: parts.clients,
    overrides: readPolicy(
      read('connector.client.config.override.policy'),
      listOf(read('connector.client.config.override.allowlist')),
    ),
    allowedHosts: listOf(read('rest.allowed.hosts')),
    advertised: {
      host: read('rest.advertised.host.name') || undefined,
      port: number('rest.advertised.port') || undefined,
    },
    offsetFlushInterval: number('offset.flush.interval.ms'),
    topicCreation: isTrue(read('topic.creation.enable')),
    topicTracking: {
      enabled: isTrue(read('topic.tracking.enable')),
      resettable: isTrue(read('topic.tracking.allow.reset')),
    },
    shutdownTimeout: number('task.shutdown.graceful.timeout.ms'),
    sessionTimeout: number('session.timeout.ms'),
    heartbeatInterval: number('heartbeat.interval.ms'),
    rebalanceTimeout: number('rebalance.timeout.ms'),
    metadataMaxAge: number('metadata.max.age.ms'),
    pluginPackages: [],
    modelsDir: resolve(read('models.dir')),
    modelsAllowedDirs: listOf(read('models.allowed.dirs')).map((dir) => resolve(dir)),
    images: {
      dirs: listOf(read('images.allowed.dirs')).map((dir) => resolve(dir)),
      origins: listOf(read('images.allowed.origins')),
      privateAddresses: isTrue(read('images.private.addresses')),
    },
    taskHosts: number('task.hosts') || Math.max(1, availableParallelism() - 1),
    taskDeadline: number('task.deadline.ms'),
    hostMemory: number('task.host.memory.max.bytes') || defaultHostMemory(),
    logLevel: read('log.level'),
  }
}
