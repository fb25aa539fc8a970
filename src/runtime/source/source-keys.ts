import { type ConfigOf, defineConfig, key, type RawConfig } from '../../api/config.ts'
import type { ConfigProblem } from '../../api/errors.ts'
import { COMPRESSIONS } from '../../kafka/record-batches/compression.ts'
import { deadLetterKeys } from '../plugins/connector-keys.ts'
import { anyCase, BOUNDARY, INTERVAL, SUPPORT } from '../plugins/transaction-keys.ts'
import { isTopicName } from '../delivery/written-topics.ts'

const oneOf =
  (...allowed: readonly string[]) =>
  (value: string): string | undefined =>
    allowed.includes(value) ? undefined : `String must be one of: ${allowed.join(', ')}`

const tuning = { importance: 'LOW', group: 'Common', optional: true } as const

/** Settings of Kafka's own producer that have no counterpart here: name, and why. */
const PRODUCER_TUNING: Readonly<Record<string, string>> = {
  'linger.ms': 'What a poll brought is sent as soon as it went through the transforms.',
  'batch.size': 'A batch holds what a poll brought for a partition, up to the topic’s max.message.bytes.',
  'buffer.memory': 'What is on its way is bounded by polls and records.',
  'max.in.flight.requests.per.connection': 'One request of a partition is on its way at a time.',
  retries: 'A record is tried until producer.override.delivery.timeout.ms is over.',
}

/** Accepted, so that a configuration of Kafka Connect runs as it is, and logged. */
export const ignoredSourceKeys = defineConfig(
  Object.fromEntries(
    Object.entries(PRODUCER_TUNING).map(([name, ignored]) => [
      `producer.override.${name}`,
      key.string({ ...tuning, doc: `Accepted, and has no effect. ${ignored}`, displayName: name, ignored }),
    ]),
  ),
)

/** The framework's keys of a source, with Kafka Connect's names and groups; `topic.creation.*` are in `topic-groups.ts`. */
export const sourceKeys = defineConfig({
  'topic.creation.groups': key.list({
    doc: 'Names of groups of topics, each with settings of its own below `topic.creation.<group>.`, for topics that are created. The group `default` is always there.',
    importance: 'LOW',
    group: 'Topic Creation',
    displayName: 'Topic Creation Groups',
    orderInGroup: 1,
    width: 'LONG',
    default: [],
    check: checkGroups,
  }),
  'exactly.once.support': key.string({
    doc: '`required`: the connector is refused unless the worker has `exactly.once.source.support=enabled` and the source says that it delivers exactly once. `requested`: as far as it can.',
    ...SUPPORT,
    check: anyCase('REQUIRED', 'REQUESTED'),
  }),
  'transaction.boundary': key.string({
    doc: 'Where transactions end, on a worker with `exactly.once.source.support=enabled`: after each `poll`, after an `interval`, or where the `connector` says.',
    ...BOUNDARY,
    default: 'poll',
    check: anyCase('INTERVAL', 'POLL', 'CONNECTOR'),
  }),
  'transaction.boundary.interval.ms': key.long({
    doc: 'How often transactions end with `transaction.boundary=interval`, in milliseconds. Default: the worker’s `offset.flush.interval.ms`.',
    ...INTERVAL,
    check: (value) => (value >= 0 ? undefined : 'Value must be at least 0'),
  }),
  'offsets.storage.topic': key.string({
    doc: 'A topic of its own for the offsets of this source, which is created where it is missing. Offsets are written to it and to the workers’ offset topic, and read from it first.',
    importance: 'LOW',
    group: 'offsets.topic',
    displayName: 'Offsets topic',
    orderInGroup: 1,
    width: 'LONG',
    optional: true,
    check: (value) => {
      if (value === '') return 'String must be non-empty'
      return isTopicName(value) ? undefined : 'Not a topic name'
    },
  }),
  'producer.override.compression.type': key.string({
    ...tuning,
    doc: `How records are compressed: ${COMPRESSIONS.join(', ')}. Default: none.`,
    displayName: 'Compression',
    recommended: COMPRESSIONS,
    check: oneOf(...COMPRESSIONS),
  }),
  'producer.override.transaction.timeout.ms': key.int({
    ...tuning,
    doc: 'How long, in milliseconds, a transaction may stay open before Kafka aborts it, and its task fails.',
    displayName: 'Transaction timeout',
    default: 60_000,
    min: 1000,
  }),
  'producer.override.delivery.timeout.ms': key.int({
    ...tuning,
    doc: 'For how long a record is tried before its task fails. Default: without end, as in Kafka Connect.',
    displayName: 'Delivery timeout',
    check: (value) => (value >= 1 ? undefined : 'Value must be at least 1'),
  }),
  'producer.override.acks': key.string({
    ...tuning,
    doc: 'Which replicas must have a record: always all.',
    displayName: 'Acks',
    ignored: 'Records are always written with acks=all.',
    check: oneOf('all', '-1', '0', '1'),
  }),
  'producer.override.enable.idempotence': key.boolean({
    ...tuning,
    doc: 'Whether a record that is sent twice is written once: always true.',
    displayName: 'Idempotence',
    ignored: 'The producer is always idempotent.',
  }),
  ...deadLetterKeys.keys,
})

/** What a source says of its transactions, with a configuration. */
interface TransactionAbility {
  /** Undefined where it does not say. */
  readonly exactlyOnce: boolean | undefined
  readonly definesTransactions: boolean
}

/** What a source asks for, in values that are right, and the worker or the source does not give; in Kafka Connect's words. */
export function transactionProblems(
  raw: RawConfig,
  { transactionalSources }: { readonly transactionalSources: boolean },
  ability: () => TransactionAbility,
): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  const refuse = (path: string, message: string) => problems.push({ path, message })
  const asks = (path: string) => raw[path]?.trim().toLowerCase()
  if (asks('exactly.once.support') === 'required') {
    const path = 'exactly.once.support'
    const { exactlyOnce } = ability()
    if (!transactionalSources) refuse(path, 'This worker does not have exactly-once source support enabled.')
    else if (exactlyOnce === undefined)
      refuse(
        path,
        'The connector does not implement the API required for preflight validation of exactly-once source support. Please consult the documentation for the connector to determine whether it supports exactly-once semantics, and then consider reconfiguring the connector to use the value "requested" for this property (which will disable this preflight check and allow the connector to be created).',
      )
    else if (!exactlyOnce)
      refuse(path, 'The connector does not support exactly-once semantics with the provided configuration.')
  }
  if (asks('transaction.boundary') === 'connector' && !ability().definesTransactions)
    refuse(
      'transaction.boundary',
      'The connector does not support connector-defined transaction boundaries with the given configuration. Please reconfigure it to use a different transaction boundary definition.',
    )
  return problems
}

export type SourceConfig = ConfigOf<typeof sourceKeys.keys>

function checkGroups(groups: readonly string[]): string | undefined {
  const twice = groups.find((group, i) => groups.indexOf(group) !== i)
  if (twice !== undefined) return 'Duplicate alias provided.'
  const wrong = groups.find((group) => !/^[A-Za-z0-9_-]+$/.test(group))
  return wrong === undefined ? undefined : `"${wrong}" is not an alias: use letters, digits, "_" and "-"`
}
