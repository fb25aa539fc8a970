import { setTimeout as sleep } from 'node:timers/promises'
import type { RawConfig } from '../api/config.ts'
import { FencedError, OperationError, RequestError, UnavailableError } from '../api/errors.ts'
import type { SinkConnector, SinkOffset, SourceOffset } from '../api/plugins.ts'
import type { KafkaClient } from '../kafka/client.ts'
import {
  deleteGroup,
  deleteGroupOffsets,
  type GroupChange,
  groupOffsets,
} from '../kafka/groups/group-offsets.ts'
import { commitOffsets } from '../kafka/groups/offsets.ts'
import { sinkGroupId } from './groups/sink-group.ts'

/** Changes of consumer groups from outside; of a Kafka, or of its likeness in tests. */
export interface GroupAdmin {
  /** How long, in milliseconds, members of a group may take to leave it. */
  readonly patience: number
  list(groupId: string): Promise<readonly Position[]>
  /** @throws FencedError where the group has members, UnavailableError where a topic is not there */
  commit(groupId: string, offsets: readonly Position[]): Promise<void>
  remove(
    groupId: string,
    partitions: readonly Pick<SinkOffset, 'topic' | 'partition'>[],
  ): Promise<GroupChange>
  delete(groupId: string): Promise<GroupChange>
}

export function groupAdmin(client: KafkaClient): GroupAdmin {
  return {
    patience: 5_000,
    list: (groupId) => groupOffsets(client, groupId),
    commit: (groupId, offsets) => commitOffsets(client, groupId, null, offsets),
    remove: (groupId, partitions) => deleteGroupOffsets(client, groupId, partitions),
    delete: (groupId) => deleteGroup(client, groupId),
  }
}

const PAUSE = 100
const TOPIC = 'kafka_topic'
const PARTITION = 'kafka_partition'
const OFFSET = 'kafka_offset'

/** A sink and the configuration that names its group, with the values of config providers in it. */
export interface ConfiguredSink {
  readonly name: string
  readonly plugin: SinkConnector
  readonly config: RawConfig
}

/** The offsets of sinks: those of their consumer groups, in Kafka Connect's shape and words (KIP-875). */
export class SinkOffsets {
  readonly #groups: GroupAdmin

  constructor(groups: GroupAdmin) {
    this.#groups = groups
  }

  async list(config: RawConfig): Promise<SourceOffset[]> {
    const offsets = await this.#groups.list(sinkGroupId(config))
    return offsets.map(({ topic, partition, offset }) => ({
      partition: { [TOPIC]: topic, [PARTITION]: partition },
      offset: { [OFFSET]: smallest(offset) },
    }))
  }

  /** @throws RequestError where an offset is none, or the sink refuses it; OperationError where the group has members */
  async alter({ name, plugin, config }: ConfiguredSink, wanted: readonly SourceOffset[]): Promise<void> {
    const offsets = wanted.map((each) => sinkOffsetOf(each))
    for (const each of offsets) {
      const problem = plugin.checkOffset?.(each)
      if (problem !== undefined) throw refused(`Connector ${name}: ${problem}`)
    }
    const groupId = sinkGroupId(config)
    const [kept, gone] = [offsets.filter(isPosition), offsets.filter((each) => !isPosition(each))]
    if (kept.length > 0) await this.#untilFree(name, 'alter', () => this.#commit(name, groupId, kept))
    if (gone.length > 0) await this.#untilFree(name, 'alter', () => this.#groups.remove(groupId, gone))
  }

  async reset({ name, config }: ConfiguredSink): Promise<void> {
    await this.#untilFree(name, 'reset', () => this.#groups.delete(sinkGroupId(config)))
  }

  /** The tasks of a connector that was stopped a moment ago may still be about to leave their group. */
  async #untilFree(name: string, what: 'alter' | 'reset', change: () => Promise<GroupChange>): Promise<void> {
    const end = performance.now() + this.#groups.patience
    while ((await change()) === 'in use') {
      if (performance.now() >= end) throw inUse(name, what)
      await sleep(PAUSE)
    }
  }

  async #commit(name: string, groupId: string, offsets: readonly Position[]): Promise<GroupChange> {
    try {
      await this.#groups.commit(groupId, offsets)
      return 'done'
    } catch (error) {
      if (error instanceof FencedError) return 'in use'
      if (!(error instanceof UnavailableError && error.code === 'kafka.topic')) throw error
      const message = `Failed to alter consumer group offsets for connector ${name}: ${error.message}. Name topics and partitions that exist.`
      throw new RequestError('request.invalid', message, { cause: error })
    }
  }
}

type Position = SinkOffset & { readonly offset: bigint }

function isPosition(offset: SinkOffset): offset is Position {
  return offset.offset !== null
}

/** @throws RequestError with Kafka Connect's sentence */
function sinkOffsetOf({ partition, offset }: SourceOffset): SinkOffset {
  if (!Object.hasOwn(partition, TOPIC) || !Object.hasOwn(partition, PARTITION)) {
    const keys = `'${TOPIC}' and '${PARTITION}'`
    throw refused(`The partition for a sink connector offset must contain the keys ${keys}`)
  }
  const { [TOPIC]: topic, [PARTITION]: number } = partition
  if (topic === null || topic === undefined)
    throw refused('Kafka topic names must be valid strings and may not be null')
  if (number === null || number === undefined)
    throw refused('Kafka partitions must be valid numbers and may not be null')
  const where = { topic: String(topic), partition: Number(integerOf(number, 'partition', 31n)) }
  if (offset === null) return { ...where, offset: null }
  if (!Object.hasOwn(offset, OFFSET))
    throw refused(`The offset for a sink connector should either be null or contain the key '${OFFSET}'`)
  return { ...where, offset: integerOf(offset[OFFSET], 'offset', 63n) }
}

/** Numbers and their texts alike, as in Kafka Connect. */
function integerOf(value: unknown, what: 'partition' | 'offset', bits: bigint): bigint {
  const text = String(value)
  const number = /^[+-]?\d+$/.test(text) ? BigInt(text.replace(/^\+/, '')) : null
  if (number === null || number >= 1n << bits || number < -(1n << bits)) {
    const named = `Failed to parse the following Kafka ${what} value in the provided offsets: '${text}'.`
    const kind = what === 'partition' ? 'Partition' : 'Offset'
    throw refused(`${named} ${kind} values for sink connectors need to be integers.`)
  }
  if (number < 0n) throw refused(`The Kafka ${what} ${text} is negative. Give one from 0 on.`)
  return number
}

function smallest(offset: bigint): number | bigint {
  return offset <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(offset) : offset
}

function refused(message: string): RequestError {
  return new RequestError('request.invalid', message)
}

/** Kafka Connect's words. */
function inUse(name: string, what: 'alter' | 'reset'): OperationError {
  const message =
    `Failed to ${what} consumer group offsets for connector ${name} either because its tasks haven't stopped completely yet ` +
    `or the connector was resumed before the request to ${what} its offsets could be successfully completed. If the ` +
    "connector is in a stopped state, this operation can be safely retried. If it doesn't eventually succeed, the Connect " +
    'cluster may need to be restarted to get rid of the zombie sink tasks.'
  return new OperationError('connector.offsets', message)
}
