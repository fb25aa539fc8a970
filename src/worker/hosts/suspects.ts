import type { RowRange, SuspectRows, TopicPartitions } from '../../runtime/host/protocol.ts'
import type { PluginCall } from './hosted-task.ts'

/** What a death over some rows leads to. */
export type Finding =
  /** It may have been chance: the rows are tried once more as they come. */
  | 'again'
  /** The rows are taken one by one. */
  | 'apart'
  /** One record was found out: it fails, and no plugin sees it again. */
  | 'convicted'
  /** Record after record is found out, and none gets through: the plugin is broken, not the records. */
  | 'hopeless'

/** Deaths over rows after which they are taken one by one. */
const APART = 2
/** The death that finds a record out, when it was alone. */
const CONVICTED = 3
/** Records in a row that are found out before the plugin is. */
const MOST_CONVICTIONS = 3

/**
 * The rows of one partition over which task hosts died, from the first death until their offsets are committed. The
 * second death over rows that overlap has them taken one by one, so that the third names one record.
 */
export class PartitionSuspects {
  readonly #topic: string
  readonly #partition: number
  #ranges: readonly { readonly first: bigint; readonly last: bigint; readonly deaths: number }[] = []
  #convicted: readonly { readonly offset: bigint; readonly stage: string; readonly reason: string }[] = []
  /** Convictions since a row after the last of them got through. */
  #row: { readonly count: number; readonly last: bigint } | undefined

  constructor({ topic, partition }: Pick<RowRange, 'topic' | 'partition'>) {
    this.#topic = topic
    this.#partition = partition
  }

  get isEmpty(): boolean {
    return this.#ranges.length + this.#convicted.length === 0 && this.#row === undefined
  }

  /** A host died over these rows. */
  died({ rows: { first, last }, stage, bySignal }: PluginCall, reason: string): Finding {
    const touched = this.#ranges.filter((range) => range.first <= last && first <= range.last)
    const deaths = 1 + Math.max(0, ...touched.map((range) => range.deaths))
    const isAlone = first === last
    // A signal from outside may have hit whatever was there; it does not hit the same record twice.
    if (isAlone && deaths >= (bySignal ? CONVICTED + 1 : CONVICTED)) {
      this.#convicted = [...this.#convicted, { offset: first, stage, reason }]
      const { count, last: before } = this.#row ?? { count: 0, last: first }
      this.#row = { count: count + 1, last: before > first ? before : first }
      return this.#row.count >= MOST_CONVICTIONS ? 'hopeless' : 'convicted'
    }
    // Rows that are taken one by one stay so; otherwise what came before the latest rows has got through.
    const kept = this.#ranges.filter((range) => !touched.includes(range) || range.deaths >= APART)
    this.#ranges = [...kept, { first, last, deaths }]
    return deaths >= APART ? 'apart' : 'again'
  }

  /** These rows went through all plugins. */
  passed({ last }: RowRange): void {
    if (this.#row !== undefined && last > this.#row.last) this.#row = undefined
  }

  /** Everything before an offset is committed. */
  cleared(offset: bigint): void {
    this.#ranges = this.#ranges.filter(({ last }) => last >= offset)
    this.#convicted = this.#convicted.filter((each) => each.offset >= offset)
  }

  list(): SuspectRows[] {
    const place = { topic: this.#topic, partition: this.#partition }
    return [
      ...this.#ranges.map(({ first, last, deaths }) => {
        return { ...place, first, last, apart: deaths >= APART, poison: null }
      }),
      ...this.#convicted.map(({ offset, stage, reason }) => {
        return { ...place, first: offset, last: offset, apart: true, poison: { stage, reason } }
      }),
    ]
  }
}

/**
 * What this worker knows of records that kill task hosts, by connector: its tasks share it, because a partition may
 * move from one to another. It lives in memory alone; a worker that starts anew finds the records again.
 */
export class Suspects {
  readonly #connectors = new Map<string, Map<string, PartitionSuspects>>()

  died(connector: string, call: PluginCall, reason: string): Finding {
    const partitions = this.#connectors.get(connector) ?? new Map<string, PartitionSuspects>()
    const suspects = partitions.get(keyOf(call.rows)) ?? new PartitionSuspects(call.rows)
    this.#connectors.set(connector, partitions.set(keyOf(call.rows), suspects))
    return suspects.died(call, reason)
  }

  passed(connector: string, rows: RowRange): void {
    this.#update(connector, rows, (suspects) => suspects.passed(rows))
  }

  cleared(connector: string, before: { topic: string; partition: number; offset: bigint }): void {
    this.#update(connector, before, (suspects) => suspects.cleared(before.offset))
  }

  /** What a task must know that is given these partitions. */
  of(connector: string, partitions: readonly TopicPartitions[]): SuspectRows[] {
    const known = this.#connectors.get(connector)
    if (known === undefined) return []
    return partitions.flatMap(({ topic, partitions: numbers }) =>
      numbers.flatMap((partition) => known.get(keyOf({ topic, partition }))?.list() ?? []),
    )
  }

  /** The connector is another one now, or somebody restarted it: its records get a new chance. */
  forget(connector: string): void {
    this.#connectors.delete(connector)
  }

  #update(connector: string, place: Place, change: (suspects: PartitionSuspects) => void): void {
    const partitions = this.#connectors.get(connector)
    const suspects = partitions?.get(keyOf(place))
    if (partitions === undefined || suspects === undefined) return
    change(suspects)
    if (suspects.isEmpty) partitions.delete(keyOf(place))
    if (partitions.size === 0) this.#connectors.delete(connector)
  }
}

type Place = Pick<RowRange, 'topic' | 'partition'>

function keyOf({ topic, partition }: Place): string {
  return `${topic}-${partition}`
}
