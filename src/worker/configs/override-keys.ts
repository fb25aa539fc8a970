import { defineConfig, key, type RawConfig } from '../../api/config.ts'
import type { ConfigProblem } from '../../api/errors.ts'
import { sinkKeys } from '../../runtime/plugins/connector-keys.ts'
import { ignoredSourceKeys, sourceKeys } from '../../runtime/source/source-keys.ts'

const positive = (value: number): string | undefined => (value >= 1 ? undefined : 'Value must be at least 1')
const tuning = { importance: 'LOW', group: 'Common', optional: true } as const

/**
 * Settings of a sink's own consumer that a connector may override, besides those in `runtime/plugins/connector-keys.ts`. It
 * is an allow-list (as Kafka's Allowlist policy): nothing that names servers, files, credentials or classes is on it.
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

const OVERRIDE = /^(consumer|producer|admin)\.override\./
const ALLOWED = {
  sink: [...Object.keys(sinkKeys.keys), ...Object.keys(overrideKeys.keys)].filter((name) =>
    OVERRIDE.test(name),
  ),
  source: [...Object.keys(sourceKeys.keys), ...Object.keys(ignoredSourceKeys.keys)].filter((name) =>
    OVERRIDE.test(name),
  ),
} as const

/** Overrides that are not on the list of a kind, each with a problem. Their values are never shown. */
export function refusedOverrides(raw: RawConfig, kind: 'sink' | 'source'): ConfigProblem[] {
  const allowed: readonly string[] = ALLOWED[kind]
  return Object.keys(raw)
    .filter((name) => OVERRIDE.test(name) && !allowed.includes(name))
    .map((path) => ({
      path,
      message: `${path} may not be overridden by a ${kind}. Allowed are: ${allowed.join(', ')}.`,
    }))
}
