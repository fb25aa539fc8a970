import { TaskError } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import type { SourceMap, SourceOffset } from '../../api/plugins.ts'
import type { KafkaClient } from '../../kafka/client.ts'
import { CompactedLog } from '../../kafka/compacted-log/compacted-log.ts'
import type { LogTopic } from '../../kafka/compacted-log/compacted-log-topic.ts'
import type { OffsetText } from '../host/protocol.ts'
import { offsetJson, offsetKey, parseOffset, parseOffsetKey, partitionId } from './offset-format.ts'

/** What keeps offsets, as the store sees it: a compacted topic, the file of a standalone worker, memory in tests. */
export interface OffsetLog {
  append(key: string, value: string | null): Promise<void>
  readToEnd(): Promise<void>
  close(): Promise<void>
}

export interface OffsetRecord {
  readonly key: string | null
  readonly value: Buffer | null
}

/** Opens a log; resolves when it was read to its end, and follows it from then on. */
export type OpenOffsetLog = (onRecord: (record: OffsetRecord) => void) => Promise<OffsetLog>

interface Stored {
  /** The key as it stands in the topic: what is written later must replace it. */
  readonly key: string
  readonly partition: SourceMap
  /** Undefined where what was written is no offset. */
  readonly offset: SourceMap | undefined
}

/** The offsets of sources, in Kafka Connect's format: what was read of a topic or a file, of one connector or of all. */
export class OffsetStore {
  readonly #only: string | undefined
  readonly #place: string
  readonly #connectors = new Map<string, Map<string, Stored>>()
  #log: OffsetLog | undefined

  private constructor(place: string, only: string | undefined) {
    this.#place = place
    this.#only = only
  }

  /** Reads a log to its present end; of `only` one connector where it is given. `place` names it: `topic offsets`. */
  static async open(open: OpenOffsetLog, place: string, only?: string): Promise<OffsetStore> {
    const store = new OffsetStore(place, only)
    store.#log = await open((record) => store.#read(record))
    return store
  }

  /** @throws TaskError `source.offset` where what is stored is no offset: to begin anew would read everything twice */
  offset(connector: string, partition: SourceMap): SourceMap | null {
    const stored = this.#connectors.get(connector)?.get(partitionId(partition))
    if (stored === undefined) return null
    if (stored.offset !== undefined) return stored.offset
    throw new TaskError(
      'source.offset',
      `Connector ${connector}: what ${this.#place} holds as the offset of ${offsetJson(partition)} is not a JSON object. Set it with PATCH /connectors/${connector}/offsets, or remove it with DELETE.`,
    )
  }

  /** All partitions of a connector that have an offset. */
  offsets(connector: string): { readonly partition: SourceMap; readonly offset: SourceMap }[] {
    return [...(this.#connectors.get(connector)?.values() ?? [])].map(({ partition, offset = {} }) => {
      return { partition, offset }
    })
  }

  /** Resolves when all of them were read back. Null removes an offset. */
  async write(connector: string, offsets: readonly SourceOffset[]): Promise<void> {
    const texts = this.texts(connector, offsets)
    await Promise.all(texts.map(async ({ key, value }) => this.#log?.append(key, value)))
  }

  /** Offsets as they are stored, under the keys that they have already. */
  texts(connector: string, offsets: readonly SourceOffset[]): OffsetText[] {
    const known = this.#connectors.get(connector)
    return offsets.map(({ partition, offset }) => ({
      key: known?.get(partitionId(partition))?.key ?? offsetKey(connector, partition),
      value: offset === null ? null : offsetJson(offset),
    }))
  }

  async readToEnd(): Promise<void> {
    await this.#log?.readToEnd()
  }

  async close(): Promise<void> {
    await this.#log?.close()
  }

  #read({ key, value }: OffsetRecord): void {
    const place = key === null ? undefined : parseOffsetKey(key)
    if (key === null || place === undefined) return
    const { connector, partition } = place
    if (this.#only !== undefined && connector !== this.#only) return
    const partitions = this.#connectors.get(connector) ?? new Map<string, Stored>()
    const offset = parseOffset(value === null ? null : value.toString('utf8'))
    if (offset === null) partitions.delete(partitionId(partition))
    else partitions.set(partitionId(partition), { key, partition, offset })
    if (partitions.size > 0) this.#connectors.set(connector, partitions)
    else this.#connectors.delete(connector)
  }
}

/** The store in a topic of Kafka, created (compacted) where it is missing. `only`: of one connector. */
export function openOffsetStore(
  client: KafkaClient,
  topic: LogTopic,
  log: Logger,
  only?: string,
): Promise<OffsetStore> {
  const open: OpenOffsetLog = (onRecord) => CompactedLog.open(client, { ...topic, log, onRecord })
  return OffsetStore.open(open, `topic ${topic.topic}`, only)
}

/** The same of all connectors, over a client that ends with it. */
export async function openOwnOffsetStore(
  connect: () => KafkaClient,
  topic: LogTopic,
  log: Logger,
): Promise<OffsetStore> {
  const client = connect()
  const open: OpenOffsetLog = async (onRecord) => {
    const opened = await CompactedLog.open(client, { ...topic, log, onRecord })
    return {
      append: (key, value) => opened.append(key, value),
      readToEnd: () => opened.readToEnd(),
      close: () => opened.close().finally(() => client.close()),
    }
  }
  return OffsetStore.open(open, `topic ${topic.topic}`).catch(async (error: unknown) => {
    await client.close()
    throw error
  })
}
