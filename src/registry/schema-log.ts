import { CompactedLog } from '../kafka/compacted-log/compacted-log.ts'
import type { KafkaClient } from '../kafka/client.ts'
import type { Logger } from '../api/log.ts'

/** One record as it was read back from the log. */
export interface LoggedRecord {
  readonly key: string | null
  readonly value: Uint8Array | null
}

/** The compacted log that the registry keeps its state in. It is its only writer. */
export interface SchemaLog {
  /** Resolves when the record was read back, after it was handed to `onRecord`; a null value deletes the key. */
  append(key: string, value: string | null): Promise<void>
  /** Resolves when everything that is in the log now was handed to `onRecord`. */
  readToEnd(): Promise<void>
  close(): Promise<void>
}

/** Opens a log and reads it to its end, handing each record to `onRecord`; follows it afterwards. */
export type OpenSchemaLog = (onRecord: (record: LoggedRecord) => void) => Promise<SchemaLog>

/** The log in a Kafka topic of one partition, which is created where it is missing. */
export function kafkaSchemaLog(client: KafkaClient, topic: string, log: Logger): OpenSchemaLog {
  return (onRecord) =>
    CompactedLog.open(client, { topic, partitions: 1, replicationFactor: -1, log, onRecord })
}
