import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import type { KafkaClient } from '../client.ts'
import {
  GROUP_CODES,
  type GroupCalls,
  groupCode,
  GroupRequests,
  type JoinedGroup,
  type MemberMetadata,
} from './group-requests.ts'
import { GroupSession, type Seat } from './group-session.ts'
import { backOffMs, isRetriable } from '../retry.ts'

export interface GroupAssignment {
  readonly generation: number
  readonly memberId: string
  readonly leaderId: string
  /** The name of the protocol (assignor) that the coordinator chose. */
  readonly protocol: string
  /** As the leader wrote it. */
  readonly assignment: Buffer
}

/**
 * `onAssigned` and `onRevoked` never run at the same time, and the member does not join again before the one that runs
 * has settled. `onLost` may come while one of them runs, and must make it settle soon. What a callback throws is
 * logged, and the member joins again after a back-off.
 */
export interface GroupMemberOptions {
  readonly groupId: string
  readonly protocolType: 'consumer' | 'connect'
  /**
   * Of a static member (KIP-345): it may leave without a word and come back within the session timeout, and the others
   * hear nothing of it. Whoever joins later with the same id takes the place.
   */
  readonly groupInstanceId?: string | null
  /** Of a consumer: what is assigned stays held while it joins again, until an assignment without it (KIP-429). */
  readonly cooperative?: boolean
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly heartbeatMs: number
  readonly log: Logger
  /** What this member can speak, in the order of preference; asked at every join. */
  protocols(): { name: string; metadata: Buffer }[]
  /** Asked when this member leads (`leaderId` is its own id): each member's assignment. */
  assign(
    protocol: string,
    members: readonly MemberMetadata[],
    leaderId: string,
    generation: number,
  ): Promise<Map<string, Buffer>> | Map<string, Buffer>
  /** Before joining again, when something is assigned: finish and commit. Heartbeats go on meanwhile. */
  onRevoked(): Promise<void>
  onAssigned(assignment: GroupAssignment): Promise<void>
  /** Fenced, or the session expired: drop everything, commit nothing (invariant 4). */
  onLost(reason: string): void
  /** After onLost: somebody else has taken the place of this static member. It has left the group for good. */
  onReplaced?(reason: string): void
}

/**
 * idle       not started
 * joining    JoinGroup and SyncGroup are under way, or a try failed and the next one waits
 * assigning  onAssigned runs
 * stable     assigned, waiting for a reason to join again
 * revoking   onRevoked runs
 * left       leave() was called; no callback starts any more
 *
 *   idle ─start→ joining ─SyncGroup answered→ assigning → stable ─rebalance, rejoin()→ revoking → joining
 *                   ↑ any failure: back-off      └──────────┴───── lost: onLost ─────────┴────────→ joining
 *
 * Heartbeats go from the first JoinGroup answer on, in all of these states. What is assigned counts as held from
 * `assigning` until it was revoked (eager) or lost; cooperative consumers (KIP-429) and Connect's workers (KIP-415) keep
 * running while they join again, so they can lose what they hold in `joining` too.
 *
 * A static member that was replaced goes from any state to `left`: were it to join again, the two would take the place
 * from each other for ever.
 */
type State = 'idle' | 'joining' | 'assigning' | 'stable' | 'revoking' | 'left'

const LEAVE_WAIT_MS = 2000
const HICCUP_MS = 1000

/** A member of a classic consumer group (or Connect's). It joins, heartbeats and joins again by itself, for ever. */
export class GroupMember {
  readonly #options: GroupMemberOptions
  readonly #log: Logger
  readonly #requests: GroupCalls
  readonly #session: GroupSession
  readonly #stopped = new AbortController()
  #state: State = 'idle'
  #memberId = ''
  #held = false
  /** Why to leave `stable`; set from anywhere, taken by the loop. */
  #reason: string | null = null
  #lost = false
  #wake = Promise.withResolvers<undefined>()
  /** Resolves when a rebalance is over. */
  #settling = Promise.withResolvers<undefined>()
  /** The last trouble that was logged, so that it is logged once and not at each try. */
  #trouble: string | null = null
  /** On the clock of performance.now(). */
  #troubleSince: number | null = null
  #failures = 0

