import { defineConfig, key } from '../../api/config.ts'

const shown = { group: 'Exactly Once Support', width: 'SHORT' } as const

/** What the keys of sinks and of sources have in common (KIP-618). */
export const SUPPORT = {
  ...shown,
  importance: 'MEDIUM',
  displayName: 'Exactly once support',
  orderInGroup: 2,
  default: 'requested',
} as const
export const BOUNDARY = {
  ...shown,
  importance: 'MEDIUM',
  displayName: 'Transaction Boundary',
  orderInGroup: 3,
} as const
export const INTERVAL = {
  ...shown,
  importance: 'LOW',
  displayName: 'Transaction boundary interval',
  orderInGroup: 4,
  optional: true,
} as const

/** Transactions of sinks that write to Kafka alone; the names are those of sources (KIP-618). */
export const sinkTransactionKeys = defineConfig({
  'exactly.once.support': key.string({
    doc: '`required`: records that are written, dead letters and offsets are one transaction, so that readers of committed records see each exactly once; refused where the sink writes elsewhere than to Kafka. `requested`: as is the default, at least once.',
    ...SUPPORT,
    recommended: ['requested', 'required'],
    check: anyCase('REQUIRED', 'REQUESTED'),
  }),
  'transaction.boundary': key.string({
    doc: 'Where transactions end: with `interval` after `transaction.boundary.interval.ms`, with `poll` after each fetch.',
    ...BOUNDARY,
    default: 'interval',
    recommended: ['interval', 'poll'],
    check: anyCase('INTERVAL', 'POLL'),
  }),
  'transaction.boundary.interval.ms': key.long({
    doc: 'How often transactions end with `transaction.boundary=interval`, in milliseconds; readers see records that much later. Default: the worker’s `offset.flush.interval.ms`.',
    ...INTERVAL,
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
