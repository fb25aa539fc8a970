import { existsSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { Assignor, Subscriber } from '../../src/kafka/groups/assignors/assignor.ts'
import { COOPERATIVE_STICKY_ASSIGNOR, STICKY_ASSIGNOR } from '../../src/kafka/groups/assignors/sticky.ts'
import { DEFAULT_STRATEGY, isCooperative, readStrategy } from '../../src/kafka/groups/assignors/strategy.ts'
import { type OwnedPartitions, subscriptionTo } from '../../src/kafka/groups/consumer-protocol.ts'
import {
  fingerprintOf,
  type GroupCase,
  groupCases,
  idsOf,
  kept,
  SEED,
  STRATEGIES,
} from '../conformance/consumer-assignor-cases.ts'

/** What Kafka's own classes (kafka-clients 4.3.1) did with the same groups: consumer-assignors-record.ts. */
const recorded = new URL('../conformance/golden/consumer-assignors.json', import.meta.url)
const golden = (existsSync(recorded) ? JSON.parse(readFileSync(recorded, 'utf8')) : {}) as Readonly<
  Record<string, readonly (string | number | null)[]>
>

type Shares = ReadonlyMap<string, readonly OwnedPartitions[]>

/** Each partition once at most, of topics that its owner reads and that exist. */
function expectValid({ members, counts }: GroupCase, shares: Shares, what: string): void {
  const given = [...shares.values()].flatMap(idsOf)
  expect(new Set(given).size, `${what}: a partition has two owners`).to.equal(given.length)
  for (const { memberId, subscription } of members)
    for (const { topic, partitions } of shares.get(memberId) ?? [])
      for (const partition of partitions)
        if (!subscription.topics.includes(topic) || partition >= (counts.get(topic) ?? 0))
          expect.fail(`${what}: ${memberId} got ${topic}-${partition}`)
}

function subscribedPartitions({ members, counts }: GroupCase): string[] {
  const topics = new Set(members.flatMap(({ subscription }) => subscription.topics))
  return [...counts].flatMap(([topic, count]) =>
    topics.has(topic) ? Array.from({ length: count }, (_, partition) => `${topic}-${partition}`) : [],
  )
}

/** Kafka's promise: nobody has two more than somebody else who could take one of them. */
function expectBalanced({ members }: GroupCase, shares: Shares, what: string): void {
  const size = ({ memberId }: Subscriber): number => idsOf(shares.get(memberId) ?? []).length
  for (const rich of members)
    for (const poor of members) {
      if (size(rich) - size(poor) < 2) continue
      const could = (shares.get(rich.memberId) ?? []).some(({ topic }) =>
        poor.subscription.topics.includes(topic),
      )
      if (could) expect.fail(`${what}: ${rich.memberId} has ${size(rich)}, ${poor.memberId} ${size(poor)}`)
    }
}

/** What a group has once nobody gives anything up any more. */
function converged(assignor: Assignor, group: GroupCase, what: string): Shares {
  let members = group.members
  for (let generation = 1000; ; generation++) {
    const shares = assignor.assign(members, group.counts)
    expectValid(group, shares, what)
    const gone = members.filter(({ memberId, subscription }) => {
      const left = new Set(idsOf(shares.get(memberId) ?? []))
      return idsOf(subscription.owned).some((id) => !left.has(id))
    })
    if (gone.length === 0) return shares
    expect(generation, `${what}: does not come to rest`).to.be.lessThan(1004)
    members = members.map((member) => ({
      ...member,
      subscription: { ...member.subscription, owned: shares.get(member.memberId) ?? [], generation },
    }))
  }
}

describe('the assignors of consumer groups', () => {
  for (const assignor of STRATEGIES.slice(0, 2))
    it(`${assignor.name} shares 2000 generated groups out as Kafka’s own class does`, function () {
      const wanted = golden[assignor.name] ?? []
      if (wanted.length === 0) this.skip() // not recorded yet
      expect(wanted).to.have.lengthOf(2000)
      for (const [row, each] of [...groupCases(assignor, wanted.length, SEED)].entries()) {
        const shares = assignor.assign(each.members, each.counts)
        expectValid(each, shares, `group ${row}`)
        expect(fingerprintOf(shares), `group ${row}`).to.equal(wanted[row])
      }
    })

  it('sticky leaves nothing out, is balanced, and moves hardly more than Kafka’s own class, in 2000 generated groups', () => {
    const wanted = golden['sticky'] ?? []
    let [ours, java] = [0, 0]
    for (const [row, each] of [...groupCases(STICKY_ASSIGNOR, 2000, SEED)].entries()) {
      const shares = STICKY_ASSIGNOR.assign(each.members, each.counts)
      expectValid(each, shares, `group ${row}`)
      expectBalanced(each, shares, `group ${row}`)
      expect([...shares.values()].flatMap(idsOf).toSorted(), `group ${row}`).to.deep.equal(
        subscribedPartitions(each).toSorted(),
      )
      const left = wanted[row] ?? null
      if (left === null) continue // Kafka's class gives up where claims contradict each other
      ours += kept(each, shares)
      java += Number(left)
    }
    if (wanted.length > 0) expect(wanted.filter((left) => left !== null).length).to.be.greaterThan(1900)
    expect(ours, `${ours} stayed, ${java} in Java`).to.be.at.least(java * 0.995)
  })

  it('cooperative-sticky gives nobody what another still owns, and comes to rest balanced, in 2000 generated groups', () => {
    const assignor = COOPERATIVE_STICKY_ASSIGNOR
    const wanted = golden[assignor.name] ?? []
    let [ours, java] = [0, 0]
    for (const [row, each] of [...groupCases(assignor, 2000, SEED)].entries()) {
      const what = `group ${row}`
      const shares = assignor.assign(each.members, each.counts)
      expectValid(each, shares, what)
      for (const { memberId } of each.members) {
        const had = new Set(idsOf(each.had.get(memberId) ?? []))
        const others = new Set([...each.had].flatMap(([id, owned]) => (id === memberId ? [] : idsOf(owned))))
        for (const id of idsOf(shares.get(memberId) ?? []))
          if (others.has(id) && !had.has(id)) expect.fail(`${what}: ${id} has an owner already`)
      }
      const rest = converged(assignor, each, what)
      expectBalanced(each, rest, what)
      expect([...rest.values()].flatMap(idsOf).toSorted(), what).to.deep.equal(
        subscribedPartitions(each).toSorted(),
      )
      const left = wanted[row] ?? null
      if (left === null) continue // Kafka's class gives up where claims contradict each other
      ours += kept(each, shares)
      java += Number(left)
    }
    if (wanted.length > 0) expect(wanted.filter((left) => left !== null).length).to.be.greaterThan(1900)
    expect(ours, `${ours} stayed, ${java} in Java`).to.be.at.least(java * 0.995)
  })

  it('moves only what it must when a member comes or goes', () => {
    const counts = new Map([['t', 12]])
    const member = (memberId: string, owned: readonly number[]): Subscriber => ({
      memberId,
      groupInstanceId: null,
      subscription: { ...subscriptionTo(['t']), owned: [{ topic: 't', partitions: owned }], generation: 4 },
    })
    const three = [member('a', [0, 1, 2, 3]), member('b', [4, 5, 6, 7]), member('c', [8, 9, 10, 11])]
    const joined = COOPERATIVE_STICKY_ASSIGNOR.assign([...three, member('d', [])], counts)
    expect([...joined].map(([id, share]) => `${id} ${idsOf(share).length}`)).to.deep.equal([
      'a 3',
      'b 3',
      'c 3',
      'd 0',
    ])
    const left = COOPERATIVE_STICKY_ASSIGNOR.assign(three.slice(0, 2), counts)
    expect([...left.values()].map((share) => idsOf(share).length)).to.deep.equal([6, 6])
    for (const { memberId, subscription } of three.slice(0, 2))
      expect(idsOf(left.get(memberId) ?? [])).to.include.members(idsOf(subscription.owned))
  })

  it('believe the newer of two generations, and neither of two members who claim the same in one', () => {
    const member = (memberId: string, generation: number): Subscriber => ({
      memberId,
      groupInstanceId: null,
      subscription: { ...subscriptionTo(['t']), owned: [{ topic: 't', partitions: [0] }], generation },
    })
    const counts = new Map([['t', 2]])
    const newer = STICKY_ASSIGNOR.assign(
      [member('a', 3), member('b', 7)].map((each) => withUserData(each)),
      counts,
    )
    expect(newer.get('b')).to.deep.equal([{ topic: 't', partitions: [0] }])
    const both = COOPERATIVE_STICKY_ASSIGNOR.assign(
      [member('a', 7), member('b', 7), member('c', 7)],
      new Map([['t', 1]]),
    )
    expect([...both.values()].flatMap(idsOf).length).to.be.at.most(1)
  })

  it('write what a member had into its user data as Java does, and read it without its generation too', () => {
    const last = { partitions: [{ topic: 't', partitions: [0, 2] }], generation: 7 }
    const had = '00000001' + '000174' + '00000002' + '00000000' + '00000002'
    expect(STICKY_ASSIGNOR.userData(last)?.toString('hex')).to.equal(`${had}00000007`)
    expect(STICKY_ASSIGNOR.userData(null)).to.equal(null)
    expect(COOPERATIVE_STICKY_ASSIGNOR.userData(last)?.toString('hex')).to.equal('00000007')
    expect(COOPERATIVE_STICKY_ASSIGNOR.userData(null)?.toString('hex')).to.equal('ffffffff')
    const member = (memberId: string, userData: Buffer | null): Subscriber => ({
      memberId,
      groupInstanceId: null,
      subscription: { ...subscriptionTo(['t']), userData },
    })
    const shares = STICKY_ASSIGNOR.assign(
      [member('a', null), member('b', Buffer.from(had, 'hex'))],
      new Map([['t', 4]]),
    )
    expect(idsOf(shares.get('b') ?? [])).to.deep.equal(['t-0', 't-2'])
  })

  it('take user data that cannot be read for none', () => {
    const broken = (bytes: number[]): Subscriber => ({
      ...{ memberId: `m${bytes.length}`, groupInstanceId: null },
      subscription: { ...subscriptionTo(['t']), userData: Buffer.from(bytes) },
    })
    const shares = STICKY_ASSIGNOR.assign(
      [broken([1, 2, 3]), broken([0, 0, 0, 9]), broken([])],
      new Map([['t', 3]]),
    )
    expect([...shares.values()].map((share) => idsOf(share).length)).to.deep.equal([1, 1, 1])
  })
})

function withUserData(member: Subscriber): Subscriber {
  const { owned, generation } = member.subscription
  const userData = STICKY_ASSIGNOR.userData({ partitions: owned, generation })
  return { ...member, subscription: { ...member.subscription, userData } }
}

describe('partition.assignment.strategy', () => {
  const names = (text: string): string | string[] => {
    const read = readStrategy(text)
    return 'problem' in read ? read.problem : read.assignors.map(({ name }) => name)
  }

  it('names Kafka’s assignors by class, by class without package, or by their short names, in its order', () => {
    const java = 'org.apache.kafka.clients.consumer.'
    expect(names(`${java}RangeAssignor, ${java}CooperativeStickyAssignor`)).to.deep.equal([
      'range',
      'cooperative-sticky',
    ])
    expect(names('RoundRobinAssignor,sticky')).to.deep.equal(['roundrobin', 'sticky'])
    expect(names(`${java}StickyAssignor,roundrobin,range`)).to.deep.equal(['sticky', 'roundrobin', 'range'])
  })

  it('refuses anything else by a sentence', () => {
    expect(names('com.acme.Assignor')).to.match(
      /^"com\.acme\.Assignor" is not an assignor here\. Use range \(/,
    )
    expect(names(' , ')).to.match(/^No assignor is named\. Use range/)
    expect(names('range,RangeAssignor')).to.equal('range is named twice. Name it once.')
  })

  it('is range and cooperative-sticky where nothing is said, and cooperative only where all of it is', () => {
    expect(DEFAULT_STRATEGY.map(({ name }) => name)).to.deep.equal(['range', 'cooperative-sticky'])
    expect(isCooperative(DEFAULT_STRATEGY)).to.equal(false)
    expect(isCooperative([COOPERATIVE_STICKY_ASSIGNOR])).to.equal(true)
  })
})
