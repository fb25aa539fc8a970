import {
  ASSIGNMENT_OK,
  type ConnectAssignment,
  connectProtocolVersion,
  type ConnectProtocolVersion,
  decodeWorkerState,
  encodeConnectAssignment,
  encodeWorkerState,
} from '../../src/kafka/groups/connect-protocol.ts'
import { assignWork } from '../../src/worker/groups/assignment.ts'
import { CooperativeAssignor } from '../../src/worker/groups/cooperative-assignor.ts'
import { itemsOf, minus, union, type Work, workOf } from '../../src/worker/groups/work-items.ts'
import { Dice } from './transform-dice.ts'

/** One rebalance as its leader sees it, for both leaders: members by id with the bytes with which they joined. */
export interface RoundCase {
  readonly now: number
  readonly generation: number
  readonly lastGeneration: number
  readonly leader: string
  /** Whose memory is asked: another one where another worker leads. */
  readonly assignor: string
  readonly protocol: 'sessioned' | 'compatible' | 'default'
  readonly configOffset: number
  /** How many tasks each has. */
  readonly connectors: Readonly<Record<string, number>>
  readonly members: Readonly<Record<string, string>>
}

export interface SequenceCase {
  readonly maxDelay: number
  readonly rounds: readonly RoundCase[]
  /** What our leaders assigned: members by id. */
  readonly ours: readonly Readonly<Record<string, string>>[]
}

/** Java keeps members in a HashMap: single letters keep their order in it, up to `o`. */
const MEMBERS = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
const CONNECTORS = ['c', 'c-1', 'd', 'e', 'Z', 'ä']
const DELAYS = [0, 1, 2, 39, 1_000, 3_000, 60_000, 300_000]

/** Sequences of rebalances, the same for the same seed: members come, go, return, miss assignments; connectors change. */
export function* sequences(count: number, seed: number): Generator<SequenceCase> {
  for (let n = 0; n < count; n++) yield new Sequence(new Dice(seed * 1_000_003 + n)).play()
}

class Sequence {
  readonly #dice: Dice
  readonly #maxDelay: number
  readonly #protocol: RoundCase['protocol']
  /** What each member runs. */
  readonly #held = new Map<string, Work>()
  readonly #connectors = new Map<string, number>()
  readonly #assignors = new Map<
    string,
    { readonly name: string; readonly cooperative: CooperativeAssignor }
  >()
  /** By leader: the last generation whose assignment it took. */
  readonly #taken = new Map<string, number>()
  #leader = 'a'
  #starts = 0
  #generation = 0
  #configOffset = 0
  #now = 1_000
  #delay = 0

  constructor(dice: Dice) {
    this.#dice = dice
    this.#maxDelay = dice.of(DELAYS)
    this.#protocol = dice.chance(0.1) ? 'default' : dice.of(['sessioned', 'compatible'])
    for (let n = dice.below(4); n >= 0; n--) this.#join()
    for (let n = dice.below(5); n > 0; n--) this.#reconfigure()
  }

