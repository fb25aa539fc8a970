import type { TaskId } from '../../runtime/host/protocol.ts'
import { type Load, deal, dealInTurn, misplaced, surplus, type Unable } from './fair-shares.ts'
import {
  common,
  compareText,
  type Items,
  itemsOf,
  minus,
  NO_ITEMS,
  sorted,
  union,
  type Work,
  workOf,
} from './work-items.ts'

/** One rebalance, as its leader sees it. */
export interface Round {
  /** The generation that is being assigned, and the last whose assignment this leader took itself. */
  readonly generation: number
  readonly lastGeneration: number
  /** Everything that is configured. */
  readonly configured: Work
  /** What each member says that it runs. */
  readonly held: ReadonlyMap<string, Work>
  /** Members that have stopped what they ran and are about to leave: they get nothing, and leave nothing lost. */
  readonly leaving: ReadonlySet<string>
  /** Absent: everybody is able to run everything, as far as is known. */
  readonly unable?: Unable
}

/** What changes for one member. */
export interface Share {
  readonly assigned: Work
  readonly revoked: Work
}

/** A member with what it runs. */
interface Running {
  readonly memberId: string
  readonly items: Items
}

export interface AssignorOptions {
  /** How long the work of lost members waits for their return (scheduled.rebalance.max.delay.ms); 0 = not at all. */
  readonly maxDelay: number
  /** A monotonic clock in milliseconds, above 0. */
  readonly now: () => number
}

const FIRST_BACK_OFF = 1
const BACK_OFF_FACTOR = 40
const NOTHING_TAKEN: ReadonlyMap<string, Items> = new Map()
const NOBODY: ReadonlySet<string> = new Set()

/**
 * Shares work out as Kafka Connect's incremental cooperative assignor does (KIP-415, with its fixes KAFKA-9184,
 * KAFKA-12495 and KAFKA-13764): members keep what they run; what must move is revoked in one round and assigned in the
 * next, when everybody has joined without it, so that nothing ever runs twice (invariant 4). What a lost member ran
 * waits for its return. What a member has failed to run for want of its plugin moves to one that has not. It remembers the last round, and forgets it where the group went on without this leader.
 *
 * Held against Apache's class by test/conformance/assignor-oracle.ts, which lists the deviations.
 */
export class CooperativeAssignor {
  readonly #maxDelay: number
  readonly #now: () => number
  /** What was assigned after the last round, what is lost included. */
  #previous: Items = NO_ITEMS
  #previousOf: ReadonlyMap<string, Items> = new Map()
  #previousRevoked: Items = NO_ITEMS
  #previousGeneration = -1
  #revokedBefore = false
  #revocationsInARow = 0
  /** When lost work is given away, or balance is sought again; 0 where nothing waits. */
  #scheduled = 0
  #delay = 0
  /** Members that ran nothing while work was lost: perhaps those that lost it, and are back. */
  readonly #returned = new Set<string>()

  constructor({ maxDelay, now }: AssignorOptions) {
    this.#maxDelay = maxDelay
    this.#now = now
  }

  /** In how many milliseconds all are to join again after the last round; 0 = not. */
  get delayMs(): number {
    return this.#delay
  }

