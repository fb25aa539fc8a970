import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { createServer, type Server } from 'node:net'
import type { AddressInfo } from 'node:net'
import { SILENT } from '../../src/api/log.ts'
import { TaskError, UnavailableError } from '../../src/api/errors.ts'
import { clusterId, createTopic, listOffsets, topicConfigs } from '../../src/kafka/admin.ts'
import { KafkaClient } from '../../src/kafka/client.ts'
import { apiVersion } from '../../src/kafka/connections.ts'
import { uniqueName } from '../support/eventually.ts'
import { freePort, kafkajsClient, sharedKafka } from '../support/kafka.ts'

/** What a promise was rejected with. */
async function failure(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('it did not fail')
}

const clientOf = (...bootstrapServers: string[]): KafkaClient =>
  new KafkaClient({ bootstrapServers, clientId: 'sluice-test', log: SILENT })

describe('Kafka client', () => {
  let bootstrapServers: string
  let client: KafkaClient

  before(async function () {
    this.timeout(60_000)
    ;({ bootstrapServers } = await sharedKafka())
    client = clientOf(bootstrapServers)
  })
  after(() => client.close())

  it('creates a topic with its partitions and settings, once', async () => {
    const topic = uniqueName('created')
    const wanted = {
      topic,
      partitions: 3,
      configs: { 'cleanup.policy': 'compact', 'max.message.bytes': '12345' },
    }
    expect(await client.partitionCount(topic)).to.equal(null)
    expect(await createTopic(client, wanted)).to.equal('created')
    expect(await createTopic(client, wanted)).to.equal('exists')
    expect(await client.partitionCount(topic)).to.equal(3)
    const configs = await topicConfigs(client, topic)
    expect(configs.get('cleanup.policy')).to.equal('compact')
    expect(configs.get('max.message.bytes')).to.equal('12345')
    expect(configs.get('retention.ms')).to.equal('604800000')
  })

  it('says why a topic cannot be created', async () => {
    const error = await failure(createTopic(client, { topic: 'not a name', partitions: 1 }))
    expect(error).to.be.instanceOf(TaskError).with.property('code', 'kafka.topic')
    expect((error as Error).message).to.match(/Creating topic not a name: .*INVALID_TOPIC_EXCEPTION \(17\)/)
  })

  it('says what to set when a topic wants more replicas than there are brokers', async () => {
    const wanted = { topic: uniqueName('replicas'), partitions: 1, replicationFactor: 3 }
    const error = await failure(createTopic(client, wanted))
    expect(error).to.be.instanceOf(TaskError).with.property('code', 'kafka.topic')
    expect((error as Error).message).to.match(/replication factor 3: this Kafka has fewer brokers.*to -1/)
  })

  it('knows leaders, coordinators and the cluster id', async () => {
    const topic = uniqueName('led')
    await createTopic(client, { topic, partitions: 1 })
    const leader = await client.leader(topic, 0)
    expect(client.cachedLeader(topic, 0)).to.equal(leader)
    client.invalidate(topic)
    expect(client.cachedLeader(topic, 0)).to.equal(null)
    expect(await client.leader(topic, 0)).to.equal(leader)
    expect(await client.coordinator('group', uniqueName('group'))).to.equal(leader)
    const kafka = kafkajsClient(bootstrapServers).admin()
    expect(await clusterId(client)).to.equal((await kafka.describeCluster()).clusterId)
    await kafka.disconnect()
  })

  it('has no leader for what does not exist, and does not create it', async () => {
    const topic = uniqueName('missing')
    const error = await failure(client.leader(topic, 0))
    expect(error).to.be.instanceOf(UnavailableError).with.property('code', 'kafka.topic')
    expect((error as Error).message)
      .to.include(topic)
      .and.include('UNKNOWN_TOPIC_OR_PARTITION')
    const metadata = await client.metadata(null)
    expect(metadata.map((t) => t.topic)).not.to.include(topic)
    await createTopic(client, { topic, partitions: 1 })
    expect(await failure(client.leader(topic, 1))).to.have.property('code', 'kafka.topic')
  })

  it('lists first and last offsets, in the order asked', async () => {
    const topic = uniqueName('offsets')
    await createTopic(client, { topic, partitions: 2 })
    const producer = kafkajsClient(bootstrapServers).producer()
    await producer.connect()
    await producer.send({ topic, messages: [1, 2, 3].map((n) => ({ value: String(n), partition: 1 })) })
    await producer.disconnect()
    const both = [1, 0].map((partition) => ({ topic, partition }))
    expect(await listOffsets(client, both, 'latest')).to.deep.equal([3n, 0n])
    expect(await listOffsets(client, both, 'earliest')).to.deep.equal([0n, 0n])
  })

  it('shares a connection per broker and purpose, and opens a new one when it was lost', async () => {
    const broker = await client.controller()
    const one = await client.connection(broker)
    expect(await client.connection(broker)).to.equal(one)
    expect(await client.connection(broker, 'fetch')).not.to.equal(one)
    one.socket.destroy()
    await new Promise((resolve) => one.once('close', resolve))
    const next = await client.connection(broker)
    expect(next).not.to.equal(one)
    expect(next.isConnected()).to.equal(true)
    expect(apiVersion(next, 3, [0, 11, 12, 99])).to.equal(12)
    expect(() => apiVersion(next, 3, [99])).to.throw(TaskError, 'API 3 in versions')
  })

  it('takes the first bootstrap server that answers', async () => {
    const second = clientOf(`127.0.0.1:${await freePort()}`, bootstrapServers)
    expect((await second.metadata(null)).length).to.be.greaterThan(0)
    await second.close()
  })

  it('says where no broker answers, and what to look at', async () => {
    const address = `127.0.0.1:${await freePort()}`
    const down = clientOf(address)
    const error = await failure(down.metadata(null))
    expect(error).to.be.instanceOf(UnavailableError).with.property('retriable', true)
    expect((error as Error).message).to.match(
      new RegExp(`No Kafka broker answers at ${address} \\(.*ECONNREFUSED`),
    )
    expect((error as Error).message).to.include('bootstrap.servers')
    await down.close()
  })

  it('spaces its attempts where it is asked again and again', async () => {
    const down = clientOf(`127.0.0.1:${await freePort()}`)
    const started = performance.now()
    for (let i = 0; i < 5; i++) await failure(down.metadata(null))
    expect(performance.now() - started).to.be.greaterThan(0.8 * (50 + 100 + 200 + 400))
    await down.close()
  })

  it('gives up a request that is not answered in time, and the connection with it', async () => {
    const silent = await listening(createServer((socket) => socket.on('error', () => undefined).resume()))
    const deaf = clientOf(`127.0.0.1:${(silent.address() as AddressInfo).port}`)
    const error = await failure(deaf.connection('any', 'control', 200))
    expect(error).to.be.instanceOf(UnavailableError)
    expect((error as Error).message).to.include('timed out')
    await deaf.close()
    silent.close()
  })

  it('refuses addresses that are none, and work after close', async () => {
    expect(() => clientOf('no port')).to.throw(TaskError, "'no port' is not of the form host:port")
    const closed = clientOf(bootstrapServers)
    await closed.close()
    expect(await failure(closed.metadata(null))).to.be.instanceOf(TaskError)
  })
})

function listening(server: Server): Promise<Server> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
}
