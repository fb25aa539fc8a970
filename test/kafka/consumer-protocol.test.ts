import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { TaskError } from '../../src/api/errors.ts'
import { RANGE_ASSIGNOR } from '../../src/kafka/groups/assignors/range.ts'
import type { Subscriber } from '../../src/kafka/groups/assignors/assignor.ts'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  type OwnedPartitions,
  subscriptionTo,
} from '../../src/kafka/groups/consumer-protocol.ts'

type Pair = readonly [string, number]
interface Golden {
  readonly subscriptions: readonly {
    readonly version: 0 | 1 | 2 | 3
    readonly topics: readonly string[]
    readonly userData: string | null
    readonly owned: readonly Pair[]
    readonly generation: number
    readonly rack: string | null
    readonly hex: string
  }[]
  readonly assignments: readonly {
    readonly partitions: readonly Pair[]
    readonly userData: string | null
    readonly hex: string
  }[]
  readonly ranges: readonly {
    readonly topics: Readonly<Record<string, number>>
    readonly members: readonly {
      readonly memberId: string
      readonly groupInstanceId: string | null
      readonly topics: readonly string[]
    }[]
    readonly assigned: Readonly<Record<string, readonly Pair[]>>
  }[]
}
const golden = JSON.parse(
  readFileSync(new URL('../conformance/golden/consumer-protocol.json', import.meta.url), 'utf8'),
) as Golden

function grouped(pairs: readonly Pair[]): OwnedPartitions[] {
  const topics = new Map<string, number[]>()
  for (const [topic, partition] of pairs) topics.set(topic, [...(topics.get(topic) ?? []), partition])
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }))
}

function pairs(owned: readonly OwnedPartitions[]): Pair[] {
  return owned.flatMap(({ topic, partitions }) => partitions.map((partition) => [topic, partition] as const))
}

function subscriber(member: Golden['ranges'][number]['members'][number]): Subscriber {
  const { memberId, groupInstanceId, topics } = member
  return { memberId, groupInstanceId, subscription: subscriptionTo(topics) }
}

function hexBytes(hex: string | null): Buffer | null {
  return hex === null ? null : Buffer.from(hex, 'hex')
}

describe('the consumer protocol', () => {
  it('writes and reads subscriptions of versions 0 to 3 as Java does', () => {
    for (const { version, hex, ...value } of golden.subscriptions) {
      const subscription = {
        topics: value.topics,
        userData: hexBytes(value.userData),
        owned: grouped(value.owned),
        generation: value.generation,
        rack: value.rack,
      }
      expect(encodeSubscription(subscription, version).toString('hex')).to.equal(hex)
      expect(decodeSubscription(Buffer.from(hex, 'hex'))).to.deep.equal({
        ...subscription,
        owned: version >= 1 ? subscription.owned : [],
        generation: version >= 2 ? subscription.generation : -1,
        rack: version >= 3 ? subscription.rack : null,
      })
    }
  })

  it('writes and reads assignments as Java does', () => {
    for (const { partitions, userData, hex } of golden.assignments) {
      const assignment = { assigned: grouped(partitions), userData: hexBytes(userData) }
      expect(encodeAssignment(assignment).toString('hex')).to.equal(hex)
      expect(decodeAssignment(Buffer.from(hex, 'hex'))).to.deep.equal(assignment)
    }
  })

  it('reads no bytes as an empty assignment, and version 1 without its fields as kafkajs sends it', () => {
    expect(decodeAssignment(Buffer.alloc(0)).assigned).to.deep.equal([])
    const kafkajs = Buffer.from('000100000001000161' + '00000000', 'hex')
    expect(decodeSubscription(kafkajs)).to.deep.equal({ ...subscriptionTo(['a']), userData: Buffer.alloc(0) })
  })

  it('refuses bytes that end early', () => {
    expect(() => decodeSubscription(Buffer.from('0003000000010007', 'hex'))).to.throw(TaskError)
    expect(() => decodeAssignment(Buffer.from('ff', 'hex'))).to.throw(TaskError)
  })

  it('assigns ranges as Java does', () => {
    for (const { topics, members, assigned } of golden.ranges) {
      const ours = RANGE_ASSIGNOR.assign(members.map(subscriber), new Map(Object.entries(topics)))
      expect(Object.fromEntries([...ours].map(([id, owned]) => [id, pairs(owned)]))).to.deep.equal(assigned)
    }
  })

  it('gives every partition to exactly one subscriber, evenly, whatever the order of the members', () => {
    const group = fc.record({
      counts: fc.array(fc.nat(12), { minLength: 1, maxLength: 4 }),
      members: fc.uniqueArray(fc.string({ minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 6 }),
    })
    fc.assert(
      fc.property(group, ({ counts, members }) => {
        const topics = new Map(counts.map((count, index) => [`t${index}`, count]))
        const ranged = members.map((memberId) =>
          subscriber({ memberId, groupInstanceId: null, topics: [...topics.keys()] }),
        )
        const assigned = RANGE_ASSIGNOR.assign(ranged, topics)
        const given = [...assigned.values()]
          .flatMap(pairs)
          .map(([topic, partition]) => `${topic}-${partition}`)
        const all = [...topics].flatMap(([topic, count]) =>
          Array.from({ length: count }, (_, p) => `${topic}-${p}`),
        )
        expect(given.toSorted()).to.deep.equal(all.toSorted())
        expect(Object.fromEntries(RANGE_ASSIGNOR.assign(ranged.toReversed(), topics))).to.deep.equal(
          Object.fromEntries(assigned),
        )
        for (const topic of topics.keys()) {
          const shares = [...assigned.values()].map(
            (owned) => pairs(owned).filter(([t]) => t === topic).length,
          )
          expect(Math.max(...shares) - Math.min(...shares)).to.be.at.most(1)
        }
      }),
    )
  })
})
