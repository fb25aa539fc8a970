import type { EncodedRows } from '../../api/converter.ts'
import type { OutgoingRows } from '../produce/produce.ts'

/** A record of a compacted topic: null deletes its key. */
interface Keyed {
  readonly key: Buffer
  readonly value: Buffer | null
}

/** A record on its way into a compacted log. */
export interface Append extends Keyed {
  readonly partition: number
  readonly until: number
  resolve(): void
  reject(error: Error): void
}

/** A varint count of zero headers. */
const NO_HEADERS: EncodedRows = {
  size: () => 1,
  write: (_row, target, at) => {
    target[at] = 0
    return at + 1
  },
}

/** Records as what a producer takes, all with the present time. */
export function keyedRows(appends: readonly Keyed[]): OutgoingRows {
  return {
    rows: Int32Array.from(appends.keys()),
    keys: encoded(appends, ({ key }) => key),
    values: encoded(appends, ({ value }) => value),
    headers: NO_HEADERS,
    baseTimestamp: BigInt(Date.now()),
    timestampDelta: () => 0,
  }
}

function encoded(appends: readonly Keyed[], bytesOf: (append: Keyed) => Buffer | null): EncodedRows {
  return {
    size: (row) => bytesOf(appends[row]!)?.length ?? -1,
    write: (row, target, at) => at + (bytesOf(appends[row]!)?.copy(target, at) ?? 0),
  }
}