  constructor(
    client: KafkaClient,
    options: GroupMemberOptions,
    requests: GroupCalls = new GroupRequests(client, options, options),
  ) {
    this.#options = options
    this.#log = options.log.child({ group: options.groupId })
    this.#requests = requests
    this.#session = new GroupSession({
      sessionTimeoutMs: options.sessionTimeoutMs,
      heartbeatMs: options.heartbeatMs,
      rebalanceTimeoutMs: options.rebalanceTimeoutMs,
      beat: (seat) => this.#requests.heartbeat(seat.memberId, seat.generation),
      onRefused: (seat, error) => this.#onRefused(seat, error),
      onHeard: () => this.#recovered(),
      onExpired: (reason) => this.#lose(reason),
    })
  }

  /** Until when what is assigned is surely nobody else's (performance.now()); 0 where nothing is. */
  get heldUntil(): number {
    return this.#held ? this.#session.expiresAt : 0
  }

  /** Begins to join in the background; resolves at once. The first assignment comes through onAssigned. */
  start(): Promise<void> {
    if (this.#state === 'idle') {
      this.#state = 'joining'
      void this.#run()
    }
    return Promise.resolve()
  }

  /** Joins again as soon as no callback runs, with what `protocols()` then says. */
  rejoin(reason: string): void {
    this.#reason ??= reason
    this.#wake.resolve(undefined)
  }

  /**
   * Leaves the group, so that the others take over at once; waits at most 2 s for the coordinator. `willReturn`: a static
   * member says nothing, and keeps its place for the session timeout. Calls no callback: finish and commit before.
   * Idempotent.
   */
  async leave({ willReturn = false } = {}): Promise<void> {
    if (this.#state === 'left') return
    const joined = this.#state !== 'idle' && this.#memberId !== ''
    const silent = willReturn && this.#isStatic
    this.#end()
    if (joined && !silent) {
      const left = this.#requests.leave(this.#memberId, 'the member stops').catch((error: unknown) => {
        this.#log.debug('could not say goodbye to the coordinator', { reason: messageOf(error) })
      })
      await Promise.race([left, sleep(LEAVE_WAIT_MS, undefined, { ref: false })])
    }
    await this.#requests.close()
  }

  /** Resolves when the member is between two rebalances, or has left. */
  async settled(): Promise<void> {
    while (this.#state === 'joining' || this.#state === 'assigning') await this.#settling.promise
  }

  #end(): void {
    this.#state = 'left'
    this.#session.end()
    this.#stopped.abort()
    this.#wake.resolve(undefined)
    this.#settle()
  }

  #settle(): void {
    this.#settling.resolve(undefined)
    this.#settling = Promise.withResolvers<undefined>()
  }

  get #isStatic(): boolean {
    return (this.#options.groupInstanceId ?? null) !== null
  }

  async #run(): Promise<void> {
    while (!this.#isLeft()) {
      try {
        const assignment = await this.#join()
        if (assignment !== null) await this.#hold(assignment)
      } catch (error) {
        this.#joinFailed(error)
        await this.#backOff()
      }
    }
  }

  /** One JoinGroup and SyncGroup. Null where the answer is of no use any more: join again. */
  async #join(): Promise<GroupAssignment | null> {
    this.#state = 'joining'
    const reason = this.#reason ?? 'the member starts'
    this.#reason = null
    this.#lost = false
    const joined = await this.#joinWith(this.#options.protocols(), reason)
    if (joined === null || this.#isLeft() || this.#isLost()) return null
    this.#memberId = joined.memberId
    this.#session.begin(joined, this.#held)
    const leads = joined.leaderId === joined.memberId
    const assignments =
      leads && !joined.skipAssignment
        ? await this.#options.assign(joined.protocol, joined.members, joined.memberId, joined.generation)
        : new Map<string, Buffer>()
    if (this.#isLeft()) return null
    const sentAt = performance.now()
    const assignment = await this.#requests.sync(joined, assignments)
    // What was lost meanwhile is still in the metadata that the leader decided on: its answer would miss it.
    if (this.#isLeft() || this.#isLost()) return null
    this.#session.synced(sentAt)
    this.#recovered()
    const { generation, memberId, leaderId, protocol } = joined
    return { generation, memberId, leaderId, protocol, assignment }
  }

  async #joinWith(
    protocols: { name: string; metadata: Buffer }[],
    reason: string,
  ): Promise<JoinedGroup | null> {
    for (;;) {
      const answer = await this.#requests.join(this.#memberId, protocols, reason)
      if (!('assignedId' in answer)) return answer
      this.#memberId = answer.assignedId
      if (this.#isLeft()) return null
    }
  }

  /** From an assignment to the moment when the member must join again. */
  async #hold(assignment: GroupAssignment): Promise<void> {
    const { generation, memberId, leaderId, protocol } = assignment
    this.#log.info('joined the group', { generation, memberId, protocol, leads: leaderId === memberId })
    this.#held = true
    this.#state = 'assigning'
    const taken = await this.#guard('onAssigned', () => this.#options.onAssigned(assignment))
    if (this.#isLeft()) return
    this.#state = 'stable'
    this.#settle()
    if (taken) {
      this.#failures = 0
      await this.#reasonToRejoin()
    } else {
      this.#reason ??= 'taking the assignment failed'
      await this.#backOff()
    }
    if (this.#isLeft() || !this.#holds()) return
    this.#state = 'revoking'
    this.#log.info('joining the group again', { reason: this.#reason ?? '' })
    const revoked = await this.#guard('onRevoked', () => this.#options.onRevoked())
    if (!this.#keepsWhileJoining) this.#held = false
    if (!revoked) await this.#backOff()
  }

  get #keepsWhileJoining(): boolean {
    return this.#options.protocolType === 'connect' || this.#options.cooperative === true
  }

  async #reasonToRejoin(): Promise<void> {
    while (this.#reason === null && !this.#isLeft()) {
      this.#wake = Promise.withResolvers<undefined>()
      await this.#wake.promise
    }
  }

  /** A heartbeat was not taken. Returns whether the coordinator still knows the member. */
  #onRefused(seat: Seat, error: unknown): boolean {
    switch (groupCode(error)) {
      case GROUP_CODES.rebalanceInProgress:
        if (this.#state !== 'joining') this.rejoin('the group rebalances')
        return true
      case GROUP_CODES.illegalGeneration:
        // While joining, the group may have gone on to a generation of which this member has not heard yet: no reason to
        // stop, but the coordinator does not count this heartbeat, so neither does the session.
        if (this.#state === 'joining') return false
        this.#lose(`generation ${seat.generation} is over`)
        return false
      case GROUP_CODES.fencedInstance:
        this.#replaced()
        return false
      case GROUP_CODES.unknownMember:
        this.#memberId = ''
        this.#lose('the coordinator does not know this member any more')
        return false
      default:
        this.#troubled(error)
        return false
    }
  }

  /** Invariant 4: one owner; whoever was replaced stops at once. */
  #lose(reason: string): void {
    if (this.#isLeft()) return
    this.#session.end()
    this.#lost = true
    this.#reason ??= reason
    if (this.#held) {
      this.#held = false
      this.#log.warn('lost the place in the group', { reason })
      try {
        this.#options.onLost(reason)
      } catch (error) {
        this.#log.error('onLost failed', { reason: messageOf(error) })
      }
    }
    this.#wake.resolve(undefined)
  }

  /** Invariant 4: the older of two owners stops, and does not take the place back. */
  #replaced(): void {
    if (this.#isLeft()) return
    const { groupInstanceId, groupId } = this.#options
    const reason = `another member of group ${groupId} has taken the place of group.instance.id ${groupInstanceId ?? '?'}`
    this.#lose(reason)
    this.#end()
    void this.#requests.close()
    this.#options.onReplaced?.(reason)
  }

  #joinFailed(error: unknown): void {
    if (this.#isLeft()) return
    const code = groupCode(error)
    if (code === GROUP_CODES.fencedInstance) this.#replaced()
    else if (code === GROUP_CODES.unknownMember) {
      this.#memberId = ''
      this.#lose('the coordinator does not know this member any more')
    } else if (code !== GROUP_CODES.rebalanceInProgress && code !== GROUP_CODES.illegalGeneration) {
      this.#troubled(error)
    }
  }

  /** Says once what is wrong. A coordinator that moves or loads for less than a second is not worth a line. */
  #troubled(error: unknown): void {
    const text = isRetriable(error) ? 'unavailable' : messageOf(error)
    if (this.#trouble === text || this.#isLeft()) return
    this.#troubleSince ??= performance.now()
    const answered = groupCode(error) !== null
    if (isRetriable(error) && answered && performance.now() - this.#troubleSince < HICCUP_MS) return
    this.#trouble = text
    const fields = { reason: messageOf(error) }
    if (isRetriable(error)) this.#log.warn('the group cannot be reached; retrying', fields)
    else this.#log.error('cannot be a member of the group; retrying', fields)
  }

  #recovered(): void {
    if (this.#trouble !== null) this.#log.info('the group answers again')
    this.#trouble = null
    this.#troubleSince = null
  }

  /** Runs a callback; logs what it throws. Returns whether it went well. */
  async #guard(name: string, callback: () => Promise<void>): Promise<boolean> {
    try {
      await callback()
      return true
    } catch (error) {
      this.#log.error(`${name} failed; joining the group again`, { reason: messageOf(error) })
      return false
    }
  }

  /** Waits before the next try; leave() ends the wait. */
  async #backOff(): Promise<void> {
    const wait = backOffMs(this.#failures++)
    await sleep(wait, undefined, { signal: this.#stopped.signal }).catch(() => undefined)
  }

  // Callbacks and timers change these while a method waits, which the compiler does not see.
  #isLeft(): boolean {
    return this.#state === 'left'
  }

  #isLost(): boolean {
    return this.#lost
  }

  #holds(): boolean {
    return this.#held
  }
}
