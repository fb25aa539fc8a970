import { NotFoundError } from '../../src/api/errors.ts'
import { decodeConnectAssignment } from '../../src/kafka/groups/connect-protocol.ts'
import type { Herder } from '../../src/worker/herder.ts'
import { itemsOf } from '../../src/worker/groups/work-items.ts'
import { Cluster, type SimulatedWorker } from './cluster.ts'
import { checkAssignment, Invariants, unrest, Violation } from './invariants.ts'
import { VirtualTime } from './virtual-time.ts'

/** What came of a schedule. */
export interface Outcome {
  readonly seed: number
  readonly problem: string | undefined
  /** What was done and seen, in order; where it was traced. */
  readonly trace: readonly string[]
  readonly steps: number
  readonly assignments: number
  /** How long it took after the last trouble until everything ran, in simulated milliseconds. */
  readonly restAfter: number
}

const TROUBLE = 40_000
const LONGEST_REST = 120_000
/** What has been at rest for so long stays so: longer than a session and a delay. */
const REST = 17_000
/** How often it is looked whether all is at rest, and at how many looks clients ask again what was not answered. */
const LOOK = 250
const ASK_AGAIN = 20
const CONNECTORS = ['a', 'b', 'c']

/** Runs the schedule of a seed: some time in which anything happens, then quiet, in which everything must come right. */
export async function runSchedule(seed: number, traced = false): Promise<Outcome> {
  return new Schedule(seed, traced).run()
}

type Request = readonly [string, (herder: Herder) => Promise<unknown>]

class Schedule {
  readonly #seed: number
  readonly #traced: boolean
  readonly #time: VirtualTime
  readonly #cluster: Cluster
  readonly #invariants = new Invariants()
  readonly #trace: string[] = []
  /** Stops that were asked for, and not answered well. */
  readonly #stops = new Map<string, Request[1]>()
  #failure: unknown
  #steps = 0
  #assignments = 0
  #changes = 0
  #isQuiet = false

