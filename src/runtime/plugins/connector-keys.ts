import { type ConfigOf, defineConfig, key } from '../../api/config.ts'
import { checkOffsetReset } from '../../kafka/fetch/offset-reset.ts'
import { sinkTransactionKeys } from './transaction-keys.ts'
import { isTopicName } from '../delivery/written-topics.ts'

/**
 * The framework's own keys of a connector, with Kafka Connect's names, groups and order: the one definition that
 * `validate`, the reference page and a running task read. Converters, transforms and the connector add their own.
 */
export const commonKeys = defineConfig({
  name: key.string({
    doc: 'Globally unique name to use for this connector.',
    importance: 'HIGH',
    group: 'Common',
    displayName: 'Connector name',
    orderInGroup: 1,
    check: checkConnectorName,
  }),
  'connector.class': key.string({
    doc: 'Name of the connector: a simple name such as TopicSink.',
    importance: 'HIGH',
    group: 'Common',
    displayName: 'Connector class',
    orderInGroup: 2,
    width: 'LONG',
  }),
  'connector.plugin.version': key.string({
    doc: 'Version of the connector: a version (`1.2.3`), a range (`[1.0,2.0)`), or `latest`, which is the default.',
    importance: 'MEDIUM',
    group: 'Common',
    displayName: 'Connector version',
    orderInGroup: 3,
    optional: true,
  }),
  'tasks.max': key.int({
    doc: 'Maximum number of tasks to use for this connector.',
    importance: 'HIGH',
    group: 'Common',
    displayName: 'Tasks max',
    orderInGroup: 4,
    width: 'SHORT',
    default: 1,
    min: 1,
  }),
  'tasks.max.enforce': key.boolean({
    doc: 'Whether a connector fails that makes more tasks than `tasks.max`; false lets them run. Deprecated, as in Kafka Connect.',
    importance: 'LOW',
    group: 'Common',
    displayName: 'Enforce tasks max',
    orderInGroup: 5,
    width: 'SHORT',
    default: true,
  }),
  'key.converter': key.plugin({
    doc: 'Converter between the bytes of keys in Kafka and data. Default: the worker’s.',
    importance: 'LOW',
    group: 'Common',
    displayName: 'Key converter class',
    orderInGroup: 6,
    width: 'SHORT',
    optional: true,
  }),
  'key.converter.plugin.version': versionOf('key', 7),
  'value.converter': key.plugin({
    doc: 'Converter between the bytes of values in Kafka and data. Default: the worker’s.',
    importance: 'LOW',
    group: 'Common',
    displayName: 'Value converter class',
    orderInGroup: 8,
    width: 'SHORT',
    optional: true,
  }),
  'value.converter.plugin.version': versionOf('value', 9),
  'header.converter': key.plugin({
    doc: 'Converter of headers. They travel as bytes, so that those are accepted alone that keep them: SimpleHeaderConverter, StringConverter and ByteArrayConverter.',
    importance: 'LOW',
    group: 'Common',
    displayName: 'Header converter class',
    orderInGroup: 10,
    width: 'SHORT',
    optional: true,
  }),
  'header.converter.plugin.version': versionOf('header', 11),
  transforms: key.list({
    doc: 'Aliases for the transformations to be applied to records, in this order.',
    importance: 'LOW',
    group: 'Transforms',
    displayName: 'Transforms',
    orderInGroup: 12,
    width: 'LONG',
    default: [],
    check: checkAliases,
  }),
  predicates: key.list({
    doc: 'Aliases for the predicates that transformations name in `transforms.<alias>.predicate`.',
    importance: 'LOW',
    group: 'Predicates',
    displayName: 'Predicates',
    orderInGroup: 13,
    width: 'LONG',
    default: [],
    check: checkAliases,
  }),
  'config.action.reload': key.string({
    doc: 'What Connect does when a value of a config provider runs out: restart or none. Those of the providers here never do; a restart of the connector reads them anew.',
    importance: 'LOW',
    group: 'Common',
    displayName: 'Reload Action',
    orderInGroup: 14,
    default: 'restart',
    check: oneOf('none', 'restart'),
  }),
  'errors.retry.timeout': key.long({
    doc: 'How long, in milliseconds, a failed operation is tried again; 0 not at all, −1 (or less) without end. Only errors that are known to pass are retried.',
    importance: 'MEDIUM',
    group: 'Error Handling',
    displayName: 'Retry Timeout for Errors',
    orderInGroup: 1,
    default: 0,
  }),
  'errors.retry.delay.max.ms': key.long({
    doc: 'The longest pause, in milliseconds, between two tries.',
    importance: 'MEDIUM',
    group: 'Error Handling',
    displayName: 'Maximum Delay Between Retries for Errors',
    orderInGroup: 2,
    default: 60_000,
  }),
  'errors.tolerance': key.string({
    doc: '`none`: a bad record fails its task. `all`: bad records are skipped, and become dead letters where a topic for them is set.',
    importance: 'MEDIUM',
    group: 'Error Handling',
    displayName: 'Error Tolerance',
    orderInGroup: 3,
    width: 'SHORT',
    default: 'none',
    check: oneOf('none', 'all'),
  }),
  'errors.log.enable': key.boolean({
    doc: 'Log each bad record with its place and the error.',
    importance: 'MEDIUM',
    group: 'Error Handling',
    displayName: 'Log Errors',
    orderInGroup: 4,
    width: 'SHORT',
    default: false,
  }),
  'errors.log.include.messages': key.boolean({
    doc: 'Add the source topic, partition, offset and timestamp of the bad record to its log line; never its content.',
    importance: 'MEDIUM',
    group: 'Error Handling',
    displayName: 'Log Error Details',
    orderInGroup: 5,
    width: 'SHORT',
    default: false,
  }),
})

