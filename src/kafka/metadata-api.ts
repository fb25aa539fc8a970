import { type API, createAPI, Writer } from '@platformatic/kafka'

/** What a Metadata response says, errors kept as codes: one broken topic must not hide the others. */
export interface MetadataResponse {
  readonly brokers: readonly { readonly id: number; readonly host: string; readonly port: number }[]
  readonly clusterId: string | null
  readonly controller: number
  readonly topics: readonly MetadataTopic[]
}

export const NO_TOPIC_ID = '00000000-0000-0000-0000-000000000000'

export interface MetadataTopic {
  readonly topic: string
  /** Another one where a topic was deleted and created again. `NO_TOPIC_ID` of brokers before 2.8. */
  readonly id: string
  readonly error: number
  readonly partitions: readonly { readonly partition: number; readonly leader: number }[]
}

/**
 * Metadata, versions 11 and 12 (one wire format; KIP-516, KIP-700). `null` asks for all topics. With `create` a broker with
 * `auto.create.topics.enable` creates those that are missing.
 */
function metadataApi(
  version: number,
): API<[topics: readonly string[] | null, create: boolean], MetadataResponse> {
  return createAPI(
    3,
    version,
    (topics: readonly string[] | null, create: boolean) =>
      Writer.create()
        .appendArray(topics === null ? null : [...topics], (w, topic) =>
          w.appendUUID(null).appendString(topic),
        )
        .appendBoolean(create)
        .appendBoolean(false)
        .appendTaggedFields(),
    (_id, _key, _version, r): MetadataResponse => {
      r.readInt32()
      const brokers = r.readArray((r) => {
        const broker = { id: r.readInt32(), host: r.readString(), port: r.readInt32() }
        r.readNullableString()
        return broker
      })
      const clusterId = r.readNullableString()
      const controller = r.readInt32()
      const topics = r.readArray((r) => {
        const error = r.readInt16()
        const topic = r.readNullableString() ?? ''
        const id = r.readUUID()
        r.readBoolean()
        const partitions = r.readArray((r) => {
          r.readInt16() // a partition's error; a leader of −1 says what matters
          const partition = { partition: r.readInt32(), leader: r.readInt32() }
          r.readInt32()
          for (let i = 0; i < 3; i++) r.readArray((r) => r.readInt32(), true, false)
          return partition
        })
        r.readInt32()
        return { topic, id, error, partitions }
      })
      r.readTaggedFields()
      return { brokers, clusterId, controller, topics }
    },
  )
}

export const METADATA_APIS = [metadataApi(11), metadataApi(12)] as const
