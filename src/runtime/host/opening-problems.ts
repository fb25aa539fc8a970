import { TaskMetrics } from './task-metrics.ts'
import type { RawConfig } from '../../api/config.ts'
import { type ConfigProblem, ConfigError, ConnectError, messageOf } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import type { Models } from '../../api/models.ts'
import { checkSchemas } from '../chain/check-config.ts'
import { connectorOf } from '../plugins/configured-plugins.ts'
import { matchingTopics } from '../sink/matching-topics.ts'
import { openPlugins, type TaskEvents } from './open-task.ts'
import type { HostSettings } from './protocol.ts'

/** A configuration, with the values of config providers, and what it is opened with. */
interface Opening {
  readonly config: RawConfig
  readonly settings: HostSettings
  readonly models: Models
  readonly log: Logger
  /** The topics that `topics.regex` matches; default: those that Kafka has now. */
  readonly matching?: () => Promise<readonly string[]>
}

/** Nobody looks. */
export const noEvents = (): TaskEvents => ({
  at: () => undefined,
  failed: () => undefined,
  fenced: () => undefined,
  cleared: () => undefined,
  metrics: new TaskMetrics(),
})

/**
 * What is wrong with a configuration that only shows when its plugins and models are opened, or the schemas of its topics
 * are followed through its transforms. Runs code of plugins, which may not return.
 * @throws what `problemsOf` makes problems of
 */
export async function openingProblems(opening: Opening): Promise<readonly ConfigProblem[]> {
  const { config, settings } = opening
  const id = { connector: config['name'] ?? '', task: -1 }
  const options = { ...opening, id, paused: true, events: noEvents() }
  const plugins = await openPlugins(options, new AbortController().signal)
  const log = opening.log.child({ connector: id.connector })
  // What a source writes has its own schemas, not those that a topic had before.
  const readsTopics = connectorOf(config).kind === 'sink'
  const { matching = () => matchingTopics(settings, config, log) } = opening
  const known = readsTopics ? config : {}
  const ofPattern = async () => (readsTopics ? matching() : [])
  return checkSchemas(plugins, known, { matching: ofPattern, log }).finally(() => plugins.close())
}

/** An error that opening a configuration threw, as problems of its keys. */
export function problemsOf(error: unknown): readonly ConfigProblem[] {
  if (error instanceof ConfigError) return error.problems
  const path =
    error instanceof ConnectError && error.configPath !== undefined ? error.configPath : 'transforms'
  return [{ path, message: messageOf(error) }]
}
