import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { eventually, uniqueName } from '../support/eventually.ts'
import { writeModel } from '../support/model-folder.ts'
import { largestDifference, NETWORKS, type Rows } from '../support/network-fixtures.ts'
import { call, registerSchema, type SluiceDev, startSluiceDev } from '../support/sluice-dev.ts'
import { countRecords, fillTopic, readTopic } from '../support/topics.ts'

type Plain = Readonly<Record<string, unknown>>

const FOLDER = path.join(NETWORKS, 'preprocess')
const read = (name: string) => readFileSync(path.join(FOLDER, name))
const ORACLE = JSON.parse(read('oracle.json').toString()) as {
  readonly nchw: Rows
  readonly table: { readonly records: readonly Plain[]; readonly output: Rows }
}
const FLIGHT = { Origin: 'string', Carrier: 'string', Hour: 'double', Distance: 'double' }

function schemaOf(types: Readonly<Record<string, string>>): string {
  const fields = Object.entries(types).map(([name, type]) => ({ name, type: ['null', type], default: null }))
  return JSON.stringify({ type: 'record', name: 'Row', namespace: 'test', fields })
}

describe('a model whose manifest says how its input is made, in a connector on Avro records', function () {
  this.timeout(120_000)
  let folder = ''
  let dev: SluiceDev
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-preprocess-'))
    const columns = [
      { field: 'Hour', index: 0, fill: -1 },
      { field: 'Origin', index: 1, domain: ['EWR', 'JFK', 'LGA'], fill: 9 },
      { field: 'Carrier', index: 2, domain: ['AA', 'UA'], unseen: 7 },
      { field: 'Distance', index: 3 },
    ]
    const preprocess = { missing: ['', 'NA'], columns }
    const postprocess = { activation: 'sigmoid', labels: ['NO', 'YES'] }
    await writeModel(
      path.join(folder, 'table'),
      { file: 'm.onnx', bytes: read('table.onnx') },
      { preprocess, postprocess },
    )
    const image = {
      layout: 'NCHW',
      crop: 1,
      scale: 1 / 255,
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
    }
    const photos = { preprocess: { image }, postprocess: { activation: 'softmax' } }
    await writeModel(path.join(folder, 'nchw'), { file: 'm.onnx', bytes: read('nchw.onnx') }, photos)
    dev = await startSluiceDev({ CONNECT_MODELS_ALLOWED_DIRS: folder })
  })
  after(async () => {
    await dev.stop()
    await rm(folder, { recursive: true })
  })

  function configOf(topic: string, transform: Readonly<Record<string, string>>): Record<string, string> {
    return {
      'connector.class': 'TopicSink',
      topics: topic,
      'target.topic': `${topic}-scored`,
      'value.converter': 'AvroConverter',
      'value.converter.schema.registry.url': dev.schemaRegistry,
      transforms: 'score',
      ...Object.fromEntries(
        Object.entries(transform).map(([key, value]) => [`transforms.score.${key}`, value]),
      ),
    }
  }

  /** What a connector makes of records. */
  async function run(types: Readonly<Record<string, string>>, records: readonly Plain[], transform: Plain) {
    const topic = uniqueName('rows')
    const id = await registerSchema(dev.schemaRegistry, `${topic}-value`, schemaOf(types))
    const client = new SchemaRegistry({ host: dev.schemaRegistry })
    const values = await Promise.all(records.map((record) => client.encode(id, record)))
    await fillTopic(
      dev.bootstrapServers,
      topic,
      1,
      values.map((value, i) => ({ key: String(i), value })),
    )
    const config = configOf(topic, transform as Readonly<Record<string, string>>)
    const created = await call(dev.rest, 'POST', '/connectors', { name: topic, config })
    expect(created.status, JSON.stringify(created.body)).to.equal(201)
    const target = `${topic}-scored`
    await eventually(async () => (await countRecords(dev.bootstrapServers, target)) === records.length, {
      timeoutMs: 60_000,
    })
    const messages = await readTopic(dev.bootstrapServers, target)
    return Promise.all(messages.map(async ({ value }) => (await client.decode(value!)) as Plain))
  }

  it('scores rows whose categories are texts, by the names of their fields', async () => {
    const transform = { type: 'ScoreOnnx$Value', model: path.join(folder, 'table') }
    const found = await run(FLIGHT, ORACLE.table.records, transform)
    const scores = found.map((row) => [Number(row['p_YES'])])
    expect(largestDifference(scores, ORACLE.table.output)).to.be.lessThan(2e-6)
    expect(found.map((row) => row['prediction'])).to.deep.equal(
      ORACLE.table.output.map(([yes = NaN]) => (yes >= 0.5 ? 'YES' : 'NO')),
    )
  })

  it('labels pictures for a network of floats', async () => {
    const pictures = [0, 1, 2, 3].map((i) => ({ picture: read(`picture${i}.png`) }))
    const options = { field: 'picture', 'top.k': '5', threshold: '0' }
    const transform = { type: 'LabelImage$Value', model: path.join(folder, 'nchw'), ...options }
    const found = await run({ picture: 'bytes' }, pictures, transform)
    const scores = found.map(({ labels }) => {
      const pairs = labels as readonly { label: string; probability: number }[]
      return [0, 1, 2, 3, 4].map((k) => pairs.find(({ label }) => label === `class${k}`)?.probability ?? NaN)
    })
    expect(largestDifference(scores, ORACLE.nchw)).to.be.lessThan(2e-6)
  })

  it('is checked against the schema of the topic before anything runs', async () => {
    const topic = uniqueName('rows')
    const types = { Origin: 'string', Hour: 'string', Distance: 'double' }
    await registerSchema(dev.schemaRegistry, `${topic}-value`, schemaOf(types))
    const config = configOf(topic, { type: 'ScoreOnnx$Value', model: path.join(folder, 'table') })
    const { body, status } = await call(dev.rest, 'POST', '/connectors', { name: topic, config })
    expect(status).to.equal(400)
    const { message } = body as { message: string }
    expect(message)
      .to.include('the field Hour has the wrong type')
      .and.to.include('the field Carrier is missing')
  })
})
