import type { Logger } from '../../api/log.ts'
import {
  ASSIGNMENT_OK,
  CONFIG_MISMATCH,
  type ConnectAssignment,
  CONNECT_PROTOCOLS,
  connectProtocolVersion,
  decodeConnectAssignment,
  encodeWorkerState,
} from '../../kafka/groups/connect-protocol.ts'
import type { GroupAssignment } from '../../kafka/groups/group.ts'
import { nameOf, type TaskId } from '../../runtime/host/protocol.ts'
import type { AssignedWork } from '../assigned-work.ts'
import type { ConfigStore } from '../stores/config-store.ts'
import type { DistributedMode } from '../settings/modes.ts'
import type { WorkerSettings } from '../settings/settings.ts'
import type { Place } from '../cluster/place.ts'
import { NO_OWNERS, ownerOf, type Owners, ownersOf } from './owners.ts'
import type { ShareOut } from './share-out.ts'
import type { CreateMember } from './sink-membership.ts'

export interface WorkerGroupOptions {
  readonly mode: DistributedMode
  readonly settings: Pick<WorkerSettings, 'sessionTimeout' | 'rebalanceTimeout' | 'heartbeatInterval'>
  /** The advertised REST URL, with a slash at its end. */
  readonly url: string
  readonly configs: Pick<ConfigStore, 'offset' | 'readToEnd'>
  readonly work: Pick<AssignedWork, 'runOnly' | 'dropAll'>
  readonly shareOut: ShareOut
  /** Before an assignment is taken: what is said of connectors and tasks from now on is of this generation. */
  readonly onGeneration: (generation: number) => void
  /** After each assignment was taken. */
  readonly onTaken: (generation: number, leads: boolean) => Promise<void> | void
  readonly log: Logger
}

interface Held {
  readonly connectors: readonly string[]
  readonly tasks: readonly TaskId[]
}

const NOTHING: Held = { connectors: [], tasks: [] }

/** What a worker that leaves is at: what it says at its next join, and what it said at the last. */
interface Farewell extends PromiseWithResolvers<undefined> {
  stage: 'leaving' | 'forget me'
  said: 'leaving' | 'forget me' | undefined
}

/** Further than any config topic grows while a worker stops. */
const FAR_AHEAD = 1_000_000n

/**
 * This worker's membership in its group, in Kafka Connect's own protocol. Under `sessioned` and `compatible` work goes
 * on during a rebalance and only what is revoked stops; under `default` everything stops before joining again.
 */
export class WorkerGroup implements Place {
  readonly #options: WorkerGroupOptions
  readonly #member: ReturnType<CreateMember>
  readonly #joined = Promise.withResolvers<undefined>()
  #held: Held = NOTHING
  #last: ConnectAssignment | null = null
  #version: 0 | 1 | 2 = 2
  #delayed: NodeJS.Timeout | undefined
  /** The last generation whose assignment was taken. */
  #generation = -1
  #inGroup = false
  #dropping = 0
  #losses = 0
  #retired = false
  #left = false
  #farewell: Farewell | undefined
  #memberId = ''
  #rebalancing = true
  /** As this worker shared the work out last, where it led. */
  #owners: Owners = NO_OWNERS

