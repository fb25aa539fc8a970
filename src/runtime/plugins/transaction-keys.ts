import { defineConfig, key } from '../../api/config.ts'

/** Transactions of sinks that write to Kafka alone; the names are those of sources (KIP-618). */
export const sinkTransactionKeys = defineConfig({
  'exactly.once.support': key.string({
    doc: '`required`: records that are written, dead letters and offsets are one transaction, so that readers of committed records see each exactly once; refused where the sink writes elsewhere than to Kafka. `requested`: as is the default, at least once.',
    importance: 'MEDIUM',
    group: 'Exactly Once Support',
    displayName: 'Exactly once support',
    orderInGroup: 2,
    width: 'SHORT',
    default: 'requested',
    recommended: ['requested', 'required'],
    check: anyCase('REQUIRED', 'REQUESTED'),
  }),
  'transaction.boundary': key.string({
    doc: 'Where transactions end: with `interval` after `transaction.boundary.interval.ms`, with `poll` after each fetch.',
    importance: 'MEDIUM',
    group: 'Exactly Once Support',
    displayName: 'Transaction Boundary',
    orderInGroup: 3,
    width: 'SHORT',
    default: 'interval',
    recommended: ['interval', 'poll'],
    check: anyCase('INTERVAL', 'POLL'),
  }),
  'transaction.boundary.interval.ms': key.long({
    doc: 'How often transactions end with `transaction.boundary=interval`, in milliseconds; readers see records that much later. Default: the worker’s `offset.flush.interval.ms`.',
    importance: 'LOW',
    group: 'Exactly Once Support',
    displayName: 'Transaction boundary interval',
    orderInGroup: 4,
    width: 'SHORT',
    optional: true,
    min: 0,
  }),
  'producer.override.transaction.timeout.ms': key.int({
    doc: 'How long, in milliseconds, a transaction may stay open before Kafka aborts it: readers of committed records wait that long where a task host was lost for good.',
    importance: 'LOW',
    group: 'Exactly Once Support',
    displayName: 'Transaction timeout',
    default: 60_000,
    min: 1000,
  }),
})

/** As Kafka Connect reads an enumeration. */
export function anyCase(...allowed: readonly string[]) {
  return (value: string): string | undefined =>
    allowed.includes(value.toUpperCase())
      ? undefined
      : `String must be one of (case insensitive): ${allowed.join(', ')}`
}