  assign(round: Round): Map<string, Share> {
    const { generation, lastGeneration, leaving, unable = () => NOBODY } = round
    if (this.#previousGeneration !== lastGeneration) this.#previous = NO_ITEMS
    const wanted = itemsOf(round.configured)
    const members = [...round.held].map(([memberId, work]) => ({ memberId, items: itemsOf(work) }))
    const active = union(members.map(({ items }) => items))
    this.#checkRevoked(active)
    this.#takeBack(leaving, active)
    const deleted = minus(union([this.#previous, active]), wanted)
    const lost = minus(this.#previous, active, deleted)
    const created = minus(wanted, this.#previous, active)
    const stops = union([deleted, runTwice(members)])
    const loads = members
      .filter(({ memberId }) => !leaving.has(memberId))
      .map(({ memberId, items }) => ({ memberId, items: new Map(minus(items, stops)) }))
      .toSorted((a, b) => compareText(a.memberId, b.memberId))
    const given = this.#lostToGive(lost, loads)
    const unfit = take(misplaced(loads, unable), loads)
    const above = this.#balance(wanted, loads, unable)
    const taken = new Map(loads.map(({ memberId: id }) => [id, union(itemsAt(id, unfit, above))]))
    const kept = union(loads.map(({ items }) => items))
    const revoked = minus(union([active, ...taken.values()]), kept)
    deal([...sorted(created), ...sorted(given)], loads, unable)
    this.#remember(generation, loads, revoked, lost)
    return sharesOf(members, loads, taken)
  }

  /** A revocation that was not heard of is repeated: what still runs counts as assigned, whatever was decided. */
  #checkRevoked(active: Items): void {
    if (common(this.#previousRevoked, active).size > 0) this.#previous = active
    this.#previousRevoked = NO_ITEMS
  }

  /** What members that leave have run is not lost; it is free for others at once. */
  #takeBack(leaving: ReadonlySet<string>, active: Items): void {
    const theirs = [...leaving].map((memberId) => this.#previousOf.get(memberId) ?? NO_ITEMS)
    this.#previous = minus(this.#previous, minus(union(theirs), active))
  }

  /** What of the lost work is dealt out now like new work. Begins, keeps or ends the delay. */
  #lostToGive(lost: Items, loads: readonly Load[]): Items {
    if (lost.size === 0 && !this.#revokedBefore) {
      this.#endDelay()
      return NO_ITEMS
    }
    const present = new Set(loads.map(({ memberId }) => memberId))
    const allPresent = [...this.#previousOf.keys()].every((memberId) => present.has(memberId))
    // Where everybody is there, an assignment was not heard of. Its work waits for nobody.
    if ((this.#scheduled <= 0 && allPresent) || this.#maxDelay === 0) return lost
    const now = this.#now()
    if (this.#scheduled > 0 && now >= this.#scheduled) return this.#giveBack(lost, loads)
    for (const { memberId, items } of loads) if (items.size === 0) this.#returned.add(memberId)
    const left = Math.ceil(this.#scheduled - now)
    this.#delay = left > 0 ? left : this.#maxDelay
    this.#scheduled = now + this.#delay
    return NO_ITEMS
  }

  /** The delay is over: to those that came back, however much it is; without any, to all. */
  #giveBack(lost: Items, loads: readonly Load[]): Items {
    const returned = [...this.#returned].flatMap((id) => loads.find(({ memberId }) => memberId === id) ?? [])
    this.#endDelay()
    this.#revokedBefore = false
    if (returned.length === 0) return lost
    dealInTurn(sorted(lost), returned)
    return NO_ITEMS
  }

  #endDelay(): void {
    this.#returned.clear()
    this.#scheduled = 0
    this.#delay = 0
  }

  /**
   * Takes from members what is above a fair share; not while lost work waits. In a second such round in a row it only
   * sets a time for the next one, later each time: members that come and go must not keep all the others busy.
   */
  #balance(wanted: Items, loads: readonly Load[], unable: Unable): ReadonlyMap<string, Items> {
    const above = this.#delay > 0 ? NOTHING_TAKEN : surplus(wanted, loads, unable)
    if (above.size === 0) {
      if (this.#delay === 0 && this.#revokedBefore) this.#revocationsInARow = 0
      this.#revokedBefore = false
      return above
    }
    if (this.#revokedBefore) {
      this.#delay = this.#backOff(++this.#revocationsInARow)
      if (this.#delay > 0) {
        this.#scheduled = this.#now() + this.#delay
        return NOTHING_TAKEN
      }
    }
    this.#revokedBefore = true
    return take(above, loads)
  }

  #backOff(times: number): number {
    if (this.#maxDelay <= FIRST_BACK_OFF) return this.#maxDelay
    const most = Math.log(this.#maxDelay) / Math.log(BACK_OFF_FACTOR)
    return Math.trunc(Math.min(this.#maxDelay, BACK_OFF_FACTOR ** Math.min(times, most)))
  }

  #remember(generation: number, loads: readonly Load[], revoked: Items, lost: Items): void {
    this.#previous = union([minus(union(loads.map(({ items }) => items)), revoked), lost])
    this.#previousOf = new Map(loads.map(({ memberId, items }) => [memberId, items]))
    this.#previousRevoked = revoked
    this.#previousGeneration = generation
  }
}

/** Takes from each what is named. */
function take(named: ReadonlyMap<string, Items>, loads: readonly Load[]): ReadonlyMap<string, Items> {
  for (const { memberId, items } of loads)
    for (const key of named.get(memberId)?.keys() ?? []) items.delete(key)
  return named
}

function itemsAt(memberId: string, ...named: readonly ReadonlyMap<string, Items>[]): Items[] {
  return named.flatMap((each) => each.get(memberId) ?? [])
}

/** What more than one member runs. All of them give it up, and one gets it in the next round. */
function runTwice(members: readonly Running[]): Items {
  const seen = new Set<string>()
  const twice = new Map<string, TaskId>()
  for (const { items } of members) {
    for (const [key, id] of items) {
      if (seen.has(key)) twice.set(key, id)
      seen.add(key)
    }
  }
  return twice
}

/** `taken`: what was revoked to go elsewhere, of what a member ran and of what it was about to get: then it joins again. */
function sharesOf(
  members: readonly Running[],
  loads: readonly Load[],
  taken: ReadonlyMap<string, Items>,
): Map<string, Share> {
  const next = new Map(loads.map(({ memberId, items }) => [memberId, items]))
  return new Map(
    members.map(({ memberId, items }) => {
      const then = next.get(memberId) ?? NO_ITEMS
      const stops = minus(union([items, taken.get(memberId) ?? NO_ITEMS]), then)
      return [memberId, { assigned: workOf(minus(then, items)), revoked: workOf(stops) }]
    }),
  )
}
