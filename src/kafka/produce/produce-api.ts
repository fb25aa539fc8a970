import { type API, createAPI, type Reader, Writer } from '@platformatic/kafka'
import { type ConnectError, TaskError } from '../../api/errors.ts'
import { brokerError, errorName, isRetriableCode } from '../errors.ts'

/** One sealed record batch for one partition. */
export interface ProduceEntry {
  readonly topic: string
  readonly partition: number
  readonly bytes: Buffer
}

export interface ProduceAnswer {
  readonly topic: string
  readonly partition: number
  readonly error: number
  /** The broker's own text; null where it sent none. */
  readonly message: string | null
  /** The records because of which it refused the batch, by their number in it (KIP-467). */
  readonly refused: readonly { readonly record: number; readonly reason: string }[]
}

const ALL_REPLICAS = -1

/** How long a broker waits for its replicas. */
export const ACKNOWLEDGE_WITHIN_MS = 30_000

export type ProduceApi = API<[entries: readonly ProduceEntry[]], ProduceAnswer[]>

/**
 * Produce, of versions 9 to 12 (one wire format; Kafka 2.8 to today's). With a transactional id the batches are part of
 * its open transaction: their partitions were added to it before or, from version 12 on, are added by this (KIP-890).
 */
export function produceApis(versions: readonly number[], transactionalId: string | null): ProduceApi[] {
  const write = (entries: readonly ProduceEntry[]): Writer => writeRequest(transactionalId, entries)
  return versions.map((version) => createAPI(0, version, write, readResponse))
}

function writeRequest(transactionalId: string | null, entries: readonly ProduceEntry[]): Writer {
  return Writer.create()
    .appendString(transactionalId)
    .appendInt16(ALL_REPLICAS)
    .appendInt32(ACKNOWLEDGE_WITHIN_MS)
    .appendArray([...Map.groupBy(entries, (e) => e.topic)], (w, [topic, ofTopic]) =>
      w.appendString(topic).appendArray(ofTopic, (w, { partition, bytes }) => {
        w.appendInt32(partition)
          .appendUnsignedVarInt(bytes.length + 1)
          .append(bytes)
      }),
    )
    .appendTaggedFields()
}

function readResponse(_id: number, _key: number, _version: number, r: Reader): ProduceAnswer[] {
  const topics = r.readArray((r) => {
    const topic = r.readString()
    return r.readArray((r) => readPartition(r, topic))
  })
  return topics.flat()
}

function readPartition(r: Reader, topic: string): ProduceAnswer {
  const partition = r.readInt32()
  const error = r.readInt16()
  r.readInt64()
  r.readInt64()
  r.readInt64()
  const refused = r.readArray((r) => ({ record: r.readInt32(), reason: r.readNullableString() ?? '' }))
  return { topic, partition, error, refused, message: r.readNullableString() }
}

/** An answer with an error, as an error; `what` was tried. */
export function refusal(what: string, { error, message, refused }: ProduceAnswer): ConnectError {
  if (isRetriableCode(error)) return brokerError(error, what, message)
  const reasons = [message, refused[0]?.reason].filter(
    (text) => text !== undefined && text !== null && text !== '',
  )
  const hint = reasons.length === 0 ? '' : `: ${reasons.join('; ')}`
  return new TaskError('kafka.topic', `${what}: Kafka refused the records with ${errorName(error)}${hint}`)
}