/** Whether a task that failed starts again by itself. Kafka Connect has nothing of the kind. */
export const restartKeys = defineConfig({
  'tasks.restart.max': key.int({
    doc: 'How often in a row a task that failed starts again by itself; 0 not at all, −1 without end. A task that ran for five minutes counts anew.',
    importance: 'LOW',
    group: 'Error Handling',
    displayName: 'Restarts of failed tasks',
    default: 0,
    min: -1,
  }),
  'tasks.restart.backoff.ms': key.long({
    doc: 'How long, in milliseconds, a failed task waits for its first restart; before each further one in a row twice as long.',
    importance: 'LOW',
    group: 'Error Handling',
    displayName: 'Pause before the first restart',
    default: 1_000,
    min: 1,
  }),
  'tasks.restart.backoff.max.ms': key.long({
    doc: 'The longest pause, in milliseconds, before such a restart.',
    importance: 'LOW',
    group: 'Error Handling',
    displayName: 'Longest pause before a restart',
    default: 300_000,
    min: 1,
  }),
})

/** Where records go that failed: sinks and sources have it alike. */
export const deadLetterKeys = defineConfig({
  'errors.deadletterqueue.topic.name': key.string({
    doc: 'The topic for records that failed; none where empty. It is created where missing.',
    importance: 'MEDIUM',
    group: 'Error Handling',
    displayName: 'Dead Letter Queue Topic Name',
    orderInGroup: 6,
    default: '',
    check: (value) => (value === '' || isTopicName(value) ? undefined : 'Not a topic name'),
  }),
  'errors.deadletterqueue.topic.replication.factor': key.short({
    doc: 'Replication factor of a dead letter topic that is created; −1 takes the broker’s default (Kafka Connect’s own default is 3).',
    importance: 'MEDIUM',
    group: 'Error Handling',
    displayName: 'Dead Letter Queue Topic Replication Factor',
    orderInGroup: 7,
    default: -1,
    check: (value) => (value === -1 || value >= 1 ? undefined : 'Value must be -1 or at least 1'),
  }),
  'errors.deadletterqueue.context.headers.enable': key.boolean({
    doc: 'Add headers __connect.errors.* to dead letters that say where the record came from and what was wrong.',
    importance: 'MEDIUM',
    group: 'Error Handling',
    displayName: 'Enable Error Context Headers',
    orderInGroup: 8,
    default: false,
  }),
})