  constructor(options: WorkerGroupOptions, create: CreateMember) {
    const { mode, settings, log, work } = options
    this.#options = options
    this.#member = create({
      groupId: mode.groupId,
      protocolType: 'connect',
      sessionTimeoutMs: settings.sessionTimeout,
      rebalanceTimeoutMs: settings.rebalanceTimeout,
      heartbeatMs: settings.heartbeatInterval,
      log,
      protocols: () => this.#protocols(),
      assign: async (protocol, members, leaderId, generation) => {
        const lastGeneration = this.#generation
        const round = { protocol, members, leaderId, generation, lastGeneration }
        const shares = await options.shareOut(round)
        this.#owners = ownersOf(protocol, members, shares)
        return shares
      },
      onAssigned: (assignment) => this.#onAssigned(assignment),
      onRevoked: async () => {
        this.#rebalancing = true
        if (this.#version === 0) await work.dropAll()
      },
      onLost: () => this.#onLost(),
    })
  }

  /** A process that was stopped for longer than its session finds itself out by the clock, before anybody tells it. */
  get inGroup(): boolean {
    return this.#inGroup && !this.#left && this.heldUntil > performance.now()
  }

  get leads(): boolean {
    return this.inGroup && this.#last?.leader === this.#memberId
  }

  get leaderUrl(): string | undefined {
    return this.inGroup ? this.#last?.leaderUrl || undefined : undefined
  }

  get rebalancing(): boolean {
    return this.#rebalancing
  }

  get protocolVersion(): 0 | 1 | 2 {
    return this.#version
  }

  get others(): readonly string[] {
    return this.leads ? this.#owners.members.filter((url) => url !== this.#options.url) : []
  }

  ownerUrl(connector: string, task?: number): string | undefined {
    const url = this.leads ? ownerOf(this.#owners, connector, task) : undefined
    return url === this.#options.url ? undefined : url
  }

  /**
   * Until when nobody else runs what this worker does (performance.now()); 0 as long as it still stops what it ran in a
   * place that it has lost: a new place says nothing of that.
   */
  get heldUntil(): number {
    return this.#dropping > 0 ? 0 : this.#member.heldUntil
  }

  /** Joins in the background; resolves with the first assignment. */
  async start(): Promise<void> {
    await this.#member.start()
    await this.#joined.promise
  }

  /** What there is to run changed: the leader must share it out anew. */
  rejoin(reason: string): void {
    this.#rebalancing = true
    this.#member.rejoin(reason)
  }

  /** There is nothing to wait for here: assignments come when the leader makes them. */
  settled(): Promise<void> {
    return Promise.resolve()
  }

  /** Takes no assignment any more. */
  retire(): void {
    this.#retired = true
    clearTimeout(this.#delayed)
  }

  /**
   * Once everything has stopped here: gives it back, so that others run it at once instead of waiting for this worker's
   * return. Resolves when the leader has heard of it; without a place in the group, at once.
   */
  async handBack(): Promise<void> {
    if (!this.#inGroup || this.#version === 0) return
    this.#held = NOTHING
    this.#farewell = { ...Promise.withResolvers<undefined>(), stage: 'leaving', said: undefined }
    this.rejoin('the worker stops')
    await this.#farewell.promise
  }

  async leave(): Promise<void> {
    this.retire()
    this.#left = true
    this.#farewell?.resolve(undefined)
    await this.#member.leave()
  }

  #protocols(): { name: string; metadata: Buffer }[] {
    const { mode, url, configs } = this.#options
    const preferred = mode.protocol === 'eager' ? 'default' : mode.protocol
    const first = CONNECT_PROTOCOLS.findIndex(({ name }) => name === preferred)
    const farewell = this.#farewell
    if (farewell !== undefined) farewell.said = farewell.stage
    const ahead = farewell?.stage === 'forget me' ? FAR_AHEAD : 0n
    const state = {
      url,
      configOffset: configs.offset + ahead,
      assignment: this.#lastAssignment(),
      leaving: farewell !== undefined,
    }
    return CONNECT_PROTOCOLS.slice(first).map(({ name, version }) => ({
      name,
      metadata: encodeWorkerState(state, version),
    }))
  }

  /** What this worker tells the leader that it runs. */
  #lastAssignment(): ConnectAssignment | null {
    if (this.#last === null) return null
    return { ...this.#last, ...this.#held, revokedConnectors: [], revokedTasks: [], delayMs: 0, error: 0 }
  }

  async #onAssigned({
    generation,
    memberId,
    leaderId,
    protocol,
    assignment,
  }: GroupAssignment): Promise<void> {
    const taken = decodeConnectAssignment(assignment)
    this.#generation = generation
    if (this.#retired) {
      this.#onHeard(taken)
      return
    }
    clearTimeout(this.#delayed)
    const { work, configs, onTaken, log } = this.#options
    this.#version = connectProtocolVersion(protocol)
    const losses = this.#losses
    if (taken.error === CONFIG_MISMATCH || taken.configOffset > configs.offset) await configs.readToEnd()
    // It stops, or lost the place that this assignment is for, while it read.
    if (this.#isRetired() || losses !== this.#losses) return
    if (taken.error === CONFIG_MISMATCH) {
      this.rejoin('the configurations were behind')
      return
    }
    this.#last = taken
    this.#memberId = memberId
    this.#rebalancing = false
    this.#held = this.#version === 0 ? taken : holding(this.#held, taken)
    log.info('assigned', {
      generation,
      leads: leaderId === memberId,
      connectors: this.#held.connectors,
      tasks: this.#held.tasks.map(nameOf),
    })
    this.#inGroup = true
    this.#joined.resolve(undefined)
    this.#options.onGeneration(generation)
    await work.runOnly(this.#held.connectors, this.#held.tasks)
    await onTaken(generation, leaderId === memberId)
    // KIP-415: what was given up can be assigned anew once everybody has joined without it.
    if (taken.revokedConnectors.length + taken.revokedTasks.length > 0) this.rejoin('work was given up')
    else if (taken.delayMs > 0)
      this.#delayed = setTimeout(() => this.rejoin('the rebalance delay is over'), taken.delayMs)
  }

  /**
   * The leader has answered a worker that leaves. One that gives it work is a Java worker, to which whoever is here has
   * lost nothing, and whoever goes is lost. Its memory of the last round is what makes it wait; it drops that when a
   * round fails, and a round fails where a member has read more of the config topic than there is.
   */
  #onHeard({ error, connectors, tasks }: ConnectAssignment): void {
    const farewell = this.#farewell
    if (farewell?.said === undefined) return
    if (farewell.said === 'leaving' && error === ASSIGNMENT_OK && connectors.length + tasks.length > 0) {
      farewell.stage = 'forget me'
      this.rejoin('the worker stops')
    } else farewell.resolve(undefined)
  }

  // Changes while a method waits, which the compiler does not see.
  #isRetired(): boolean {
    return this.#retired
  }

  /** Invariant 4: whoever has lost its place stops. */
  #onLost(): void {
    this.#losses++
    this.#inGroup = false
    this.#rebalancing = true
    this.#held = NOTHING
    this.#last = null
    this.#farewell?.resolve(undefined)
    this.#dropping++
    void this.#options.work.dropAll({ lost: true }).finally(() => this.#dropping--)
  }
}

function holding(
  held: Held,
  { connectors, tasks, revokedConnectors, revokedTasks }: ConnectAssignment,
): Held {
  const gone = new Set(revokedTasks.map(nameOf))
  const all = [...held.tasks, ...tasks].filter((id) => !gone.has(nameOf(id)))
  const names = [...held.connectors, ...connectors].filter((name) => !revokedConnectors.includes(name))
  return {
    connectors: [...new Set(names)],
    tasks: [...new Map(all.map((id) => [nameOf(id), id])).values()],
  }
}
