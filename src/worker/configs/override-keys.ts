import { defineConfig, key } from '../../api/config.ts'
import { readStrategy } from '../../kafka/groups/assignors/strategy.ts'

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
  'consumer.override.partition.assignment.strategy': key.string({
    ...tuning,
    doc:
      'How partitions are shared out among the tasks: range, roundrobin, sticky, cooperative-sticky, or Java’s names of them; ' +
      'several, separated by commas, while a group changes from one to another. Default: range,cooperative-sticky.',
    displayName: 'Partition assignment',
    recommended: ['range', 'roundrobin', 'sticky', 'cooperative-sticky'],
    check: (value) => {
      const read = readStrategy(value)
      return 'problem' in read ? read.problem : undefined
    },
  }),
  'consumer.override.group.instance.id': key.string({
    ...tuning,
    doc:
      'Makes the tasks static members of the group, by the ids <this>-<task>: one that comes back within session.timeout.ms ' +
      'has its partitions again, and the others go on meanwhile. Default: they are dynamic members.',
    displayName: 'Group instance',
    check: (value) =>
      /^[A-Za-z0-9._-]{1,240}$/.test(value)
        ? undefined
        : 'Not a group instance id: use 1 to 240 letters, digits, ".", "_" and "-"',
  }),
})
