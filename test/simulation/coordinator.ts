import { TaskError } from '../../src/api/errors.ts'
import { GROUP_CODES, withGroupCode } from '../../src/kafka/groups/group-requests.ts'
import type { JoinedGroup } from '../../src/kafka/groups/group-requests.ts'
import type { Reply } from './network.ts'
import type { VirtualTime } from './virtual-time.ts'

export interface Protocol {
  readonly name: string
  readonly metadata: Buffer
}

export interface JoinRequest {
  readonly memberId: string
  readonly clientName: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly protocols: readonly Protocol[]
}

export type JoinAnswer = JoinedGroup | { readonly assignedId: string }

interface Member {
  readonly id: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  protocols: readonly Protocol[]
  join: Reply<JoinAnswer> | undefined
  sync: Reply<Buffer> | undefined
  assignment: Buffer
  expiry: { isOff: boolean } | undefined
}

/**
 * One classic group as a Kafka broker coordinates it (GroupCoordinator): who has joined, in which generation, who leads. The
 * first rebalance waits for nobody (group.initial.rebalance.delay.ms=0).
 */
export class Group {
  readonly #time: VirtualTime
  readonly #members = new Map<string, Member>()
  /** Ids that were given, with which nobody has joined yet (KIP-394). */
  readonly #pending = new Map<string, { isOff: boolean }>()
  #state: 'empty' | 'preparing' | 'completing' | 'stable' = 'empty'
  #deadline: { isOff: boolean } | undefined
  #leader = ''
  #protocol = ''
  #ids = 0
  generation = 0

  readonly #note: (what: string) => void

  constructor(time: VirtualTime, note: (what: string) => void) {
    this.#time = time
    this.#note = note
  }

  get isStable(): boolean {
    return this.#state === 'stable' || this.#state === 'empty'
  }

