import { defineConfig, key } from '../../api/config.ts'

const positive = (value: number): string | undefined => (value >= 1 ? undefined : 'Value must be at least 1')
const tuning = { importance: 'LOW', group: 'Common', optional: true } as const

/**
 * Settings of a sink's own consumer that do something where a connector overrides them, besides those in
 * `runtime/plugins/connector-keys.ts`. What may be overridden is the policy's (`override-policy.ts`).
 */
export const overrideKeys = defineConfig({
  'consumer.override.group.id': key.string({
    ...tuning,
    doc: 'The consumer group of this sink. Default: connect-<name>.',
    displayName: 'Group',
    check: (value) => (value !== '' && value.length <= 249 ? undefined : 'Not a group id'),
  }),
  'consumer.override.session.timeout.ms': key.int({
    ...tuning,
    doc: 'A task that is not heard of for this long loses its partitions. Default: the worker’s.',
    displayName: 'Session timeout',
    check: positive,
  }),
  'consumer.override.metadata.max.age.ms': key.int({
    ...tuning,
    doc: 'How often topics and partitions are looked up anew. Default: the worker’s.',
    displayName: 'Metadata age',
    check: (value) => (value >= 100 ? undefined : 'Value must be at least 100'),
  }),
})
