import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { FencedError } from '../../src/api/errors.ts'
import { SILENT } from '../../src/api/log.ts'
import { createTopic } from '../../src/kafka/admin.ts'
import { KafkaClient } from '../../src/kafka/client.ts'
import { commitOffsets, fetchOffsets } from '../../src/kafka/groups/offsets.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { TestMember } from '../support/group-member.ts'
import { freePort, kafkajsClient, sharedKafka } from '../support/kafka.ts'

describe('committed offsets', function () {
  this.timeout(60_000)
  let servers = ''
  let client: KafkaClient
  const [topic, other] = [uniqueName('offsets'), uniqueName('offsets')]

  before(async () => {
    servers = (await sharedKafka()).bootstrapServers
    client = new KafkaClient({ bootstrapServers: [servers], clientId: 'sluice-test', log: SILENT })
    await createTopic(client, { topic, partitions: 3 })
    await createTopic(client, { topic: other, partitions: 1 })
  })
  after(() => client.close())

  it('are null where nothing was committed, and come in the order asked', async () => {
    const group = uniqueName('g')
    await commitOffsets(client, group, null, [
      { topic: other, partition: 0, offset: 2n ** 53n + 1n },
      { topic, partition: 2, offset: 7n },
    ])
    const asked = [
      { topic, partitions: [2, 0] },
      { topic: other, partitions: [0] },
    ]
    expect(await fetchOffsets(client, group, asked)).to.deep.equal([
      { topic, partition: 2, offset: 7n },
      { topic, partition: 0, offset: null },
      { topic: other, partition: 0, offset: 2n ** 53n + 1n },
    ])
    expect(await fetchOffsets(client, uniqueName('never'), [{ topic, partitions: [1] }])).to.deep.equal([
      { topic, partition: 1, offset: null },
    ])
    expect(await fetchOffsets(client, group, [])).to.deep.equal([])
  })

  it('of a member are what kafkajs reads, and kafkajs’s are what we read', async () => {
    const group = uniqueName('g')
    const member = await new TestMember(servers, group, topic).start()
    const { seat } = await eventually(() => member.held)
    await commitOffsets(client, group, seat, [{ topic, partition: 1, offset: 41n }])
    await member.stop()
    const admin = kafkajsClient(servers).admin()
    await admin.connect()
    try {
      const [read] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
      expect(read?.partitions.find((p) => p.partition === 1)?.offset).to.equal('41')
      await admin.setOffsets({ groupId: group, topic, partitions: [{ partition: 0, offset: '17' }] })
    } finally {
      await admin.disconnect()
    }
    expect(await fetchOffsets(client, group, [{ topic, partitions: [0, 1, 2] }])).to.deep.equal([
      { topic, partition: 0, offset: 17n },
      { topic, partition: 1, offset: 41n },
      { topic, partition: 2, offset: null },
    ])
  })

  it('are not taken from nobody, or from a member id of another group, while the group has members', async () => {
    const group = uniqueName('g')
    const member = await new TestMember(servers, group, topic).start()
    const { seat } = await eventually(() => member.held)
    const offsets = [{ topic, partition: 0, offset: 3n }]
    for (const wrong of [
      null,
      { ...seat, memberId: 'somebody' },
      { ...seat, generation: seat.generation + 1 },
    ]) {
      const error = await commitOffsets(client, group, wrong, offsets).catch((thrown: unknown) => thrown)
      expect(error).to.be.instanceOf(FencedError)
      expect(String(error)).to.include(group)
    }
    expect((await fetchOffsets(client, group, [{ topic, partitions: [0] }]))[0]?.offset).to.equal(null)
    await member.stop()
  })

  it('commits nothing, and asks nobody, where there is nothing to commit', async () => {
    const unreachable = new KafkaClient({
      bootstrapServers: [`127.0.0.1:${await freePort()}`],
      clientId: 'sluice-test',
      log: SILENT,
    })
    await commitOffsets(unreachable, 'g', null, [])
    await unreachable.close()
  })
})
