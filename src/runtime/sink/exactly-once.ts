import type { RawConfig } from '../../api/config.ts'
import { ConfigError, type ConfigProblem, TaskError } from '../../api/errors.ts'
import type { SinkConnector } from '../../api/plugins.ts'
import type { HostSettings } from '../host/protocol.ts'
import { brokersOf, type ClientDefaults } from '../plugins/client-settings.ts'
import { connectorOf } from '../plugins/configured-plugins.ts'
import { sinkKeys } from '../plugins/connector-keys.ts'

const SUPPORT = 'exactly.once.support'
const INTERVAL = 'transaction.boundary.interval.ms'
const TIMEOUT = 'producer.override.transaction.timeout.ms'
const ISOLATION = 'consumer.override.isolation.level'

/** How a sink's task uses transactions. */
export interface ExactlyOnce {
  /** How often a transaction ends; 0 after each fetch. */
  readonly commitIntervalMs: number
  /** `transaction.timeout.ms`. */
  readonly timeoutMs: number
}

/** Null where the sink delivers at least once. @throws ConfigError where the two cannot go together */
export function exactlyOnce({
  config,
  settings,
}: {
  readonly config: RawConfig
  readonly settings: Pick<HostSettings, 'offsetFlushIntervalMs' | 'clients'>
}): ExactlyOnce | null {
  if (!isRequired(config)) return null
  const plugin = connectorOf(config)
  if (plugin.kind !== 'sink') throw new TaskError('task.failed', `${plugin.name} is no sink.`)
  const problems = [...exactlyOnceProblems(config, plugin), ...brokerProblems(config, settings.clients)]
  if (problems.length > 0) throw new ConfigError(problems)
  const values = sinkKeys.read(config)
  const isInterval = values['transaction.boundary'].toLowerCase() === 'interval'
  return {
    commitIntervalMs: isInterval ? (values[INTERVAL] ?? settings.offsetFlushIntervalMs) : 0,
    timeoutMs: values[TIMEOUT],
  }
}

/** What keeps this sink from delivering exactly once, where its configuration requires that. */
export function exactlyOnceProblems(config: RawConfig, plugin: SinkConnector): ConfigProblem[] {
  if (!isRequired(config)) return []
  const problems: ConfigProblem[] = []
  if (plugin.emitsOnly !== true)
    problems.push({
      path: SUPPORT,
      message: `${plugin.name} writes elsewhere than to Kafka, so that its records and offsets cannot be one transaction. Set ${SUPPORT}=requested.`,
    })
  if (config[ISOLATION]?.trim() === 'read_uncommitted')
    problems.push({
      path: ISOLATION,
      message: `must be read_committed where ${SUPPORT}=required: records of aborted transactions would be written as if they were committed.`,
    })
  const [interval, timeout] = [Number(config[INTERVAL] ?? 0), Number(config[TIMEOUT] ?? 60_000)]
  if (interval >= timeout)
    problems.push({
      path: INTERVAL,
      message: `must be less than ${TIMEOUT} (${timeout}): Kafka would abort each transaction before it ends.`,
    })
  return problems
}

/** Offsets are in the Kafka that records are read from: one transaction holds them and what is written there alone. */
export function brokerProblems(config: RawConfig, clients: ClientDefaults): ConfigProblem[] {
  if (!isRequired(config)) return []
  const [from, to] = [brokersOf(clients, 'consumer', config), brokersOf(clients, 'producer', config)]
  if (from === to) return []
  const message = `A sink that reads from one Kafka (${from ?? 'the worker’s'}) and writes to another (${to ?? 'the worker’s'}) cannot deliver exactly once. Set ${SUPPORT}=requested.`
  return [{ path: SUPPORT, message }]
}

/** For a sink that says itself what may be committed: of a transaction all is committed, or nothing. */
export function offsetsOfItsOwn(plugin: string): ConfigError {
  const message = `${plugin} says itself which offsets may be committed (preCommit), so that its records and offsets cannot be one transaction. Set ${SUPPORT}=requested.`
  return new ConfigError([{ path: SUPPORT, message }])
}

function isRequired(config: RawConfig): boolean {
  return config[SUPPORT]?.trim().toLowerCase() === 'required'
}
