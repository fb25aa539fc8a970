import { type API, createAPI, type Reader, Writer } from '@platformatic/kafka'
import type { ProducerIdentity } from '../produce/produce-lane.ts'

/** Who asks. */
export interface TransactionalIdentity extends ProducerIdentity {
  readonly transactionalId: string
}

export interface InitAnswer extends ProducerIdentity {
  readonly error: number
}

/**
 * InitProducerId, version 4: with `former`, a new epoch of the producer that asks, which is refused where another one has the
 * transactional id (KIP-360); else it is taken from whoever has it.
 */
export const initProducerId = createAPI(
  22,
  4,
  (transactionalId: string, timeoutMs: number, former: ProducerIdentity | null) =>
    Writer.create()
      .appendString(transactionalId)
      .appendInt32(timeoutMs)
      .appendInt64(former?.producerId ?? -1n)
      .appendInt16(former?.producerEpoch ?? -1)
      .appendTaggedFields(),
  (_id, _key, _version, r): InitAnswer => {
    r.readInt32()
    return { error: r.readInt16(), producerId: r.readInt64(), producerEpoch: r.readInt16() }
  },
)

export interface PartitionError {
  readonly topic: string
  readonly partition: number
  readonly error: number
}

/** AddPartitionsToTxn, version 3: the last for clients. */
export const addPartitions = createAPI(
  24,
  3,
  (who: TransactionalIdentity, partitions: readonly { topic: string; partition: number }[]) =>
    writeIdentity(Writer.create(), who)
      .appendArray([...Map.groupBy(partitions, ({ topic }) => topic)], (w, [topic, ofTopic]) =>
        w
          .appendString(topic)
          .appendArray(ofTopic, (w, { partition }) => w.appendInt32(partition), true, false),
      )
      .appendTaggedFields(),
  (_id, _key, _version, r) => readPartitionErrors(r),
)

/** AddOffsetsToTxn, version 3. */
export const addOffsets = createAPI(
  25,
  3,
  (who: TransactionalIdentity, groupId: string) =>
    writeIdentity(Writer.create(), who).appendString(groupId).appendTaggedFields(),
  (_id, _key, _version, r) => {
    r.readInt32()
    return r.readInt16()
  },
)

export interface EndAnswer {
  readonly error: number
  /** Who the producer is from now on: from version 5 on (KIP-890). */
  readonly next: ProducerIdentity | null
}

type EndApi = API<[who: TransactionalIdentity, commit: boolean], EndAnswer>

/** EndTxn; from version 5 on the producer has a new epoch afterwards, or another id where there are no more epochs. */
function endApi(version: number): EndApi {
  return createAPI(
    26,
    version,
    (who: TransactionalIdentity, commit: boolean) =>
      writeIdentity(Writer.create(), who).appendBoolean(commit).appendTaggedFields(),
    (_id, _key, _version, r): EndAnswer => {
      r.readInt32()
      const error = r.readInt16()
      if (version < 5 || error !== 0) return { error, next: null }
      return { error, next: { producerId: r.readInt64(), producerEpoch: r.readInt16() } }
    },
  )
}

export interface OffsetsOfMember {
  readonly groupId: string
  readonly memberId: string
  readonly generation: number
  readonly groupInstanceId: string | null
  readonly offsets: readonly {
    readonly topic: string
    readonly partition: number
    readonly offset: bigint
    readonly metadata: string
  }[]
}

const UNKNOWN_LEADER_EPOCH = -1

type CommitOffsetsApi = API<[who: TransactionalIdentity, commit: OffsetsOfMember], PartitionError[]>

/** TxnOffsetCommit; with a member and its generation from version 3 on (KIP-447), with no AddOffsetsToTxn before it from 5 on. */
function commitOffsetsApi(version: number): CommitOffsetsApi {
  return createAPI(
    28,
    version,
    ({ transactionalId, producerId, producerEpoch }: TransactionalIdentity, commit: OffsetsOfMember) =>
      Writer.create()
        .appendString(transactionalId)
        .appendString(commit.groupId)
        .appendInt64(producerId)
        .appendInt16(producerEpoch)
        .appendInt32(commit.generation)
        .appendString(commit.memberId)
        .appendString(commit.groupInstanceId)
        .appendArray([...Map.groupBy(commit.offsets, ({ topic }) => topic)], (w, [topic, ofTopic]) =>
          w
            .appendString(topic)
            .appendArray(ofTopic, (w, { partition, offset, metadata }) =>
              w
                .appendInt32(partition)
                .appendInt64(offset)
                .appendInt32(UNKNOWN_LEADER_EPOCH)
                .appendString(metadata),
            ),
        )
        .appendTaggedFields(),
    (_id, _key, _version, r) => readPartitionErrors(r),
  )
}

/** What both protocols speak: with AddPartitionsToTxn and AddOffsetsToTxn, and without (KIP-890). */
export const END_APIS = { v1: [endApi(3), endApi(4)], v2: [endApi(5)] } as const
export const COMMIT_OFFSETS_APIS = {
  v1: [commitOffsetsApi(3), commitOffsetsApi(4)],
  v2: [commitOffsetsApi(5)],
} as const
export const PRODUCE_VERSIONS = { v1: [9, 10, 11], v2: [12] } as const

function writeIdentity(
  w: Writer,
  { transactionalId, producerId, producerEpoch }: TransactionalIdentity,
): Writer {
  return w.appendString(transactionalId).appendInt64(producerId).appendInt16(producerEpoch)
}

function readPartitionErrors(r: Reader): PartitionError[] {
  r.readInt32()
  const topics = r.readArray((r) => {
    const topic = r.readString()
    return r.readArray((r) => ({ topic, partition: r.readInt32(), error: r.readInt16() }))
  })
  return topics.flat()
}
