import { ConnectError, messageOf } from '../../api/errors.ts'
import type { FromHost, OffsetText, ToHost } from '../../runtime/host/protocol.ts'

/** What keeps the offsets of a standalone worker; an OffsetFile. */
export interface OffsetKeeper {
  records(connector: string): readonly OffsetText[]
  write(offsets: readonly OffsetText[]): Promise<void>
}

/** Answers a task host that asks for offsets, or hands some over. */
export async function answerOffsets(
  keeper: OffsetKeeper,
  message: Extract<FromHost, { type: 'readOffsets' | 'writeOffsets' }>,
): Promise<ToHost> {
  const { call, id } = message
  if (message.type === 'readOffsets') return { type: 'offsets', call, offsets: keeper.records(id.connector) }
  try {
    await keeper.write(message.offsets)
    return { type: 'offsets', call, offsets: [] }
  } catch (error) {
    const retriable = error instanceof ConnectError && error.retriable
    return { type: 'offsets', call, offsets: [], problem: { message: messageOf(error), retriable } }
  }
}
