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

/** What is known of a partition, as it is told to other workers: offsets as text. */
export interface SuspectsState {
  readonly ranges: readonly { readonly first: string; readonly last: string; readonly deaths: number }[]
  readonly convicted: readonly { readonly offset: string; readonly stage: string; readonly reason: string }[]
  readonly row: { readonly count: number; readonly last: string } | null
}

/** Tells other workers; null: nothing is known of the partition any more. */
export interface SuspectsLog {
  wrote(connector: string, place: Place, state: SuspectsState | null): void
}

/**
 * The rows of one partition over which task hosts died, from the first death until their offsets are committed. The
 * second death over rows that overlap has them taken one by one, so that the third names one record.
 */
export class PartitionSuspects {
  readonly place: Place
  #ranges: readonly { readonly first: bigint; readonly last: bigint; readonly deaths: number }[] = []
  #convicted: readonly { readonly offset: bigint; readonly stage: string; readonly reason: string }[] = []
  /** Convictions since a row after the last of them got through. */
  #row: { readonly count: number; readonly last: bigint } | undefined

  constructor({ topic, partition }: Place) {
    this.place = { topic, partition }
  }

  /** What another worker knows. */
  static from(place: Place, { ranges, convicted, row }: SuspectsState): PartitionSuspects {
    const suspects = new PartitionSuspects(place)
    suspects.#ranges = ranges.map(({ first, last, deaths }) => {
      return { first: BigInt(first), last: BigInt(last), deaths }
    })
    suspects.#convicted = convicted.map((each) => ({ ...each, offset: BigInt(each.offset) }))
    suspects.#row = row === null ? undefined : { count: row.count, last: BigInt(row.last) }
    return suspects
  }

  get state(): SuspectsState {
    const row = this.#row
    return {
      ranges: this.#ranges.map(({ first, last, deaths }) => ({ first: `${first}`, last: `${last}`, deaths })),
      convicted: this.#convicted.map((each) => ({ ...each, offset: `${each.offset}` })),
      row: row === undefined ? null : { count: row.count, last: `${row.last}` },
    }
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

  /** These rows went through all plugins. Returns whether that changed anything. */
  passed({ last }: RowRange): boolean {
    if (this.#row === undefined || last <= this.#row.last) return false
    this.#row = undefined
    return true
  }

  /** Everything before an offset is committed. Returns whether that changed anything. */
  cleared(offset: bigint): boolean {
    const before = this.#ranges.length + this.#convicted.length
    this.#ranges = this.#ranges.filter(({ last }) => last >= offset)
    this.#convicted = this.#convicted.filter((each) => each.offset >= offset)
    return this.#ranges.length + this.#convicted.length < before
  }

  list(): SuspectRows[] {
    const { place } = this
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
 * What is known of records that kill task hosts, by connector: its tasks share it, because a partition may move from one
 * to another, and so do the workers of a cluster (`log`). Without a log it lives in memory alone; a worker that starts
 * anew finds the records again.
 */
export class Suspects {
  readonly #connectors = new Map<string, Map<string, PartitionSuspects>>()
  readonly #log: SuspectsLog | undefined

  constructor(log?: SuspectsLog) {
    this.#log = log
  }

  died(connector: string, call: PluginCall, reason: string): Finding {
    const partitions = this.#partitions(connector)
    const suspects = partitions.get(keyOf(call.rows)) ?? new PartitionSuspects(call.rows)
    partitions.set(keyOf(call.rows), suspects)
    const finding = suspects.died(call, reason)
    this.#log?.wrote(connector, call.rows, suspects.state)
    return finding
  }

  passed(connector: string, rows: RowRange): void {
    this.#update(connector, rows, (suspects) => suspects.passed(rows))
  }

  cleared(connector: string, before: { topic: string; partition: number; offset: bigint }): void {
    this.#update(connector, before, (suspects) => suspects.cleared(before.offset))
  }

  /** Another worker found this out; null: it is done with. */
  take(connector: string, place: Place, state: SuspectsState | null): void {
    if (state === null) this.#drop(connector, place)
    else this.#partitions(connector).set(keyOf(place), PartitionSuspects.from(place, state))
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
    const known = [...(this.#connectors.get(connector)?.values() ?? [])]
    this.#connectors.delete(connector)
    for (const { place } of known) this.#log?.wrote(connector, place, null)
  }

  #partitions(connector: string): Map<string, PartitionSuspects> {
    const known = this.#connectors.get(connector) ?? new Map<string, PartitionSuspects>()
    this.#connectors.set(connector, known)
    return known
  }

  #update(connector: string, place: Place, change: (suspects: PartitionSuspects) => boolean): void {
    const suspects = this.#connectors.get(connector)?.get(keyOf(place))
    if (suspects === undefined || !change(suspects)) return
    if (suspects.isEmpty) this.#drop(connector, place)
    this.#log?.wrote(connector, place, suspects.isEmpty ? null : suspects.state)
  }

  #drop(connector: string, place: Place): void {
    const partitions = this.#connectors.get(connector)
    partitions?.delete(keyOf(place))
    if (partitions?.size === 0) this.#connectors.delete(connector)
  }
}

/** A partition. */
export type Place = Pick<RowRange, 'topic' | 'partition'>

function keyOf({ topic, partition }: Place): string {
  return `${topic}-${partition}`
}
