import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { eventually } from '../support/eventually.ts'
import { kafkajsClient } from '../support/kafka.ts'
import { call, type SluiceDev, startSluiceDev, untilTasks } from '../support/sluice-dev.ts'
import { fillTopic, type Produced, readTopic } from '../support/topics.ts'

const CONFIGS = path.resolve(import.meta.dirname, '../fixtures/connect-configs')

const json = (key: unknown, value: unknown): Produced => ({
  key: key === null ? null : JSON.stringify(key),
  value: value === null ? null : Buffer.from(JSON.stringify(value)),
})
const PERSON = { id: 7, phone: '555', name: 'a' }

/** What is in the topics before; each has one partition. */
const TOPICS: Readonly<Record<string, readonly Produced[]>> = {
  'shop-eu': [json(null, { a: 1 })],
  'orders-2': [],
  'orders-3': [json(null, PERSON), json('k', null)],
  'orders-4': [json({ id: 7, x: 1 }, { a: 1 })],
  'orders-5': [json(null, PERSON), json('k', null)],
  'orders-6': [],
  'orders-7': [json(null, { ORDER_ID: 1, SHOP_ID: 2, internal: 3 })],
  'orders-8': [json(null, { a: 1 })],
  'orders-9': [{ key: null, value: Buffer.from('no Avro') }],
}

/** Results are those of Apache’s worker 4.3.1 for the same inputs (shared/cases/connect-configs). */
describe('configurations that people run on Kafka Connect', function () {
  this.timeout(180_000)
  let sluice: SluiceDev
  let folder: string
  const file = (name: string): string => path.join(folder, name)
  const lines = async (name: string): Promise<string[]> =>
    (await readFile(file(name), 'utf8').catch(() => '')).split('\n').slice(0, -1)

  async function post(name: string): Promise<void> {
    const text = await readFile(path.join(CONFIGS, `${name}.json`), 'utf8')
    const body = JSON.parse(text) as { name: string; config: Record<string, unknown> }
    body.config['file'] = file(String(body.config['file']))
    if ('value.converter.schema.registry.url' in body.config)
      body.config['value.converter.schema.registry.url'] = sluice.schemaRegistry
    const created = await call(sluice.rest, 'POST', '/connectors', body)
    expect(created.status, JSON.stringify(created.body)).to.equal(201)
    await untilTasks(sluice.rest, name, 'RUNNING')
  }

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-configs-'))
    sluice = await startSluiceDev()
    for (const [topic, records] of Object.entries(TOPICS))
      await fillTopic(sluice.bootstrapServers, topic, 1, records)
    for (const number of [2, 6, 10])
      await writeFile(file(`in-${number}.txt`), '1700000000000\n1700000001000\n')
  })
  after(async () => {
    await sluice.stop()
    await rm(folder, { recursive: true })
  })

  const FILES: Readonly<Record<string, readonly (readonly string[])[]>> = {
    '1-router': [['{a=1}']],
    '3-mask-live-rows': [['id=7', 'name=a', 'phone=xxx'], ['null']],
    '4-headers': [['{a=1}']],
    '5-no-tombstones': [['id=7', 'name=a', 'phone=555']],
    '7-rename': [['orderId=1', 'shopId=2']],
    '8-secrets': [['{a=1}']],
  }
  for (const [name, wanted] of Object.entries(FILES)) {
    it(`${name} writes to its file what Apache's worker writes`, async () => {
      await post(name)
      const out = `out-${name.split('-')[0]}.txt`
      await eventually(async () => expect(await lines(out)).to.have.length(wanted.length), {
        timeoutMs: 30_000,
      })
      // The order of a map's entries is Java's.
      const entries = (line: string) =>
        wanted.flat().includes(line) ? [line] : line.slice(1, -1).split(', ').sort()
      expect((await lines(out)).map(entries)).to.deep.equal(wanted)
    })
  }

  const values = async (topic: string, count: number) => {
    await eventually(async () => (await readTopic(sluice.bootstrapServers, topic)).length === count, {
      timeoutMs: 30_000,
    })
    return readTopic(sluice.bootstrapServers, topic)
  }
  const parsed = (value: Buffer | null): unknown => JSON.parse(value?.toString() ?? 'null')

  it('2-timestamps writes times as texts', async () => {
    const days = [new Date().toISOString().slice(0, 10)]
    await post('2-timestamps')
    const found = (await values('orders-2', 2)).map(
      ({ value }) => parsed(value) as { at: string; seen: string },
    )
    days.push(new Date().toISOString().slice(0, 10))
    expect(found.map(({ at }) => at)).to.deep.equal(['2023-11-14 22:13:20Z', '2023-11-14 22:13:21Z'])
    for (const { seen } of found) expect(days).to.include(seen)
  })

  it('6-keys takes the key from the value: 8 bytes', async () => {
    await post('6-keys')
    const found = await values('orders-6', 2)
    expect(found.map(({ key }) => key?.readBigInt64BE())).to.have.members([1700000000000n, 1700000001000n])
    const value = parsed(found.find(({ key }) => key?.readBigInt64BE() === 1700000000000n)?.value ?? null)
    expect(value).to.have.property('payload').that.deep.equals({ nr: 1700000000000 })
    expect(value).to.have.nested.property('schema.fields[0].type', 'int64')
  })

  it('8-secrets keeps placeholders of nobody as they are', async () => {
    const { body } = await call(sluice.rest, 'GET', '/connectors/8-secrets')
    expect(body).to.have.nested.property('config.file\\.pattern', '${date:now:yyyyMMdd}-${id}')
  })

  it('9-dead-letters runs with Confluent’s converter, and sends what is no Avro to its dead letter topic', async () => {
    await post('9-dead-letters')
    const [letter] = await values('orders.dead', 1)
    expect(letter?.value?.toString()).to.equal('no Avro')
    expect(letter?.headers).to.have.property('__connect.errors.topic')
  })

  it('10-topics-made makes its topic with three partitions', async () => {
    await post('10-topics-made')
    const found = await values('orders-10', 2)
    expect(found.map(({ value }) => parsed(value))).to.have.members(['1700000000000', '1700000001000'])
    const admin = kafkajsClient(sluice.bootstrapServers).admin()
    await admin.connect()
    const { topics } = await admin.fetchTopicMetadata({ topics: ['orders-10'] })
    await admin.disconnect()
    expect(topics[0]?.partitions).to.have.length(3)
  })
})
