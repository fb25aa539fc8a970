import type { SideName } from '../api/batch.ts'
import type { RawConfig } from '../api/config.ts'
import { CommandError, ConfigError } from '../api/errors.ts'
import type { Logger } from '../api/log.ts'
import type { SinkConnector, SourceConnector } from '../api/plugins.ts'
import { dropMemoryRegistry, memoryRegistry } from '../converters/avro/memory-registry.ts'
import type { WriterSchema } from '../converters/avro/writer-schema.ts'
import { stringifyExact } from '../converters/exact-json.ts'
import { devSettings } from '../dev/worker-config.ts'
import { ModelStore } from '../inference/store/model-store.ts'
import { ConfigProviders } from '../runtime/config-providers/config-providers.ts'
import { resolveSecretly } from '../runtime/config-providers/resolve-secretly.ts'
import type { DryRunOptions } from '../runtime/dry-run/dry-run.ts'
import { SinkDryRun } from '../runtime/dry-run/sink-dry-run.ts'
import { SourceDryRun } from '../runtime/dry-run/source-dry-run.ts'
import { openingProblems, problemsOf } from '../runtime/host/opening-problems.ts'
import type { HostSettings } from '../runtime/host/protocol.ts'
import { connectorOf } from '../runtime/plugins/configured-plugins.ts'
import { topicList, topicReader } from '../runtime/sink/read-topics.ts'
import { ConnectorCheck } from '../worker/configs/connector-check.ts'
import { loadPlugins } from '../worker/settings/load-plugins.ts'
import {
  loadSettings,
  type ReadSettings,
  readSettings,
  type WorkerSettings,
} from '../worker/settings/settings.ts'
import { hostSettings } from '../worker/host-settings.ts'
import type { InputShape } from './input-records.ts'

/** What a dry run takes of a worker: settings, plugins and models. */
export interface Workbench {
  readonly settings: WorkerSettings
  readonly host: HostSettings
  readonly models: ModelStore
  readonly log: Logger
}

export interface WorkbenchOptions {
  /** The settings of a worker; those of `sluice dev` where absent. */
  readonly worker?: string | undefined
  /** Instead of its `models.dir`. */
  readonly modelsDir?: string | undefined
  readonly log: Logger
}

export type Schemas = Readonly<Record<SideName, WriterSchema | null>>

/** A connector that is ready to be given records. */
export interface Pipeline {
  readonly dry: SinkDryRun | SourceDryRun
  readonly schemas: Schemas
  /** Whether it would be given records of a topic. */
  readonly reads: (topic: string) => boolean
  /** Where its records come from, or, of a source, go to where they do not say. */
  readonly topic: string
  /** The URL of the registry, in memory, that its converters share. */
  readonly registry: string
  close(): Promise<void>
}

let scopes = 0

/** What records must be made with to be given to it. */
export function shapeOf({ dry, schemas, topic, reads }: Pipeline): Omit<InputShape, 'now' | 'schemaOption'> {
  const connect = { key: schemas.key?.connect() ?? null, value: schemas.value?.connect() ?? null }
  if (!(dry instanceof SinkDryRun)) return { topic, reads, converters: null, schemas: connect }
  const { key, value } = dry.converters
  return { topic, reads, converters: { key: key.name, value: value.name }, schemas: connect }
}

export async function openWorkbench({ worker, modelsDir, log }: WorkbenchOptions): Promise<Workbench> {
  const { settings: read, leftOut } =
    worker === undefined ? await localSettings() : await loadSettings(worker)
  const settings = modelsDir === undefined ? read : { ...read, modelsDir }
  for (const problem of leftOut) log.warn('a plugin is left out', { ...problem })
  const models = new ModelStore({
    modelsDir: settings.modelsDir,
    allowedDirs: settings.modelsAllowedDirs,
    log,
  })
  return { settings, host: hostSettings(settings), models, log }
}

/** Those of `sluice dev`, with the packages beside it. */
async function localSettings(): Promise<ReadSettings> {
  const [bootstrapServers, schemaRegistry] = ['127.0.0.1:9092', 'http://127.0.0.1:8081']
  const settings = devSettings({ bootstrapServers, schemaRegistry, restPort: 8083 })
  const raw = new Map(Object.entries(settings).map(([key, value]) => [key, String(value)]))
  const read = readSettings(raw)
  const { pluginPackages, leftOut } = await loadPlugins(raw, 'sluice dev')
  return { ...read, settings: { ...read.settings, pluginPackages }, leftOut }
}