  play(): SequenceCase {
    const rounds: RoundCase[] = []
    const ours: Record<string, string>[] = []
    for (let n = 3 + this.#dice.below(12); n > 0; n--) {
      this.#happen()
      const round = this.#round()
      rounds.push(round)
      ours.push(this.#assign(round))
    }
    return { maxDelay: this.#maxDelay, rounds, ours }
  }

  /** What happens between two rebalances. */
  #happen(): void {
    const dice = this.#dice
    this.#now += dice.of([0, 1, 40, 1_600, this.#delay, this.#delay, this.#maxDelay >> 1, this.#maxDelay * 2])
    if (dice.chance(0.25)) this.#join()
    if (dice.chance(0.25)) this.#lose()
    if (dice.chance(0.1)) this.#held.set(dice.of([...this.#held.keys()]), NO_WORK)
    if (dice.chance(0.3)) this.#reconfigure()
    if (dice.chance(0.08)) this.#runTwice()
    if (dice.chance(0.1)) this.#leader = dice.of([...this.#held.keys()])
    if (dice.chance(0.05)) this.#generation++
  }

  #join(): void {
    const free = MEMBERS.filter((memberId) => !this.#held.has(memberId))
    if (free.length === 0) return
    const memberId = this.#dice.of(free)
    this.#held.set(memberId, NO_WORK)
    if (this.#held.size === 1) this.#leader = memberId
  }

  /** Whoever leads next knows what it remembers itself; a worker that starts anew remembers nothing. */
  #lose(): void {
    for (const memberId of this.#dice.some([...this.#held.keys()], 2)) {
      if (this.#held.size === 1) break
      this.#held.delete(memberId)
      this.#assignors.delete(memberId)
      this.#taken.delete(memberId)
      this.#starts++
    }
    if (!this.#held.has(this.#leader)) this.#leader = this.#dice.of([...this.#held.keys()])
  }

  #reconfigure(): void {
    const name = this.#dice.of(CONNECTORS)
    this.#configOffset++
    if (this.#connectors.has(name) && this.#dice.chance(0.4)) this.#connectors.delete(name)
    else this.#connectors.set(name, this.#dice.below(6))
  }

  #runTwice(): void {
    const [from, to] = [this.#dice.of([...this.#held.keys()]), this.#dice.of([...this.#held.keys()])]
    const copied = [...itemsOf(this.#held.get(from) ?? NO_WORK)].slice(0, this.#dice.below(4))
    this.#held.set(to, workOf(union([itemsOf(this.#held.get(to) ?? NO_WORK), new Map(copied)])))
  }

  #round(): RoundCase {
    const stale = this.#dice.chance(0.04)
    const version = connectProtocolVersion(this.#protocol)
    const offset = BigInt(this.#configOffset)
    const members = [...this.#held].map(([memberId, work]) => {
      const configOffset = stale
        ? offset + 1n
        : memberId === this.#leader
          ? offset
          : this.#dice.of([offset, -1n])
      const isNew = work === NO_WORK && this.#dice.chance(0.5)
      const assignment = isNew ? null : { ...NO_ASSIGNMENT, ...work }
      const metadata = encodeWorkerState({ url: `http://${memberId}/`, configOffset, assignment }, version)
      return [memberId, metadata.toString('hex')]
    })
    return {
      now: this.#now,
      generation: ++this.#generation,
      lastGeneration: this.#taken.get(this.#leader) ?? -1,
      leader: this.#leader,
      assignor: this.#memory().name,
      protocol: this.#protocol,
      configOffset: this.#configOffset,
      connectors: Object.fromEntries(this.#connectors),
      members: Object.fromEntries(members) as Record<string, string>,
    }
  }

  /** What the present leader remembers. */
  #memory(): { readonly name: string; readonly cooperative: CooperativeAssignor } {
    const name = `${this.#leader}${this.#starts}`
    const options = { maxDelay: this.#maxDelay, now: () => this.#now }
    const memory = this.#assignors.get(this.#leader) ?? {
      name,
      cooperative: new CooperativeAssignor(options),
    }
    this.#assignors.set(this.#leader, memory)
    return memory
  }

  /** What our leader assigns; most members hear of it, and do it. */
  #assign({
    generation,
    lastGeneration,
    leader,
    protocol,
    members,
    connectors,
  }: RoundCase): Record<string, string> {
    const version = connectProtocolVersion(protocol)
    const states = Object.entries(members).map(
      ([memberId, hex]) => [memberId, decodeWorkerState(Buffer.from(hex, 'hex'))] as const,
    )
    const view = {
      memberId: leader,
      configOffset: BigInt(this.#configOffset),
      work: configured(connectors),
      generation,
      lastGeneration,
    }
    const assigned = assignWork(version, new Map(states), view, this.#memory().cooperative)
    const nobody = this.#dice.chance(0.05)
    for (const [memberId, share] of assigned) {
      if (nobody || this.#dice.chance(0.05)) continue
      if (memberId === leader) this.#taken.set(leader, generation)
      this.#take(memberId, share, version)
    }
    this.#delay = [...assigned.values()][0]?.delayMs ?? 0
    return Object.fromEntries(
      [...assigned].map(([memberId, share]) => [
        memberId,
        encodeConnectAssignment(share, version).toString('hex'),
      ]),
    )
  }

  #take(memberId: string, share: ConnectAssignment, version: ConnectProtocolVersion): void {
    const { connectors, tasks, revokedConnectors, revokedTasks, error } = share
    if (error !== ASSIGNMENT_OK) return
    const held = version === 0 ? NO_WORK : (this.#held.get(memberId) ?? NO_WORK)
    const kept = minus(itemsOf(held), itemsOf({ connectors: revokedConnectors, tasks: revokedTasks }))
    this.#held.set(memberId, workOf(union([kept, itemsOf({ connectors, tasks })])))
  }
}

function configured(counts: Readonly<Record<string, number>>): Work {
  const connectors = Object.keys(counts)
  const tasks = connectors.flatMap((connector) =>
    Array.from({ length: counts[connector] ?? 0 }, (_, task) => ({ connector, task })),
  )
  return { connectors, tasks }
}

const NO_WORK: Work = { connectors: [], tasks: [] }
const NO_ASSIGNMENT: ConnectAssignment = {
  ...{ error: 0, leader: 'a', leaderUrl: 'http://a/', configOffset: 0n, delayMs: 0 },
  ...{ connectors: [], tasks: [], revokedConnectors: [], revokedTasks: [] },
}
