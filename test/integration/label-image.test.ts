import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { picture, pixelBomb } from '../inference/images/pictures.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { call, registerSchema, type SluiceDev, startSluiceDev, untilTasks } from '../support/sluice-dev.ts'
import { countRecords, fillTopic, readTopic } from '../support/topics.ts'

const PHOTO = {
  type: 'record',
  name: 'Photo',
  namespace: 'test',
  fields: [
    { name: 'id', type: 'int' },
    { name: 'picture', type: ['null', 'bytes'], default: null },
  ],
}

const PHOTOS = path.resolve(import.meta.dirname, '../fixtures/images')

interface Labelled {
  readonly id: number
  readonly picture: Buffer | null
  readonly label: string | null
  readonly probability: number | null
  readonly labels: readonly { label: string; probability: number }[] | null
}

describe('LabelImage in a connector', function () {
  this.timeout(120_000)
  let dev: SluiceDev
  before(async () => {
    dev = await startSluiceDev()
  })
  after(() => dev.stop())

  it('labels the pictures of Avro records; bad ones become dead letters', async () => {
    const { bootstrapServers, rest, schemaRegistry } = dev
    const [source, target, dead] = [uniqueName('photos'), uniqueName('labelled'), uniqueName('dead')]
    const id = await registerSchema(schemaRegistry, `${source}-value`, JSON.stringify(PHOTO))
    const client = new SchemaRegistry({ host: schemaRegistry })
    const jpeg = await picture().jpeg().toBuffer()
    const pictures = [
      jpeg,
      Buffer.from('a text'),
      await picture().webp().toBuffer(),
      pixelBomb(16_000),
      null,
      jpeg.subarray(0, jpeg.length / 2),
      await readFile(path.join(PHOTOS, 'coffee.gif')),
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
    ]
    const values = await Promise.all(pictures.map((each, i) => client.encode(id, { id: i, picture: each })))
    const records = values.map((value, i) => ({ key: String(i), value }))
    await fillTopic(bootstrapServers, source, 1, [...records, { key: 'tombstone', value: null }])
    const config = {
      'connector.class': 'TopicSink',
      topics: source,
      'target.topic': target,
      'key.converter': 'StringConverter',
      'value.converter': 'AvroConverter',
      'value.converter.schema.registry.url': schemaRegistry,
      transforms: 'label',
      'transforms.label.type': 'LabelImage$Value',
      'transforms.label.model': 'efficientnet-lite0',
      'transforms.label.field': 'picture',
      'transforms.label.threshold': '0',
      'transforms.label.top.k': '3',
      'errors.tolerance': 'all',
      'errors.deadletterqueue.topic.name': dead,
      'errors.deadletterqueue.topic.replication.factor': '1',
      'errors.deadletterqueue.context.headers.enable': 'true',
    }
    const created = await call(rest, 'POST', '/connectors', { name: 'label', config })
    expect(created.status, JSON.stringify(created.body)).to.equal(201)
    await untilTasks(rest, 'label', 'RUNNING')
    const written = async (topic: string) => countRecords(bootstrapServers, topic)
    await eventually(async () => (await written(target)) === 4 && (await written(dead)) === 5, {
      timeoutMs: 60_000,
    })

    const messages = await readTopic(bootstrapServers, target)
    expect(messages.map(({ key }) => key?.toString())).to.deep.equal(['0', '2', '4', 'tombstone'])
    expect(messages[3]?.value).to.equal(null)
    const found = await Promise.all(
      messages.slice(0, 3).map(async ({ value }) => (await client.decode(value!)) as Labelled),
    )
    for (const { label, probability, labels } of found.slice(0, 2)) {
      expect(labels).to.have.length(3)
      expect({ ...labels?.[0] }).to.deep.equal({ label, probability })
      expect(probability).to.be.within(1e-3, 1)
    }
    expect(found[0]?.picture?.equals(jpeg)).to.equal(true)
    expect({ ...found[2] }).to.deep.equal({
      id: 4,
      picture: null,
      label: null,
      probability: null,
      labels: null,
    })

    const letters = await readTopic(bootstrapServers, dead)
    expect(letters.map(({ key }) => key?.toString())).to.deep.equal(['1', '3', '5', '6', '7'])
    letters.forEach(({ value }, i) => expect(value?.equals(values[[1, 3, 5, 6, 7][i]!]!)).to.equal(true))
    const reasons = letters.map(({ headers }) => String(headers?.['__connect.errors.exception.message']))
    for (const at of [0, 3, 4]) expect(reasons[at]).to.include('JPEG, PNG and WebP')
    expect(reasons[1]).to.match(/pixel/)
    expect(reasons[2]).to.include('cannot be decoded')
  })
})
