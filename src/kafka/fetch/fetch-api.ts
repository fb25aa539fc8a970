import { type API, createAPI, type Reader, Writer } from '@platformatic/kafka'
import type { FetchedPartition } from '../record-batches/record-batch-decode.ts'

export interface FetchRequest {
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly readCommitted: boolean
  readonly partitions: readonly FetchPosition[]
}

export interface FetchPosition {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly maxBytes: number
  /** Which topic of that name; null where the broker gives topics no ids. */
  readonly topicId: string | null
}

export interface PartitionAnswer extends FetchedPartition {
  readonly error: number
  /** One past the last record that is replicated; −1 with an error. */
  readonly highWatermark: bigint
  /** One past the last record before the first open transaction; −1 where the broker does not say. */
  readonly lastStableOffset: bigint
}

export interface FetchResponse {
  readonly error: number
  readonly partitions: readonly PartitionAnswer[]
}

type FetchApi = API<[request: FetchRequest], FetchResponse>

/**
 * Fetch, version 12: the last that names topics, for brokers before 3.1 and topics without an id; no fetch session. A
 * partition's record batches stay undecoded, in one buffer.
 */
export const fetchV12: FetchApi = createAPI(
  1,
  12,
  (request: FetchRequest) => writeRequest(request, false),
  readByName,
)

/**
 * Version 13 asks by topic id: a topic that was deleted and created again is not taken for the one that was read before.
 * An answer's `topic` is the id.
 */
export const fetchV13: FetchApi = createAPI(
  1,
  13,
  (request: FetchRequest) => writeRequest(request, true),
  readById,
)

function writeRequest(request: FetchRequest, byId: boolean): Writer {
  return Writer.create()
    .appendInt32(-1)
    .appendInt32(request.maxWaitMs)
    .appendInt32(request.minBytes)
    .appendInt32(request.maxBytes)
    .appendInt8(request.readCommitted ? 1 : 0)
    .appendInt32(0)
    .appendInt32(-1)
    .appendArray(byTopic(request.partitions), (w, [topic, partitions]) =>
      (byId ? w.appendUUID(partitions[0]!.topicId) : w.appendString(topic)).appendArray(
        partitions,
        (w, { partition, offset, maxBytes }) =>
          w
            .appendInt32(partition)
            .appendInt32(-1)
            .appendInt64(offset)
            .appendInt32(-1)
            .appendInt64(-1n)
            .appendInt32(maxBytes),
      ),
    )
    .appendArray([], () => undefined)
    .appendString('')
    .appendTaggedFields()
}

function byTopic(positions: readonly FetchPosition[]): [string, FetchPosition[]][] {
  return [...Map.groupBy(positions, (p) => p.topic)]
}

function readByName(_id: number, _key: number, _version: number, r: Reader): FetchResponse {
  return readResponse(r, () => r.readString())
}

function readById(_id: number, _key: number, _version: number, r: Reader): FetchResponse {
  return readResponse(r, () => r.readUUID())
}

function readResponse(r: Reader, readTopic: () => string): FetchResponse {
  r.readInt32()
  const error = r.readInt16()
  r.readInt32()
  const topics = r.readArray((r) => {
    const topic = readTopic()
    return r.readArray((r) => readPartition(r, topic))
  })
  return { error, partitions: topics.flat() }
}

function readPartition(r: Reader, topic: string): PartitionAnswer {
  const partition = r.readInt32()
  const error = r.readInt16()
  const highWatermark = r.readInt64()
  const lastStableOffset = r.readInt64()
  r.readInt64()
  const head = { topic, partition, error, highWatermark, lastStableOffset }
  const aborted =
    r.readNullableArray((r) => ({ producerId: r.readInt64(), firstOffset: r.readInt64() })) ?? []
  r.readInt32()
  const length = r.readUnsignedVarInt() - 1
  const start = r.position
  if (length <= 0) return { ...head, aborted, bytes: Buffer.alloc(0) }
  r.skip(length)
  return { ...head, aborted, bytes: r.buffer.slice(start, start + length) }
}

/** Answers by topic id, under the names that were asked for. */
export function named(
  answers: readonly PartitionAnswer[],
  asked: readonly FetchPosition[],
): readonly PartitionAnswer[] {
  const names = new Map(asked.map(({ topicId, topic }) => [topicId, topic]))
  return answers.map((answer) => ({ ...answer, topic: names.get(answer.topic) ?? '' }))
}