/**
 * Checks a configuration as a worker would, and opens it with a schema registry in memory, which has the given schemas.
 * @throws ConfigError with every problem, CommandError
 */
export async function openPipeline(
  bench: Workbench,
  written: RawConfig,
  { schemas, topic }: { readonly schemas: Schemas; readonly topic?: string | undefined },
): Promise<Pipeline> {
  const scope = `dry-run-${++scopes}`
  const registry = `mock://${scope}`
  const close = (): void => dropMemoryRegistry(scope)
  try {
    const options = await optionsOf(bench, written, registry)
    const topics = topicList(options.config)
    for (const each of topic === undefined ? topics : [...topics, topic]) await register(scope, each, schemas)
    const matching = () => Promise.resolve(topic === undefined ? [] : [topic])
    const validate = () => openingProblems({ ...options, matching }).catch(problemsOf)
    await new ConnectorCheck({ validate }, bench.settings, bench.log).require(written).catch(listed)
    const plugin = connectorOf(options.config)
    const dry = await openDryRun(options, plugin)
    const closeAll = (): Promise<void> => dry.close().finally(close)
    const reads = plugin.kind === 'source' ? () => true : topicReader(options.config)
    return { dry, schemas, reads, topic: topicOf(plugin, options.config, topic), registry, close: closeAll }
  } catch (error) {
    close()
    throw error
  }
}

function openDryRun(
  options: DryRunOptions,
  plugin: SinkConnector | SourceConnector,
): Promise<SinkDryRun | SourceDryRun> {
  return plugin.kind === 'source' ? SourceDryRun.open(options, plugin) : SinkDryRun.open(options, plugin)
}

async function optionsOf(
  { settings, host, models, log }: Workbench,
  written: RawConfig,
  registry: string,
): Promise<DryRunOptions> {
  const providers = new ConfigProviders(settings.configProviders)
  // What is wrong with a reference, the check says.
  const config = await resolveSecretly(providers, written).catch(() => written)
  const converterDefaults = await resolveSecretly(providers, host.converterDefaults)
  return {
    config: withRegistry(config, registry),
    settings: { ...host, converterDefaults: withRegistry(converterDefaults, registry) },
    models,
    log,
  }
}

/** With another schema registry, to which the converters may write. */
function withRegistry(config: RawConfig, registry: string): RawConfig {
  const prefixes = Object.keys(config).flatMap((key) => {
    const [, prefix] = /^((?:.*\.)?converter\.)schema\.registry\.url$/.exec(key) ?? []
    return prefix === undefined ? [] : [prefix]
  })
  const replaced = prefixes.flatMap((prefix) => [
    [`${prefix}schema.registry.url`, registry],
    [`${prefix}auto.register.schemas`, 'true'],
  ])
  return { ...config, ...(Object.fromEntries(replaced) as RawConfig) }
}

async function register(scope: string, topic: string, schemas: Schemas): Promise<void> {
  for (const side of ['key', 'value'] as const) {
    const schema = schemas[side]
    if (schema === null) continue
    await memoryRegistry(scope).register(`${topic}-${side}`, { schema: stringifyExact(schema.root.json) })
  }
}

/** Every problem on a line of its own, with its key. */
function listed(error: unknown): never {
  if (!(error instanceof ConfigError)) throw error
  const lines = error.problems.map(({ path, message }) =>
    message.includes(path) ? `  ${message}` : `  ${path}: ${message}`,
  )
  throw new ConfigError(error.problems, `the configuration is invalid:\n${lines.join('\n')}`)
}

function topicOf(plugin: SinkConnector | SourceConnector, config: RawConfig, asked?: string): string {
  if (plugin.kind === 'source') return asked ?? config['topic'] ?? ''
  if (asked !== undefined && !topicReader(config)(asked))
    throw new CommandError(
      'command.input',
      `the connector does not read topic ${asked}: name one that it reads`,
    )
  const topic = asked ?? topicList(config)[0]
  if (topic === undefined)
    throw new CommandError(
      'command.input',
      `the connector reads topics of a pattern, ${config['topics.regex'] ?? ''}: name one of them with --topic`,
    )
  return topic
}
