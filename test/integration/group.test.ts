import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { AssignerProtocol, type Assigner, type PartitionAssigner } from 'kafkajs'
import { after, afterEach, before, describe, it } from 'mocha'
import { FencedError } from '../../src/api/errors.ts'
import { SILENT } from '../../src/api/log.ts'
import { startBroker } from '../../src/dev/broker.ts'
import { createTopic } from '../../src/kafka/admin.ts'
import { KafkaClient } from '../../src/kafka/client.ts'
import { RANGE_ASSIGNOR } from '../../src/kafka/groups/assignors/range.ts'
import { commitOffsets } from '../../src/kafka/groups/offsets.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { TestMember } from '../support/group-member.ts'
import { freePort, kafkajsClient, sharedKafka } from '../support/kafka.ts'

const PARTITIONS = 5

describe('GroupMember', function () {
  this.timeout(60_000)
  let servers = ''
  let topic = ''
  let client: KafkaClient
  const stops: (() => Promise<void>)[] = []

  before(async () => {
    servers = (await sharedKafka()).bootstrapServers
    client = new KafkaClient({ bootstrapServers: [servers], clientId: 'sluice-test', log: SILENT })
    topic = uniqueName('group')
    await createTopic(client, { topic, partitions: PARTITIONS })
  })
  afterEach(async () => {
    await Promise.all(stops.splice(0).map((stop) => stop()))
  })
  after(() => client.close())

  function member(
    groupId: string,
    overrides?: ConstructorParameters<typeof TestMember>[3],
  ): Promise<TestMember> {
    const made = new TestMember(servers, groupId, topic, overrides)
    stops.push(() => made.stop())
    return made.start()
  }

  it('gives one member everything, shares between two, and gives the rest back when one leaves', async () => {
    const group = uniqueName('g')
    const a = await member(group)
    await eventually(() => expect(a.held?.partitions).to.deep.equal([0, 1, 2, 3, 4]))
    const b = await member(group)
    await eventually(() => {
      expect([...(a.held?.partitions ?? []), ...(b.held?.partitions ?? [])].toSorted()).to.deep.equal([
        0, 1, 2, 3, 4,
      ])
      return expect(b.held?.partitions.length).to.be.within(2, 3)
    })
    expect(a.events.slice(0, 2), 'revoked before it joined again').to.deep.equal([
      'assigned 0,1,2,3,4',
      'revoked',
    ])
    await b.stop()
    await eventually(() => expect(a.held?.partitions).to.deep.equal([0, 1, 2, 3, 4]))
    expect(a.events).not.to.include('lost')
  })

  it('is a member that kafkajs can describe, with subscription and assignment', async () => {
    const group = uniqueName('g')
    const a = await member(group)
    await eventually(() => a.held)
    const admin = kafkajsClient(servers).admin()
    await admin.connect()
    stops.push(() => admin.disconnect())
    const described = (await admin.describeGroups([group])).groups[0]!
    expect([described.protocolType, described.protocol, described.state]).to.deep.equal([
      'consumer',
      RANGE_ASSIGNOR.name,
      'Stable',
    ])
    const [described1] = described.members
    expect(described1?.memberId).to.equal(a.held?.seat.memberId)
    expect(AssignerProtocol.MemberMetadata.decode(described1!.memberMetadata)?.topics).to.deep.equal([topic])
    expect(AssignerProtocol.MemberAssignment.decode(described1!.memberAssignment)?.assignment).to.deep.equal({
      [topic]: [0, 1, 2, 3, 4],
    })
  })

  it('shares a group with a kafkajs consumer, whichever of them leads', async () => {
    for (const first of ['kafkajs', 'sluice'] as const) {
      const group = uniqueName('g')
      const theirs: number[][] = []
      const consumer = kafkajsClient(servers).consumer({
        groupId: group,
        partitionAssigners: [range],
        heartbeatInterval: 100,
      })
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) =>
        theirs.push(payload.memberAssignment[topic] ?? []),
      )
      const join = async (): Promise<void> => {
        await consumer.connect()
        stops.push(() => consumer.disconnect())
        await consumer.subscribe({ topic })
        await consumer.run({ eachMessage: () => Promise.resolve() })
        await eventually(() => theirs.length > 0)
      }
      if (first === 'kafkajs') await join()
      const ours = await member(group)
      if (first === 'sluice') {
        await eventually(() => ours.held)
        await join()
      }
      await eventually(() => {
        const both = [...(ours.held?.partitions ?? []), ...(theirs.at(-1) ?? [])]
        expect(both.toSorted()).to.deep.equal([0, 1, 2, 3, 4])
        return expect(theirs.at(-1)?.length).to.be.within(2, 3)
      })
    }
  })

  it('waits for a revocation to finish and commit before others get the partitions', async () => {
    const group = uniqueName('g')
    const order: string[] = []
    const finish = Promise.withResolvers<undefined>()
    const a: TestMember = await member(group, {
      onRevoked: async () => {
        const seat = a.held!.seat
        order.push('revoking')
        await finish.promise
        await commitOffsets(client, group, seat, [{ topic, partition: 0, offset: 9n }])
        order.push('committed')
        a.held = null
      },
    })
    await eventually(() => a.held)
    const b = await member(group)
    await eventually(() => order.length > 0)
    const grants = a.client.granted
    await eventually(() => a.client.granted > grants + 5) // its heartbeats go on
    expect(b.held).to.equal(null)
    finish.resolve(undefined)
    await eventually(() => b.held)
    expect(order[1]).to.equal('committed')
    expect(a.events).not.to.include('lost')
    await a.stop()
  })

  it('fences the commits of a generation that is over and of a member that has left', async () => {
    const group = uniqueName('g')
    const a = await member(group)
    const { seat } = await eventually(() => a.held)
    await commitOffsets(client, group, seat, [{ topic, partition: 0, offset: 1n }])
    const b = await member(group)
    await eventually(() => b.held !== null && a.held !== null && a.held.seat.generation > seat.generation)
    const late = await commitOffsets(client, group, seat, [{ topic, partition: 0, offset: 2n }]).catch(
      (error: unknown) => error,
    )
    expect(late).to.be.instanceOf(FencedError)
    const left = (await eventually(() => b.held)).seat
    await b.stop()
    await eventually(() => a.held?.partitions.length === PARTITIONS)
    const gone = await commitOffsets(client, group, left, [{ topic, partition: 4, offset: 2n }]).catch(
      (error: unknown) => error,
    )
    expect(gone).to.be.instanceOf(FencedError)
  })

  it('loses its assignment in session time when its heartbeats are cut, and comes back when they are not', async () => {
    const a = await member(uniqueName('g'))
    const { seat } = await eventually(() => a.held)
    a.client.cut = true
    const cutAt = performance.now()
    await eventually(() => a.events.includes('lost'), { timeoutMs: 15_000 })
    expect(performance.now() - cutAt).to.be.lessThan(12_000)
    expect(a.events).to.deep.equal(['assigned 0,1,2,3,4', 'lost'])
    a.client.cut = false
    const again = await eventually(() => a.held, { timeoutMs: 20_000 })
    expect(again.seat.generation).to.be.greaterThan(seat.generation)
  })

  it('rides out a short cut without losing anything', async () => {
    const a = await member(uniqueName('g'))
    await eventually(() => a.held)
    a.client.cut = true
    await eventually(() => a.client.refused >= 3)
    a.client.cut = false
    const beats = a.client.granted
    await eventually(() => a.client.granted >= beats + 3)
    expect(a.events).to.deep.equal(['assigned 0,1,2,3,4'])
  })

  it('joins again with fresh metadata on rejoin(), after revoking', async () => {
    let asked = 0
    const a = await member(uniqueName('g'), {
      protocolType: 'connect',
      protocols: () => [{ name: 'sessioned', metadata: Buffer.from([++asked]) }],
      assign: (_protocol, members) => new Map(members.map((m) => [m.memberId, m.metadata])),
      onAssigned: ({ assignment }) => {
        a.events.push(`assigned ${assignment.toString('hex')}`)
        return Promise.resolve()
      },
    })
    await eventually(() => a.events.length === 1)
    a.member.rejoin('the configuration changed')
    await eventually(() => a.events.length === 3)
    expect(a.events).to.deep.equal(['assigned 01', 'revoked', 'assigned 02'])
  })

  it('joins again when a callback throws, and never runs two at once', async () => {
    let [running, most, calls] = [0, 0, 0]
    const step = async (): Promise<void> => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setTimeout(resolve, 20))
      running--
      if (++calls <= 3) throw new Error('a broken callback')
    }
    const generations: number[] = []
    const a = await member(uniqueName('g'), {
      onAssigned: async ({ generation }) => {
        generations.push(generation)
        await step()
      },
      onRevoked: step,
    })
    await eventually(() => calls >= 5 || generations.length >= 3)
    a.member.rejoin('once more')
    await eventually(() => generations.length >= 4)
    expect(generations).to.deep.equal(generations.toSorted((x, y) => x - y))
    expect(most).to.equal(1)
  })

  it('goes on trying for ever, and logs once, where the group is of another kind', async () => {
    const group = uniqueName('g')
    const other = await member(group)
    await eventually(() => other.held)
    const errors: string[] = []
    let tries = 0
    const log = { ...SILENT, error: (message: string) => errors.push(message), child: () => log }
    await member(group, {
      protocolType: 'connect',
      log,
      protocols: () => [{ name: 'sessioned', metadata: Buffer.from([++tries]) }],
    })
    await eventually(() => tries >= 4)
    expect(errors).to.deep.equal(['cannot be a member of the group; retrying'])
  })

  it('comes back by itself when its broker was killed and started again', async function () {
    this.timeout(120_000)
    const dataDir = await mkdtemp(path.join(tmpdir(), 'sluice-test-group-'))
    const options = { port: await freePort(), dataDir, log: SILENT }
    let broker = await startBroker(options)
    stops.push(async () => {
      broker.kill()
      await broker.exited
      await rm(dataDir, { recursive: true, force: true })
    })
    const own = new KafkaClient({
      bootstrapServers: [broker.bootstrapServers],
      clientId: 'test',
      log: SILENT,
    })
    stops.unshift(() => own.close())
    await createTopic(own, { topic: 't', partitions: 2 })
    const logged: string[] = []
    const keep = (message: string): void => void logged.push(message)
    const log = { ...SILENT, info: keep, warn: keep, error: keep, child: () => log }
    const a = new TestMember(broker.bootstrapServers, 'g', 't', { log })
    stops.unshift(() => a.stop())
    await a.start()
    await eventually(() => a.held)
    broker.kill()
    await broker.exited
    await eventually(() => a.events.includes('lost'), { timeoutMs: 15_000 })
    broker = await startBroker(options)
    const back = await eventually(() => a.held, { timeoutMs: 60_000 })
    await commitOffsets(own, 'g', back.seat, [{ topic: 't', partition: 1, offset: 5n }])
    expect(logged, 'once for each change, not for each try').to.deep.equal([
      'joined the group',
      'the group cannot be reached; retrying',
      'lost the place in the group',
      'the group answers again',
      'joined the group',
    ])
  })
})

/** Kafka's range assignor as a kafkajs plugin, so that the two share a protocol. */
const range: PartitionAssigner = ({ cluster }): Assigner => ({
  name: RANGE_ASSIGNOR.name,
  version: 0,
  assign: ({ members, topics }) => {
    const ids = members.map((m) => m.memberId).toSorted()
    const shares = ids.map((memberId, rank) => {
      const assignment: Record<string, number[]> = {}
      for (const topic of topics) {
        const all = cluster
          .findTopicPartitionMetadata(topic)
          .map((m) => m.partitionId)
          .toSorted((x, y) => x - y)
        const start = (r: number): number =>
          r * Math.floor(all.length / ids.length) + Math.min(r, all.length % ids.length)
        assignment[topic] = all.slice(start(rank), start(rank + 1))
      }
      const userData = Buffer.alloc(0)
      return {
        memberId,
        memberAssignment: AssignerProtocol.MemberAssignment.encode({ version: 0, assignment, userData }),
      }
    })
    return Promise.resolve(shares)
  },
  protocol: ({ topics }) => ({
    name: RANGE_ASSIGNOR.name,
    metadata: AssignerProtocol.MemberMetadata.encode({ version: 0, topics, userData: Buffer.alloc(0) }),
  }),
})
