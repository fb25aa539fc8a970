import avro from 'avsc'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import path from 'node:path'
import { ModelStore } from '../../src/inference/store/model-store.ts'
import { toColumn } from '../../src/inference/probe.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { encodeFlight, flightSchema, heldOutFlights } from '../support/flights.ts'
import { readTable } from '../support/model-fixtures.ts'
import { call, registerSchema, type SluiceDev, startSluiceDev } from '../support/sluice-dev.ts'
import { countRecords, fillTopic, readTopic } from '../support/topics.ts'

const MODELS = path.resolve(import.meta.dirname, '../../models')
const models = new ModelStore({ modelsDir: MODELS, allowedDirs: [] })

type Row = Readonly<Record<string, string | number | boolean | null>>

/** The scores of the same rows in this process. */
async function scoresOf(name: string, rows: readonly Row[]) {
  const model = await models.load(name)
  const columns = model.inputs.map((input) =>
    toColumn(
      input,
      rows.map((row) => row[input.name]),
    ),
  )
  return { model, scores: await model.score(columns, rows.length) }
}

describe('the transforms of H2O models in a connector, on Avro records', function () {
  this.timeout(120_000)
  let sluice: SluiceDev

  before(async () => {
    sluice = await startSluiceDev()
  })
  after(() => sluice.stop())

  async function decode(value: Buffer | null): Promise<Row> {
    if (value === null) throw new Error('a tombstone')
    const { body } = await call(sluice.schemaRegistry, 'GET', `/schemas/ids/${value.readInt32BE(1)}`)
    const schema = JSON.parse((body as { schema: string }).schema) as avro.Schema
    return avro.Type.forSchema(schema).fromBuffer(value.subarray(5)) as Row
  }

  /** Sends values through a connector with these transforms; gives the results by key. */
  async function through(values: readonly Buffer[], transforms: Readonly<Record<string, string>>) {
    const [source, target] = [uniqueName('in'), uniqueName('out')]
    await fillTopic(
      sluice.bootstrapServers,
      source,
      2,
      values.map((value, i) => ({ key: String(i), value })),
    )
    const created = await call(sluice.rest, 'POST', '/connectors', {
      name: target,
      config: {
        'connector.class': 'TopicSink',
        topics: source,
        'target.topic': target,
        'value.converter': 'AvroConverter',
        'value.converter.schema.registry.url': sluice.schemaRegistry,
        ...transforms,
      },
    })
    expect(created.status, JSON.stringify(created.body)).to.equal(201)
    await eventually(async () => (await countRecords(sluice.bootstrapServers, target)) >= values.length, {
      timeoutMs: 60_000,
    })
    const found = new Map<number, Row>()
    for (const { key, value } of await readTopic(sluice.bootstrapServers, target)) {
      found.set(Number(key?.toString()), await decode(value))
    }
    return values.map((_, i) => found.get(i) ?? {})
  }

  it('two models score the same flights one after the other, each as in this process', async () => {
    const schemaId = await registerSchema(sluice.schemaRegistry, uniqueName('flight'), flightSchema)
    const flights = heldOutFlights()
      .slice(0, 300)
      .map(({ flight }) => flight)
    const found = await through(
      flights.map((flight) => encodeFlight(flight, schemaId)),
      {
        transforms: 'dl,gbm',
        'transforms.dl.type': 'ScoreH2ODeepLearning$Value',
        'transforms.dl.model': 'airline-delay-dl',
        'transforms.dl.prefix': 'dl_',
        'transforms.gbm.type': 'ScoreH2O$Value',
        'transforms.gbm.model': 'airline-delay',
        'transforms.gbm.prefix': 'gbm_',
      },
    )
    for (const [prefix, name] of [
      ['dl_', 'airline-delay-dl'],
      ['gbm_', 'airline-delay'],
    ] as const) {
      const { model, scores } = await scoresOf(name, flights)
      found.forEach((row, i) => {
        const label = scores.prediction.type === 'category' ? scores.prediction.levels[i]! : NaN
        expect(row[`${prefix}prediction`]).to.equal(model.labels[label])
        expect(row[`${prefix}p_YES`]).to.be.closeTo(scores.outputs[1]!.values[i]!, 1e-14)
      })
    }
  })

  it('DetectAnomaly marks the anomalies among readings', async () => {
    const { header, rows } = readTable(path.join(MODELS, 'shuttle-anomaly/readings.csv.gz'))
    const schema = JSON.stringify({
      type: 'record',
      name: 'Reading',
      fields: header.map((name) => ({ name, type: 'double' })),
    })
    const schemaId = await registerSchema(sluice.schemaRegistry, uniqueName('reading'), schema)
    const type = avro.Type.forSchema(JSON.parse(schema) as avro.Schema)
    const readings = rows
      .slice(0, 400)
      .map((row) => Object.fromEntries(header.map((name, i) => [name, Number(row[i])])))
    const head = Buffer.alloc(5)
    head.writeInt32BE(schemaId, 1)
    const found = await through(
      readings.map((reading) => Buffer.concat([head, type.toBuffer(reading)])),
      {
        transforms: 'detect',
        'transforms.detect.type': 'DetectAnomaly$Value',
        'transforms.detect.model': 'shuttle-anomaly',
      },
    )
    const { model, scores } = await scoresOf('shuttle-anomaly', readings)
    let anomalies = 0
    found.forEach((row, i) => {
      const error = scores.outputs[0]!.values[i]!
      expect(row['anomaly_score']).to.be.closeTo(error, 1e-14)
      expect(row['is_anomaly']).to.equal(error > model.threshold!)
      if (row['is_anomaly'] === true) anomalies++
    })
    expect(anomalies).to.be.within(1, 399)
  })
})
