import { spawn } from 'node:child_process'
import path from 'node:path'
import { expect } from 'chai'
import { afterEach, before, describe, it } from 'mocha'
import { FencedError, UnavailableError } from '../../src/api/errors.ts'
import { SILENT } from '../../src/api/log.ts'
import { kafkaJars } from '../../src/dev/kafka-jars.ts'
import { createTopic } from '../../src/kafka/admin.ts'
import { KafkaClient } from '../../src/kafka/client.ts'
import { commitOffsets } from '../../src/kafka/groups/offsets.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { sharedKafka } from '../support/kafka.ts'
import { SinkMember } from '../support/sink-member.ts'

const PARTITIONS = 6
const ALL = [0, 1, 2, 3, 4, 5]
const COOPERATIVE = 'org.apache.kafka.clients.consumer.CooperativeStickyAssignor'
const SOON = { timeoutMs: 60_000 }

/** What members have between them; each partition must be there once. */
function expectShared(...members: readonly Pick<SinkMember, 'held' | 'events'>[]): true {
  const story = members.map(({ events }) => events.join('; ')).join(' | ')
  expect(members.flatMap(({ held }) => held).toSorted(), story).to.deep.equal(ALL)
  const sizes = members.map(({ held }) => held.length)
  expect(Math.max(...sizes) - Math.min(...sizes), story).to.be.at.most(1)
  return true
}

