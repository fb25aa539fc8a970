import { TaskError } from '../../api/errors.ts'
import type { PartitionOffset, TopicPartition } from '../../api/plugins.ts'
import { idOf } from './partitions.ts'

/** What a sink asks of its task's loop (`pause`, `offset`, `timeout`), kept until the loop looks between two rounds. */
export class SinkRequests {
  readonly #assigned = new Set<string>()
  readonly #paused = new Set<string>()
  #seeks: PartitionOffset[] = []
  #timeout: number | undefined
  #changed = false

  /** Partitions were assigned: nothing of them is paused. */
  assign(partitions: readonly TopicPartition[]): void {
    this.#assigned.clear()
    this.#paused.clear()
    this.#seeks = []
    this.#changed = false
    for (const each of partitions) this.#assigned.add(idOf(each))
  }

  /** These were assigned too; nothing of them is paused. */
  add(partitions: readonly TopicPartition[]): void {
    for (const each of partitions) this.#assigned.add(idOf(each))
  }

  /** These were given away, and what was asked of them with them. */
  remove(partitions: readonly TopicPartition[]): void {
    for (const each of partitions) {
      this.#assigned.delete(idOf(each))
      this.#paused.delete(idOf(each))
    }
    this.#seeks = this.#seeks.filter((each) => this.#assigned.has(idOf(each)))
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const each of partitions) this.#require(each, 'paused')
    for (const each of partitions) this.#paused.add(idOf(each))
    this.#changed = true
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const each of partitions) this.#require(each, 'resumed')
    for (const each of partitions) this.#paused.delete(idOf(each))
    this.#changed = true
  }

  offset({ topic, partition }: TopicPartition, offset: bigint): void {
    this.#require({ topic, partition }, 'set to an offset')
    this.#seeks.push({ topic, partition, offset })
    this.#changed = true
  }

  timeout(milliseconds: number): void {
    this.#timeout = milliseconds
  }

  /** Whether what is fetched must change before the next batch. */
  get changed(): boolean {
    return this.#changed
  }

  isPaused(partition: TopicPartition): boolean {
    return this.#paused.has(idOf(partition))
  }

  takeSeeks(): readonly PartitionOffset[] {
    const seeks = this.#seeks
    this.#seeks = []
    this.#changed = false
    return seeks
  }

  takeTimeout(): number | undefined {
    const timeout = this.#timeout
    this.#timeout = undefined
    return timeout
  }

  #require(partition: TopicPartition, what: string): void {
    if (this.#assigned.has(idOf(partition))) return
    throw new TaskError('task.failed', `${idOf(partition)} cannot be ${what}: this task does not have it.`)
  }
}
