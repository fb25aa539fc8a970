import { createHash } from 'node:crypto'
import { RANGE_ASSIGNOR } from '../../src/kafka/groups/assignors/range.ts'
import { ROUND_ROBIN_ASSIGNOR } from '../../src/kafka/groups/assignors/round-robin.ts'
import { COOPERATIVE_STICKY_ASSIGNOR, STICKY_ASSIGNOR } from '../../src/kafka/groups/assignors/sticky.ts'
import type { Assignor, LastAssignment, Subscriber } from '../../src/kafka/groups/assignors/assignor.ts'
import {
  encodeSubscription,
  flatPartitions,
  type OwnedPartitions,
  subscriptionTo,
} from '../../src/kafka/groups/consumer-protocol.ts'
import { Dice } from './transform-dice.ts'

/** A group as its leader sees it. */
export interface GroupCase {
  readonly members: readonly Subscriber[]
  readonly counts: ReadonlyMap<string, number>
  /** What each member had before, whether it says so as owned partitions or in its user data. */
  readonly had: ReadonlyMap<string, readonly OwnedPartitions[]>
}

interface Actor {
  readonly memberId: string
  readonly groupInstanceId: string | null
  topics: readonly string[]
  last: LastAssignment | null
}

/**
 * Groups in the course of their lives: members come and go, change what they read, miss rebalances and claim what others
 * have; topics appear, grow and vanish. What members say of themselves is what the assignor under test gave them before.
 */
export function* groupCases(assignor: Assignor, count: number, seed: number): Generator<GroupCase> {
  const dice = new Dice(seed)
  for (let made = 0; made < count;) {
    const life = new GroupLife(assignor, dice)
    for (let turns = 1 + dice.below(8); turns > 0 && made < count; turns--, made++) yield life.next()
  }
}

class GroupLife {
  readonly #assignor: Assignor
  readonly #dice: Dice
  readonly #counts = new Map<string, number>()
  readonly #alike: boolean
  #actors: Actor[] = []
  #generation = 0
  #names = 0

  constructor(assignor: Assignor, dice: Dice) {
    this.#assignor = assignor
    this.#dice = dice
    this.#alike = dice.chance(0.6)
    for (let t = 0, n = 1 + dice.below(4); t < n; t++) this.#counts.set(`t${t}`, dice.below(12))
    for (let m = 0, n = 1 + dice.below(7); m < n; m++) this.#join()
  }

  next(): GroupCase {
    const members = this.#actors.map((actor) => this.#subscriber(actor))
    const had = new Map(this.#actors.map(({ memberId, last }) => [memberId, last?.partitions ?? []]))
    const found = { members, counts: new Map(this.#counts), had }
    this.#generation++
    const shares = this.#assignor.assign(members, found.counts)
    for (const actor of this.#actors) {
      if (this.#dice.chance(0.05)) continue // it missed this rebalance
      actor.last = { partitions: shares.get(actor.memberId) ?? [], generation: this.#generation }
    }
    this.#change()
    return found
  }

  #join(): void {
    const dice = this.#dice
    const memberId = `m-${String.fromCharCode(97 + dice.below(26))}${dice.below(4096).toString(16)}-${this.#names++}`
    const groupInstanceId = dice.chance(0.25) ? `i-${99 - this.#names}` : null
    this.#actors.push({ memberId, groupInstanceId, topics: this.#wish(), last: null })
  }

  #wish(): string[] {
    const topics = [...this.#counts.keys()]
    if (this.#alike) return topics
    return [...topics.filter(() => this.#dice.chance(0.6)), ...(this.#dice.chance(0.1) ? ['absent'] : [])]
  }

  #change(): void {
    const dice = this.#dice
    if (dice.chance(0.35)) this.#join()
    if (dice.chance(0.3) && this.#actors.length > 1) this.#actors.splice(dice.below(this.#actors.length), 1)
    const topic = dice.of([...this.#counts.keys()])
    if (dice.chance(0.2)) this.#counts.set(topic, (this.#counts.get(topic) ?? 0) + dice.below(3))
    if (dice.chance(0.1)) this.#counts.delete(topic)
    if (dice.chance(0.1) || this.#counts.size === 0) this.#counts.set(`n${this.#names}`, dice.below(6))
    if (!this.#alike && dice.chance(0.2)) dice.of(this.#actors).topics = this.#wish()
    if (this.#alike) for (const actor of this.#actors) actor.topics = this.#wish()
    if (dice.chance(0.05)) this.#claim()
  }

  /** A member that claims what another has, as one that was away for long. */
  #claim(): void {
    const [from, to] = [this.#dice.of(this.#actors), this.#dice.of(this.#actors)]
    const generation = this.#generation - (this.#dice.chance(0.3) ? 0 : 1)
    to.last = from === to ? null : from.last && { ...from.last, generation }
  }

  #subscriber({ memberId, groupInstanceId, topics, last }: Actor): Subscriber {
    const owned = this.#assignor.cooperative
      ? (last?.partitions ?? []).filter(({ partitions }) => partitions.length > 0)
      : []
    const generation = last?.generation ?? -1
    const subscription = {
      ...subscriptionTo(topics),
      owned,
      generation,
      userData: this.#assignor.userData(last),
    }
    return { memberId, groupInstanceId, subscription }
  }
}

/** A case as ConsumerAssignorOracle.java reads it. Subscriptions travel in one of the versions that carry what the assignor needs. */
export function asked(assignor: Assignor, { members, counts }: GroupCase, row: number): string {
  const version = assignor.cooperative ? ([1, 2, 3] as const)[row % 3]! : ([0, 1, 2, 3] as const)[row % 4]!
  const topics = [...counts].map(([topic, count]) => `${topic}=${count}`).join()
  const said = members.map(
    ({ memberId, groupInstanceId, subscription }) =>
      `${memberId},${groupInstanceId ?? ''},${encodeSubscription(subscription, version).toString('hex')}`,
  )
  return [assignor.name, topics, ...said].join(' ')
}

export function idsOf(owned: readonly OwnedPartitions[]): string[] {
  return flatPartitions(owned).map(({ topic, partition }) => `${topic}-${partition}`)
}

/** How many partitions stay where they were. */
export function kept({ had }: GroupCase, shares: ReadonlyMap<string, readonly OwnedPartitions[]>): number {
  return [...shares].reduce((sum, [memberId, share]) => {
    const before = new Set(idsOf(had.get(memberId) ?? []))
    return sum + idsOf(share).filter((id) => before.has(id)).length
  }, 0)
}

export const STRATEGIES = [
  RANGE_ASSIGNOR,
  ROUND_ROBIN_ASSIGNOR,
  STICKY_ASSIGNOR,
  COOPERATIVE_STICKY_ASSIGNOR,
] as const
export const SEED = 11

export function fingerprintOf(shares: ReadonlyMap<string, readonly OwnedPartitions[]>): string {
  const whole = [...shares].map(([memberId, share]) => `${memberId}: ${idsOf(share).join()}`)
  return createHash('sha256').update(whole.toSorted().join('\n')).digest('hex').slice(0, 8)
}