describe('sink tasks in a group that rebalances cooperatively', function () {
  this.timeout(240_000)
  let servers = ''
  let topic = ''
  const stops: (() => Promise<void>)[] = []

  before(async () => {
    servers = (await sharedKafka()).bootstrapServers
    topic = uniqueName('shared')
    const client = new KafkaClient({ bootstrapServers: [servers], clientId: 'sluice-test', log: SILENT })
    await createTopic(client, { topic, partitions: PARTITIONS })
    await client.close()
  })
  afterEach(async () => {
    await Promise.all(stops.splice(0).map((stop) => stop()))
  })

  function member(groupId: string, strategy?: string, instanceId: string | null = null): SinkMember {
    const made = new SinkMember({
      ...{ bootstrapServers: servers, groupId, topic, instanceId },
      ...(strategy === undefined ? {} : { strategy }),
    })
    stops.push(() => made.stop())
    return made
  }

  it('keep what stays theirs when others come and go, and never stop for it', async () => {
    const group = uniqueName('g')
    const a = member(group, COOPERATIVE)
    await eventually(() => expectShared(a), SOON)
    const b = member(group, COOPERATIVE)
    await eventually(() => expectShared(a, b), SOON)
    expect(a.events.filter((event) => event.startsWith('revoke'))).to.deep.equal(['revoke 3,4,5'])
    const c = member(group, COOPERATIVE)
    await eventually(() => expectShared(a, b, c), SOON)
    await b.stop()
    await eventually(() => expectShared(a, c), SOON)
    for (const { events } of [a, c]) expect(events.some((event) => /all|lost/.test(event))).to.equal(false)
  })

  it('take a commit in the middle of a rebalance for refused for now, and one of a replaced member for good', async () => {
    const group = uniqueName('g')
    const a = member(group, COOPERATIVE)
    await eventually(() => expectShared(a), SOON)
    const seat = a.seat
    if (seat === null) throw new Error('no seat')
    const offsets = [{ topic, partition: 0, offset: 1n }]
    const early = await refusal({ ...seat, generation: seat.generation - 1 })
    expect([early instanceof UnavailableError, (early as UnavailableError).code]).to.deep.equal([
      true,
      'kafka.rebalancing',
    ])
    expect(await refusal({ ...seat, memberId: 'somebody' })).to.be.instanceOf(FencedError)
    expect(await refusal({ ...seat, generation: seat.generation - 1, cooperative: false })).to.be.instanceOf(
      FencedError,
    )
    await commitOffsets(a.client, group, seat, offsets)

    function refusal(of: typeof seat): Promise<unknown> {
      if (of === null) throw new Error('no seat')
      return commitOffsets(a.client, group, of, offsets).catch((error: unknown) => error)
    }
  })

  it('change over from range one after the other, as Kafka says: both first, then the cooperative one alone', async () => {
    const group = uniqueName('g')
    const [a, b] = [member(group), member(group)]
    await eventually(() => expectShared(a, b), SOON)
    expect([...a.events, ...b.events].every((event) => !/revoke \d/.test(event))).to.equal(true)
    await a.stop()
    const a2 = member(group, COOPERATIVE)
    await eventually(() => expectShared(a2, b), SOON)
    await b.stop()
    const b2 = member(group, COOPERATIVE)
    await eventually(() => expectShared(a2, b2), SOON)
    expect(a2.events.some((event) => /all|lost/.test(event))).to.equal(false)
  })

  for (const strategy of ['RoundRobinAssignor', 'sticky'])
    it(`share partitions out by ${strategy} too`, async () => {
      const group = uniqueName('g')
      const [a, b] = [member(group, strategy), member(group, strategy)]
      await eventually(() => expectShared(a, b), SOON)
    })

  for (const first of ['Java', 'Sluice'])
    it(`share a group with a Java consumer, led by ${first}, and neither stops for the other`, async () => {
      const group = uniqueName('g')
      const ours = (): SinkMember => member(group, COOPERATIVE)
      const java = await javaConsumer(group)
      const leader = first === 'Java' ? java.start() : ours()
      await eventually(() => expectShared(leader), SOON)
      const follower = first === 'Java' ? ours() : java.start()
      await eventually(() => expectShared(leader, follower), SOON)
      const third = ours()
      await eventually(() => expectShared(leader, follower, third), SOON)
      await third.stop()
      await eventually(() => expectShared(leader, follower), SOON)
      for (const { events } of [leader, follower])
        expect(events.some((event) => /all|lost/.test(event))).to.equal(false)
    })

  it('come back to their place as static members, and the others hear nothing of it', async () => {
    const group = uniqueName('g')
    const a = member(group, COOPERATIVE, 'task-0')
    await eventually(() => expectShared(a), SOON)
    const b = member(group, COOPERATIVE, 'task-1')
    await eventually(() => expectShared(a, b), SOON)
    const [had, heard, generation] = [a.held, b.events.length, a.seat?.generation]
    await a.stop({ willReturn: true })
    const again = member(group, COOPERATIVE, 'task-0')
    await eventually(() => expect(again.held).to.deep.equal(had), SOON)
    expect(again.seat?.generation).to.equal(generation)
    expect(b.events.slice(heard)).to.deep.equal([])
    await b.stop({ willReturn: true })
    const other = member(group, COOPERATIVE, 'task-1')
    await eventually(() => expectShared(again, other), SOON)
    expect(again.events).to.have.lengthOf(1)
  })

  it('give a static member’s partitions to others once its session is over, or at once where it says goodbye', async () => {
    const group = uniqueName('g')
    const a = member(group, undefined, 'task-0')
    const b = member(group, undefined, 'task-1')
    await eventually(() => expectShared(a, b), SOON)
    await a.stop({ willReturn: true })
    expect(b.held).to.have.lengthOf(3)
    await eventually(() => expectShared(b), SOON)
    const c = member(group, undefined, 'task-2')
    await eventually(() => expectShared(b, c), SOON)
    const left = performance.now()
    await c.stop()
    await eventually(() => expectShared(b), SOON)
    expect(performance.now() - left).to.be.lessThan(5000)
  })

  it('stop for good, and do not take the place back, where a second member comes with their id', async () => {
    const group = uniqueName('g')
    const older = member(group, COOPERATIVE, 'task-0')
    await eventually(() => expectShared(older), SOON)
    const seat = older.seat
    const newer = member(group, COOPERATIVE, 'task-0')
    await eventually(() => expectShared(newer), SOON)
    await eventually(() => older.events.includes('replaced'), SOON)
    expect(older.events.slice(-2)).to.deep.equal(['lost', 'replaced'])
    const offsets = [{ topic, partition: 0, offset: 1n }]
    const error: unknown = await commitOffsets(newer.client, group, seat, offsets).catch(
      (thrown: unknown) => thrown,
    )
    expect(error).to.be.instanceOf(FencedError)
    const events = newer.events.length
    const third = member(group, COOPERATIVE, 'task-1')
    await eventually(() => expectShared(newer, third), SOON)
    expect(newer.events.slice(events).some((event) => /lost|replaced/.test(event))).to.equal(false)
  })

  /** A consumer of Apache Kafka's, in a JVM of its own. */
  async function javaConsumer(group: string) {
    const lib = await kafkaJars(SILENT)
    const source = path.resolve('test/conformance/java/GroupConsumer.java')
    return {
      start: () => {
        const args = ['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', `${lib}/*`, source]
        const child = spawn('java', [...args, servers, group, topic, COOPERATIVE], {
          stdio: ['pipe', 'pipe', 'pipe'],
        })
        const consumer = { events: [] as string[], held: [] as number[] }
        child.stderr.on('data', (chunk: Buffer) => consumer.events.push(chunk.toString().trim()))
        let text = ''
        child.stdout.on('data', (chunk: Buffer) => {
          const lines = (text + chunk.toString()).split('\n')
          text = lines.pop() ?? ''
          for (const line of lines) hear(consumer, line)
        })
        const exited = new Promise((resolve) => child.once('exit', resolve))
        stops.push(async () => {
          child.stdin.end('stop\n')
          await exited
        })
        return consumer
      },
    }
  }
})

function hear(consumer: { readonly events: string[]; held: number[] }, line: string): void {
  const [what = '', list = ''] = line.split(' ')
  const numbers = list === '' ? [] : list.split(',').map(Number)
  if (what === 'assigned') consumer.held = [...consumer.held, ...numbers]
  else consumer.held = consumer.held.filter((each) => !numbers.includes(each))
  consumer.events.push(line)
}