  constructor(seed: number, traced: boolean) {
    this.#seed = seed
    this.#traced = traced
    this.#time = new VirtualTime(seed)
    const { dice } = this.#time
    this.#cluster = new Cluster(this.#time, {
      settings: {
        'group.id': 'workers',
        'config.storage.topic': 'configs',
        'offset.storage.topic': 'offsets',
        'status.storage.topic': 'statuses',
        'rebalance.timeout.ms': '10000',
        'scheduled.rebalance.max.delay.ms': dice.of(['0', '3000', '3000', '10000']),
        'connect.protocol': dice.chance(0.1) ? 'eager' : dice.of(['sessioned', 'compatible']),
      },
      onAssigned: (worker, members, shares) => {
        this.#assignments++
        if (this.#traced)
          for (const [memberId, bytes] of shares)
            this.#note(`${worker.process.name} leads: ${memberId} gets ${inWords(bytes)}`)
        this.#guard(() => checkAssignment(worker, members, shares))
      },
      note: (what) => this.#note(what),
      onConfigWritten: (key, by) => this.#onWritten(key, by.name),
    })
  }

  async run(): Promise<Outcome> {
    const { dice } = this.#time
    for (let n = 1 + dice.below(4); n > 0; n--) this.#cluster.start()
    for (let at = dice.below(2_000); at < TROUBLE; at += dice.below(2_500))
      this.#time.after(at, undefined, () => this.#happen())
    await this.#until(this.#time.now + TROUBLE)
    this.#calm()
    const restAfter = await this.#comeToRest()
    const problem =
      this.#failure === undefined
        ? undefined
        : String(this.#failure instanceof Violation ? this.#failure : (this.#failure as Error).stack)
    return {
      seed: this.#seed,
      problem,
      trace: this.#trace,
      steps: this.#steps,
      assignments: this.#assignments,
      restAfter,
    }
  }

  /** Waits until everything runs, and has done so for a while; how long it took. */
  async #comeToRest(): Promise<number> {
    const began = this.#time.now
    let disturbed = { at: began, why: 'it was not looked at' }
    for (let n = 1; !this.#isOver() && this.#time.now < disturbed.at + REST; n++) {
      if (n % ASK_AGAIN === 0) this.#askAgain()
      await this.#until(this.#time.now + LOOK)
      const why = unrest(this.#cluster)
      if (why !== undefined) disturbed = { at: this.#time.now, why }
      if (disturbed.at > began + LONGEST_REST)
        this.#failure ??= new Violation(`${LONGEST_REST} ms after the last trouble, ${disturbed.why}`)
    }
    return disturbed.at - began
  }

  async #until(end: number): Promise<void> {
    await this.#time.runUntil(end, () => {
      this.#steps++
      if (this.#failure === undefined) this.#guard(() => this.#invariants.check(this.#cluster))
      return this.#failure === undefined
    })
  }

  #isOver(): boolean {
    return this.#failure !== undefined
  }

  #guard(check: () => void): void {
    try {
      check()
    } catch (error) {
      this.#failure ??= error
      this.#note(String(error))
    }
  }

  #note(what: string): void {
    if (this.#traced) this.#trace.push(`${Math.round(this.#time.now)} ${what}`)
  }

  /** A leader may die, or be cut off, between the configs of tasks and their commit. */
  #onWritten(key: string, by: string): void {
    this.#note(`${by} wrote ${key}`)
    const { dice } = this.#time
    if (this.#isQuiet || !key.startsWith('task-') || !dice.chance(0.05)) return
    const writer = this.#cluster.alive.find(({ process }) => process.name === by)
    if (writer === undefined) return
    if (dice.chance(0.5)) this.#kill(writer)
    else this.#cut(writer)
  }

  #happen(): void {
    const { dice } = this.#time
    const { alive } = this.#cluster
    const worker = alive.length === 0 ? undefined : dice.of(alive)
    const actions: readonly (readonly [number, () => void])[] = [
      [alive.length < 4 ? 3 : 0, () => this.#start()],
      [1.5, () => worker && this.#kill(worker)],
      [1.5, () => worker && this.#stopWorker(worker)],
      [2, () => worker && this.#pause(worker)],
      [2, () => worker && this.#cut(worker)],
      [1, () => worker && this.#cutFromPeers(worker)],
      [8, () => worker && this.#ask(worker)],
    ]
    let roll = dice.roll() * actions.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, act] of actions) {
      roll -= weight
      if (roll >= 0) continue
      act()
      return
    }
  }

  #start(): void {
    this.#note('a worker starts')
    this.#cluster.start()
  }

  #kill(worker: SimulatedWorker): void {
    this.#note(`${worker.process.name} is killed`)
    this.#cluster.kill(worker)
  }

  #stopWorker(worker: SimulatedWorker): void {
    this.#note(`${worker.process.name} stops`)
    this.#cluster.stop(worker)
  }

  #pause({ process }: SimulatedWorker): void {
    if (process.state !== 'running') return
    const length = 100 + this.#time.dice.below(15_000)
    this.#note(`${process.name} is paused for ${length} ms`)
    process.state = 'stopped'
    this.#time.after(length, undefined, () => this.#time.resume(process))
  }

  #cut({ process }: SimulatedWorker): void {
    const length = 100 + this.#time.dice.below(15_000)
    this.#note(`${process.name} is cut off for ${length} ms`)
    this.#cluster.network.cut(process)
    this.#time.after(length, undefined, () => this.#cluster.network.heal(process))
  }

  #cutFromPeers({ process }: SimulatedWorker): void {
    const length = 100 + this.#time.dice.below(15_000)
    this.#note(`${process.name} is cut off from its peers for ${length} ms`)
    this.#cluster.network.cutFromPeers(process)
    this.#time.after(length, undefined, () => this.#cluster.network.heal(process))
  }

  /** A client's request to some worker. */
  #ask(worker: SimulatedWorker): void {
    const { dice } = this.#time
    const name = dice.of(CONNECTORS)
    const version = `${++this.#changes}`
    const config = {
      ...{ name, 'connector.class': 'FileStreamSource', topic: 'out', file: '/dev/null', 'tasks.max': '9' },
      ...{ version, count: `${1 + dice.below(4)}` },
    }
    const changes: readonly Request[] = [
      [`puts ${name} in version ${version}`, (herder) => herder.put(name, config)],
      [`creates ${name} in version ${version}`, (herder) => herder.create(name, config)],
    ]
    const others: readonly Request[] = [
      [`deletes ${name}`, (herder) => herder.remove(name)],
      [`stops ${name}`, (herder) => herder.stop(name)],
      [`pauses ${name}`, (herder) => herder.pause(name)],
      [`resumes ${name}`, (herder) => herder.resume(name)],
      [`resumes ${name}`, (herder) => herder.resume(name)],
      [`restarts ${name}`, (herder) => herder.restart(name, true, false)],
    ]
    const exists = worker.configs?.get(name) !== undefined
    const [what, request] = dice.of(exists || dice.chance(0.1) ? [...changes, ...others] : changes)
    if (what.startsWith('stops')) this.#stops.set(name, request)
    this.#send(worker, what, request, () => this.#stops.get(name) === request && this.#stops.delete(name))
  }

  #send(worker: SimulatedWorker, what: string, request: Request[1], onDone: () => void): void {
    const { process } = worker
    this.#time.after(1, process, () => {
      this.#note(`${process.name} ${what}`)
      void this.#cluster.request(worker, request).then(
        () => {
          this.#note(`${process.name} ${what}: done`)
          onDone()
        },
        (error: unknown) => {
          this.#note(`${process.name} ${what}: ${String(error)}`)
          if (error instanceof NotFoundError) onDone()
        },
      )
    })
  }

  /**
   * A stop is two records, first no tasks, then the state. Whoever gets no answer asks again: where the leader dies between
   * the two, a connector runs without tasks, as in Kafka Connect.
   */
  #askAgain(): void {
    const { alive } = this.#cluster
    for (const [name, request] of this.#stops) {
      const onDone = (): boolean => this.#stops.get(name) === request && this.#stops.delete(name)
      if (alive.length > 0) this.#send(this.#time.dice.of(alive), `stops ${name} again`, request, onDone)
    }
  }

  /** No more trouble: everybody can talk, nobody is stopped, somebody is there. */
  #calm(): void {
    this.#note('quiet')
    this.#isQuiet = true
    for (const { process } of this.#cluster.workers) {
      this.#cluster.network.heal(process)
      this.#time.resume(process)
    }
    if (this.#cluster.alive.every(({ isStopping }) => isStopping)) this.#start()
  }
}

function inWords(assignment: Buffer): string {
  const { error, revokedConnectors, revokedTasks, delayMs, ...assigned } = decodeConnectAssignment(assignment)
  const [gets, gives] = [assigned, { connectors: revokedConnectors, tasks: revokedTasks }].map((work) =>
    [...itemsOf(work).keys()].join(' '),
  )
  return `+[${gets}] -[${gives}] ${delayMs > 0 ? `delay ${delayMs}` : ''} ${error === 0 ? '' : 'mismatch'}`
}
