import type { Logger } from '../../api/log.ts'
import type { OffsetReset } from './offset-reset.ts'

export interface FetcherOptions {
  readonly isolation: 'read_committed' | 'read_uncommitted'
  /** Where to begin without an offset, or with one that the log no longer has. `none` fails. */
  readonly reset: OffsetReset
  readonly log: Logger
  /** How long a broker, and `next`, may wait for records. Default 500. */
  readonly maxWaitMs?: number
  /** How many bytes a broker waits for. Default 1. */
  readonly minBytes?: number
  /** The most that one broker answers with. Default 16 MiB. */
  readonly maxBytes?: number
  /** The most per partition. Default 1 MiB. A batch that is larger comes all the same. */
  readonly maxPartitionBytes?: number
  /** The most that the compressed batches of one partition and fetch may inflate to. Default 64 MiB. */
  readonly maxInflatedBytes?: number
  /** The name of its connections; no two fetchers of a client share one. Default: a number. */
  readonly purpose?: string
}
