import type { TaskOptions } from '../host/open-task.ts'
import { transactionalIdOf } from '../host/protocol.ts'
import type { SourceConfig } from './source-keys.ts'
import { BoundaryRequests, type TransactionBoundary } from './transaction-boundary.ts'

/** How a source task writes in transactions. */
export interface TransactionalSource {
  readonly transactionalId: string
  readonly timeoutMs: number
  readonly boundary: TransactionBoundary
}

/** Null where the worker's sources deliver at least once. */
export function transactionalSource(
  { id, settings }: Pick<TaskOptions, 'id' | 'settings'>,
  config: SourceConfig,
): TransactionalSource | null {
  if (!settings.transactionalSources) return null
  return {
    transactionalId: transactionalIdOf(settings.transactionalIdPrefix, id),
    timeoutMs: config['producer.override.transaction.timeout.ms'] ?? 60_000,
    boundary: boundaryOf(config, settings.offsetFlushIntervalMs),
  }
}

function boundaryOf(config: SourceConfig, flushIntervalMs: number): TransactionBoundary {
  const kind = config['transaction.boundary'].toLowerCase()
  if (kind === 'connector') return { kind, requests: new BoundaryRequests() }
  if (kind === 'interval') return { kind, ms: config['transaction.boundary.interval.ms'] ?? flushIntervalMs }
  return { kind: 'poll' }
}
