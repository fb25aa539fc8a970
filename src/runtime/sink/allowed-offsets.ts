import type { Logger } from '../../api/log.ts'
import type { PartitionOffset as Offset } from '../../api/plugins.ts'
import type { PartitionOffset } from './positions.ts'

/**
 * Invariant 1: of the offsets that may be committed, what a sink allows. One that is higher than what was put, or of a
 * partition that was not asked about, is ignored with a warning, as in Kafka Connect.
 */
export function allowedOffsets(
  asked: readonly PartitionOffset[],
  allowed: readonly Offset[],
  log: Logger,
): readonly PartitionOffset[] {
  if (allowed === asked) return asked
  return allowed.flatMap(({ topic, partition, offset }) => {
    const known = asked.find((each) => each.topic === topic && each.partition === partition)
    if (known !== undefined && offset <= known.offset) return [{ ...known, offset }]
    const why = known === undefined ? 'nothing of that partition was to be committed' : 'it was not put yet'
    log.warn('ignoring an offset that the sink gave for a commit', {
      ...{ topic, partition, offset: String(offset), why },
    })
    return []
  })
}
