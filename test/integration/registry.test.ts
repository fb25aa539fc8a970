import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import { expect } from 'chai'
import kafkajs from 'kafkajs'
import { after, afterEach, before, describe, it } from 'mocha'
import { SILENT } from '../../src/api/log.ts'
import { startRegistry } from '../../src/registry/server.ts'
import type { RegistryServer } from '../../src/registry/server.ts'
import { callRegistry, recordText } from '../registry/client.ts'
import { uniqueName } from '../support/eventually.ts'
import { freePort, kafkajsClient, sharedKafka } from '../support/kafka.ts'
import { sluice } from '../support/process.ts'

const V1 = recordText('Flight', ['Year', 'int'])
const V2 = recordText('Flight', ['Year', 'int'], ['Month', 'int', 1])

describe('the registry on a real Kafka', function () {
  this.timeout(60_000)
  let bootstrapServers: string
  const running: RegistryServer[] = []

  before(async () => {
    bootstrapServers = (await sharedKafka()).bootstrapServers
  })
  afterEach(async () => {
    for (const registry of running.splice(0)) await registry.close()
  })

  async function start(topic: string): Promise<RegistryServer> {
    const registry = await startRegistry({
      bootstrapServers: bootstrapServers.split(','),
      topic,
      port: 0,
      log: SILENT,
    })
    running.push(registry)
    return registry
  }

  async function stop(registry: RegistryServer): Promise<void> {
    running.splice(running.indexOf(registry), 1)
    await registry.close()
  }

  const register = ({ url }: RegistryServer, subject: string, schema: string) =>
    callRegistry(url, 'POST', `/subjects/${subject}/versions`, { schema })

  it('creates its topic with one compacted partition', async () => {
    const topic = uniqueName('schemas')
    await start(topic)
    const admin = kafkajsClient(bootstrapServers).admin()
    await admin.connect()
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
      expect(topics[0]?.partitions).to.have.length(1)
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
      })
      const policy = resources[0]?.configEntries.find((entry) => entry.configName === 'cleanup.policy')
      expect(policy?.configValue).to.equal('compact')
    } finally {
      await admin.disconnect()
    }
  })

  it('has everything again after a restart, what was deleted too', async () => {
    const topic = uniqueName('schemas')
    const first = await start(topic)
    expect((await register(first, 'a', V1)).body).to.deep.equal({ id: 1 })
    expect((await register(first, 'a', V2)).body).to.deep.equal({ id: 2 })
    expect((await register(first, 'b', V1)).body).to.deep.equal({ id: 1 })
    expect((await register(first, 'c', V1)).body).to.deep.equal({ id: 1 })
    await callRegistry(first.url, 'PUT', '/config/a', { compatibility: 'FULL' })
    await callRegistry(first.url, 'DELETE', '/subjects/a/versions/1')
    await callRegistry(first.url, 'DELETE', '/subjects/b')
    await callRegistry(first.url, 'DELETE', '/subjects/c')
    await callRegistry(first.url, 'DELETE', '/subjects/c?permanent=true')
    await stop(first)

    const second = await start(topic)
    const get = async (path: string) => (await callRegistry(second.url, 'GET', path)).body
    expect(await get('/subjects')).to.deep.equal(['a'])
    expect(await get('/subjects?deleted=true')).to.deep.equal(['a', 'b'])
    expect(await get('/subjects/a/versions')).to.deep.equal([2])
    expect(await get('/subjects/a/versions?deleted=true')).to.deep.equal([1, 2])
    expect(await get('/schemas/ids/1')).to.deep.equal({ schema: V1 })
    expect(await get('/config/a')).to.deep.equal({ compatibilityLevel: 'FULL' })
    expect((await register(second, 'b', V1)).body).to.deep.equal({ id: 1 })
    expect(await get('/subjects/b/versions')).to.deep.equal([2])
    const other = recordText('Other')
    expect((await register(second, 'd', other)).body).to.deep.equal({ id: 3 })
  })

  it('gives one id to a schema that many register at once', async () => {
    const registry = await start(uniqueName('schemas'))
    const answers = await Promise.all(Array.from({ length: 20 }, () => register(registry, 's', V1)))
    for (const answer of answers) expect(answer).to.deep.equal({ status: 200, body: { id: 1 } })
    const versions = await callRegistry(registry.url, 'GET', '/subjects/s/versions')
    expect(versions.body).to.deep.equal([1])
  })

  it('serves @kafkajs/confluent-schema-registry', async () => {
    const { url } = await start(uniqueName('schemas'))
    const client = new SchemaRegistry({ host: url })
    const { id } = await client.register({ type: SchemaType.AVRO, schema: V1 }, { subject: 's' })
    const payload = await client.encode(id, { Year: 2013 })
    const decoded: unknown = await new SchemaRegistry({ host: url }).decode(payload)
    expect(decoded).to.include({ Year: 2013 })
    const second = client.register(
      { type: SchemaType.AVRO, schema: recordText('Flight', ['Day', 'int']) },
      { subject: 's' },
    )
    const error: unknown = await second.catch((e: unknown) => e)
    expect(error).to.include({ status: 409 })
  })

  it('writes keys and values that another registry can take over', async () => {
    const topic = uniqueName('schemas')
    const registry = await start(topic)
    await register(registry, 's', V1)
    await callRegistry(registry.url, 'DELETE', '/subjects/s')
    expect(await readTopic(topic, 2)).to.deep.equal([
      [
        '{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}',
        `{"subject":"s","version":1,"id":1,"schema":${JSON.stringify(V1)},"deleted":false}`,
      ],
      ['{"keytype":"DELETE_SUBJECT","subject":"s","magic":0}', '{"subject":"s","version":1}'],
    ])
  })

  async function readTopic(topic: string, count: number): Promise<(string | undefined)[][]> {
    const consumer = kafkajsClient(bootstrapServers).consumer({ groupId: uniqueName('reader') })
    const records: (string | undefined)[][] = []
    const all = Promise.withResolvers<undefined>()
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      eachMessage: ({ message }) => {
        records.push([message.key?.toString(), message.value?.toString()])
        if (records.length >= count) all.resolve(undefined)
        return Promise.resolve()
      },
    })
    await all.promise
    await consumer.disconnect()
    return records
  }

  describe('as the command `sluice registry`', () => {
    const commands: ReturnType<typeof sluice>[] = []
    after(() => commands.forEach((command) => command.kill()))

    const startCommand = (port: number, topic: string) => {
      const options = ['--port', String(port), '--bootstrap-servers', bootstrapServers, '--topic', topic]
      const command = sluice(['registry', ...options])
      commands.push(command)
      return command
    }

    it('prints where it is when it is ready, and ends with 0 at SIGTERM', async () => {
      const port = await freePort()
      const command = startCommand(port, uniqueName('schemas'))
      const ready = await command.ready()
      expect(ready).to.deep.equal({ ready: true, schemaRegistry: `http://127.0.0.1:${port}` })
      expect((await callRegistry(`http://127.0.0.1:${port}`, 'GET', '/subjects')).body).to.deep.equal([])
      command.signal('SIGTERM')
      expect(await command.exited).to.equal(0)
    })

    it('says which port is taken and ends with 1', async () => {
      const { port } = await start(uniqueName('schemas'))
      const command = startCommand(port, uniqueName('schemas'))
      expect(await command.exited).to.equal(1)
      expect(command.stderr()).to.include(`Port ${port} is taken`)
    })
  })
})