  join(request: JoinRequest, reply: Reply<JoinAnswer>): void {
    const { memberId, sessionTimeoutMs } = request
    if (memberId === '') {
      const assignedId = `${request.clientName}-${++this.#ids}`
      this.#pending.set(
        assignedId,
        this.#time.after(sessionTimeoutMs, undefined, () => this.#forget(assignedId)),
      )
      reply({ answer: { assignedId } })
      return
    }
    if (this.#forgetPending(memberId)) {
      const { rebalanceTimeoutMs, protocols } = request
      const member: Member = {
        ...{ id: memberId, sessionTimeoutMs, rebalanceTimeoutMs, protocols },
        ...{ join: reply, sync: undefined, assignment: Buffer.alloc(0), expiry: undefined },
      }
      this.#members.set(memberId, member)
      this.#rebalance()
      return
    }
    const member = this.#members.get(memberId)
    if (member === undefined) reply(refusal(GROUP_CODES.unknownMember))
    else this.#rejoin(member, request.protocols, reply)
  }

  sync(
    memberId: string,
    generation: number,
    assignments: ReadonlyMap<string, Buffer>,
    reply: Reply<Buffer>,
  ): void {
    const member = this.#members.get(memberId)
    if (member === undefined) reply(refusal(GROUP_CODES.unknownMember))
    else if (generation !== this.generation) reply(refusal(GROUP_CODES.illegalGeneration))
    else if (this.#state === 'preparing') reply(refusal(GROUP_CODES.rebalanceInProgress))
    else if (this.#state === 'stable') {
      this.#beat(member)
      reply({ answer: member.assignment })
    } else {
      member.sync = reply
      if (memberId === this.#leader) this.#complete(assignments)
    }
  }

  heartbeat(memberId: string, generation: number, reply: Reply<undefined>): void {
    const member = this.#members.get(memberId)
    if (member === undefined) reply(refusal(GROUP_CODES.unknownMember))
    else if (generation !== this.generation) reply(refusal(GROUP_CODES.illegalGeneration))
    else {
      this.#beat(member)
      reply(this.#state === 'preparing' ? refusal(GROUP_CODES.rebalanceInProgress) : { answer: undefined })
    }
  }

  leave(memberId: string): void {
    this.#forget(memberId)
    const member = this.#members.get(memberId)
    if (member !== undefined) this.#remove(member, 'leaves')
  }

  #rejoin(member: Member, protocols: readonly Protocol[], reply: Reply<JoinAnswer>): void {
    const isSame = protocols.every(({ name, metadata }, n) => {
      const before = member.protocols[n]
      return before?.name === name && before.metadata.equals(metadata)
    })
    member.protocols = protocols
    const isOver =
      this.#state === 'completing'
        ? !isSame
        : this.#state === 'stable' && (!isSame || member.id === this.#leader)
    if (!isOver && this.#state !== 'preparing') {
      this.#beat(member)
      reply({ answer: this.#joined(member) })
      return
    }
    member.join = reply
    if (this.#state === 'preparing') this.#completeJoin(false)
    else this.#rebalance()
  }

  #rebalance(): void {
    for (const member of this.#members.values()) {
      member.sync?.(refusal(GROUP_CODES.rebalanceInProgress))
      member.sync = undefined
      member.assignment = Buffer.alloc(0)
    }
    if (this.#state !== 'preparing') {
      this.#note(`a rebalance begins in generation ${this.generation}`)
      this.#state = 'preparing'
      const wait = Math.max(
        0,
        ...[...this.#members.values()].map(({ rebalanceTimeoutMs }) => rebalanceTimeoutMs),
      )
      this.#after(wait, () => this.#completeJoin(true))
    }
    this.#completeJoin(false)
  }

  /** Once all have joined, or the time for it is over: then whoever has not is out. */
  #completeJoin(late: boolean): void {
    const missing = [...this.#members.values()].filter(({ join }) => join === undefined)
    if (!late && (missing.length > 0 || this.#pending.size > 0)) return
    for (const member of missing) this.#drop(member, 'did not join in time')
    for (const id of [...this.#pending.keys()]) this.#forgetPending(id)
    this.generation++
    if (this.#deadline !== undefined) this.#deadline.isOff = true
    if (this.#members.size === 0) {
      this.#state = 'empty'
      return
    }
    this.#state = 'completing'
    const members = [...this.#members.values()]
    if (!this.#members.has(this.#leader)) this.#leader = members[0]?.id ?? ''
    this.#protocol =
      members[0]?.protocols.find(({ name }) =>
        members.every(({ protocols }) => protocols.some((each) => each.name === name)),
      )?.name ?? ''
    for (const member of members) {
      this.#beat(member)
      member.join?.({ answer: this.#joined(member) })
      member.join = undefined
    }
    const wait = Math.max(...members.map(({ rebalanceTimeoutMs }) => rebalanceTimeoutMs))
    const { generation } = this
    this.#after(wait, () => {
      if (this.#state !== 'completing' || generation !== this.generation) return
      for (const member of members)
        if (member.sync === undefined) this.#drop(member, 'did not take its assignment in time')
      this.#rebalance()
    })
  }

  #joined(member: Member): JoinedGroup {
    const leads = member.id === this.#leader
    const members = leads
      ? [...this.#members.values()].map(({ id, protocols }) => ({
          memberId: id,
          metadata: protocols.find(({ name }) => name === this.#protocol)?.metadata ?? Buffer.alloc(0),
        }))
      : []
    const { generation } = this
    const { id: memberId } = member
    const head = { generation, memberId, leaderId: this.#leader, protocol: this.#protocol }
    return { ...head, members, skipAssignment: false }
  }

  #complete(assignments: ReadonlyMap<string, Buffer>): void {
    this.#state = 'stable'
    if (this.#deadline !== undefined) this.#deadline.isOff = true
    for (const member of this.#members.values()) {
      member.assignment = assignments.get(member.id) ?? Buffer.alloc(0)
      if (member.sync === undefined) continue
      this.#beat(member)
      member.sync({ answer: member.assignment })
      member.sync = undefined
    }
  }

  /** A member was heard of: its session begins anew. While it waits for an answer, it does not end. */
  #beat(member: Member): void {
    if (member.expiry !== undefined) member.expiry.isOff = true
    member.expiry = this.#time.after(member.sessionTimeoutMs, undefined, () => {
      if (member.join === undefined && member.sync === undefined) this.#remove(member, 'was not heard of')
      else this.#beat(member)
    })
  }

  #remove(member: Member, why: string): void {
    this.#drop(member, why)
    if (this.#state === 'preparing') this.#completeJoin(false)
    else this.#rebalance()
  }

  #drop(member: Member, why: string): void {
    this.#note(`${member.id} ${why}, in generation ${this.generation}`)
    if (member.expiry !== undefined) member.expiry.isOff = true
    member.join?.(refusal(GROUP_CODES.unknownMember))
    member.sync?.(refusal(GROUP_CODES.unknownMember))
    this.#members.delete(member.id)
  }

  #forget(id: string): void {
    if (this.#forgetPending(id) && this.#state === 'preparing') this.#completeJoin(false)
  }

  #forgetPending(id: string): boolean {
    const timer = this.#pending.get(id)
    if (timer !== undefined) timer.isOff = true
    return this.#pending.delete(id)
  }

  #after(ms: number, run: () => void): void {
    if (this.#deadline !== undefined) this.#deadline.isOff = true
    this.#deadline = this.#time.after(ms, undefined, run)
  }
}

function refusal(code: number): { readonly error: Error } {
  return { error: withGroupCode(new TaskError('kafka.protocol', `the group answers ${code}`), code) }
}
