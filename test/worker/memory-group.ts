import type { GroupMemberOptions } from '../../src/kafka/groups/group.ts'

/** A group without a broker. Its first member leads; a rebalance waits for all members, as a coordinator's does. */
export class MemoryGroup {
  readonly members: MemoryMember[] = []
  #generation = 0
  #again = false
  #running: Promise<void> | undefined

  member(options: GroupMemberOptions): MemoryMember {
    return new MemoryMember(this, options, `m${this.#names++}`)
  }
  #names = 0

  /** Resolves when nobody wants to join again. */
  rebalance(): Promise<void> {
    this.#again = true
    this.#running ??= this.#run().finally(() => (this.#running = undefined))
    return this.#running
  }

  async #run(): Promise<void> {
    while (this.#again) {
      this.#again = false
      await new Promise(setImmediate)
      const joined = [...this.members]
      const [leader] = joined
      if (leader === undefined) return
      const again = joined.filter((member) => member.joins++ > 0)
      await Promise.all(again.map((member) => member.options.onRevoked()))
      const protocols = new Map(joined.map((member) => [member, member.options.protocols()]))
      const protocol = [...(protocols.get(leader) ?? [])].find(({ name }) =>
        [...protocols.values()].every((each) => each.some((other) => other.name === name)),
      )
      if (protocol === undefined) throw new Error('the members speak no common protocol')
      const { name } = protocol
      const metadata = joined.map((member) => ({
        memberId: member.id,
        metadata: protocols.get(member)?.find((each) => each.name === name)?.metadata ?? Buffer.alloc(0),
      }))
      const generation = ++this.#generation
      const shares = await leader.options.assign(name, metadata, leader.id, generation)
      await Promise.all(
        joined
          .filter((member) => this.members.includes(member))
          .map((member) => {
            const assignment = shares.get(member.id) ?? Buffer.alloc(0)
            const place = { generation, memberId: member.id, leaderId: leader.id, protocol: name, assignment }
            return member.options.onAssigned(place)
          }),
      )
    }
  }
}

export class MemoryMember {
  readonly options: GroupMemberOptions
  readonly id: string
  readonly #group: MemoryGroup
  heldUntil = Infinity
  joins = 0

  constructor(group: MemoryGroup, options: GroupMemberOptions, id: string) {
    this.#group = group
    this.options = options
    this.id = id
  }

  start(): Promise<void> {
    this.heldUntil = Infinity
    this.#group.members.push(this)
    this.rejoin()
    return Promise.resolve()
  }

  rejoin(): void {
    if (this.#group.members.includes(this)) void this.#group.rebalance()
  }

  /** The coordinator has given its place away and it was not told yet: a process that was stopped for too long. */
  async outlive(): Promise<void> {
    this.heldUntil = 0
    await this.leave()
  }

  async leave(): Promise<void> {
    const at = this.#group.members.indexOf(this)
    if (at >= 0) this.#group.members.splice(at, 1)
    if (this.#group.members.length > 0) void this.#group.rebalance()
    await Promise.resolve()
  }
}