export const sinkKeys = defineConfig({
  topics: key.list({
    doc: 'Topics to consume, separated by commas.',
    importance: 'HIGH',
    group: 'Common',
    displayName: 'Topics',
    orderInGroup: 4,
    width: 'LONG',
    default: [],
    check: (value) => {
      const wrong = value.find((topic) => topic !== '' && !isTopicName(topic))
      return wrong === undefined ? undefined : `"${wrong}" is not a topic name`
    },
  }),
  'topics.regex': key.string({
    doc: 'A regular expression that names the topics to consume. Give either topics or topics.regex.',
    importance: 'HIGH',
    group: 'Common',
    displayName: 'Topics regex',
    orderInGroup: 4,
    width: 'LONG',
    default: '',
  }),
  ...deadLetterKeys.keys,
  ...sinkTransactionKeys.keys,
  'consumer.override.auto.offset.reset': key.string({
    doc: 'Where a sink starts that has no committed offset: earliest, latest, none (it fails), or by_duration:PT1H, at what was written since then.',
    importance: 'LOW',
    group: 'Common',
    displayName: 'Start',
    default: 'earliest',
    recommended: ['earliest', 'latest', 'none'],
    check: checkOffsetReset,
  }),
  'consumer.override.isolation.level': key.string({
    doc: 'Whether records of open and aborted transactions are read.',
    importance: 'LOW',
    group: 'Common',
    displayName: 'Isolation',
    default: 'read_committed',
    recommended: ['read_committed', 'read_uncommitted'],
    check: oneOf('read_committed', 'read_uncommitted'),
  }),
})

/** What every transform understands besides its own keys, below `transforms.<alias>.`. */
export const conditionKeys = defineConfig({
  predicate: key.string({
    doc: 'The alias of a predicate: the transformation is applied to records that match, and others pass as they are.',
    importance: 'MEDIUM',
    optional: true,
  }),
  negate: key.boolean({
    doc: 'Whether the transformation is applied to the records that do not match its predicate instead.',
    importance: 'MEDIUM',
    default: false,
  }),
})

function oneOf(...allowed: readonly string[]) {
  return (value: string): string | undefined =>
    allowed.includes(value) ? undefined : `String must be one of: ${allowed.join(', ')}`
}

export type CommonConfig = ConfigOf<typeof commonKeys.keys>
export type SinkConfig = ConfigOf<typeof sinkKeys.keys>
export type DeadLetterConfig = ConfigOf<typeof deadLetterKeys.keys>

/** Three times as many bytes, each of three characters, fit into the first line of a request. */
const LONGEST_NAME = 1000

/** What is wrong with a connector's name: one that is a part of a path, as clients write paths, can be addressed. */
export function checkConnectorName(name: string): string | undefined {
  if (name === '') return 'String may not be empty'
  if (name.length > LONGEST_NAME) return `must be at most ${LONGEST_NAME} characters long`
  const controls = Array.from(name.matchAll(/\p{Cc}/gu), ([c]) => c.charCodeAt(0))
  if (controls.length > 0)
    return `String may not contain control sequences but had the following ASCII chars: ${controls.join(', ')}`
  if (name === '.' || name === '..') return 'must not be "." or "..", which clients take out of a path'
  if (!name.isWellFormed()) return 'must not contain half a surrogate pair'
  return name.includes('/') ? 'must not contain "/"' : undefined
}

function versionOf(what: 'key' | 'value' | 'header', orderInGroup: number) {
  return key.string({
    doc: `Version of the ${what} converter that the connector names: as that of the connector.`,
    importance: 'LOW',
    group: 'Common',
    displayName: `${what.charAt(0).toUpperCase()}${what.slice(1)} converter version`,
    orderInGroup,
    width: 'SHORT',
    optional: true,
  })
}

function checkAliases(aliases: readonly string[]): string | undefined {
  const twice = aliases.find((alias, i) => aliases.indexOf(alias) !== i)
  if (twice !== undefined) return 'Duplicate alias provided.'
  const wrong = aliases.find((alias) => !/^[A-Za-z0-9_-]+$/.test(alias))
  return wrong === undefined ? undefined : `"${wrong}" is not an alias: use letters, digits, "_" and "-"`
}
