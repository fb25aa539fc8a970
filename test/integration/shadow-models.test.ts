import { expect } from 'chai'
import { readFile } from 'node:fs/promises'
import { after, before, describe, it } from 'mocha'
import path from 'node:path'
import { SILENT } from '../../src/api/log.ts'
import { ModelStore } from '../../src/inference/store/model-store.ts'
import { toColumn } from '../../src/inference/probe.ts'
import { type RegistryServer, startRegistry } from '../../src/registry/server.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { encodeFlight, flightSchema, heldOutFlights } from '../support/flights.ts'
import { sharedKafka } from '../support/kafka.ts'
import { type SeedWorker, startSeedWorker } from '../support/seed-worker.ts'
import { call, registerSchema } from '../support/sluice-dev.ts'
import { countRecords, fillTopic, type ReadMessage, readTopic } from '../support/topics.ts'

const MODELS = path.resolve(import.meta.dirname, '../../models')
const FLIGHTS = 400

interface Summary {
  readonly model: string
  readonly rows: number
  readonly not_scored: number
  readonly equal_labels: number
  readonly mean_difference: number
  readonly largest_difference: number
  readonly batches: number
  readonly problem: string | null
}

interface Report {
  readonly shadows: readonly Summary[]
  readonly tasks: readonly (Summary & { readonly task: number })[]
}

describe('models that share records, and shadow models, in a connector', function () {
  this.timeout(120_000)
  let worker: SeedWorker
  let registry: RegistryServer
  let bootstrapServers: string

  before(async () => {
    bootstrapServers = (await sharedKafka()).bootstrapServers
    registry = await startRegistry({
      port: 0,
      bootstrapServers: [bootstrapServers],
      topic: uniqueName('schemas'),
      log: SILENT,
    })
    worker = await startSeedWorker()
    const gbm = await readFile(path.join(MODELS, 'airline-delay/airline-delay.mojo.zip'))
    const network = await readFile(path.join(MODELS, 'airline-delay-dl/airline-delay-dl.mojo.zip'))
    await worker.addModel('champion', 'm.zip', gbm)
    await worker.addModel('challenger', 'm.zip', gbm)
    await worker.addModel('network', 'm.zip', network)
    await worker.addModelFolder('flowers', path.join(MODELS, 'iris-dl4j'))
    await worker.addModelFolder('shuttle-anomaly', path.join(MODELS, 'shuttle-anomaly'))
  })
  after(async () => {
    await worker.stop()
    await registry.close()
  })

  const configOf = (source: string, target: string, shadow: string) => ({
    'connector.class': 'TopicSink',
    'tasks.max': '2',
    topics: source,
    'target.topic': target,
    'key.converter': 'StringConverter',
    'value.converter': 'AvroConverter',
    'value.converter.schema.registry.url': registry.url,
    transforms: 'score',
    'transforms.score.type': 'ScoreH2OGbm$Value',
    'transforms.score.model': 'champion:0.7,challenger:0.3',
    'transforms.score.shadow': shadow,
    'transforms.score.shadow.header': 'true',
  })

  async function reportOf(name: string): Promise<Report> {
    const { status, body } = await call(worker.rest, 'GET', `/sluice/connectors/${name}/shadows`)
    expect(status, JSON.stringify(body)).to.equal(200)
    return body as Report
  }

  /** What two models say to the same flights in this process, and how far they differ. */
  async function compared(flights: readonly ReturnType<typeof heldOutFlights>[number]['flight'][]) {
    const models = new ModelStore({ modelsDir: MODELS, allowedDirs: [] })
    const [served = [], said = []] = await Promise.all(
      ['airline-delay', 'airline-delay-dl'].map(async (name) => {
        const model = await models.load(name)
        const columns = model.inputs.map((input) =>
          toColumn(
            input,
            flights.map((flight) => flight[input.name]),
          ),
        )
        const { prediction, outputs } = await model.score(columns, flights.length)
        const levels = prediction.type === 'category' ? prediction.levels : []
        return flights.map((_, i) => ({ label: model.labels[levels[i]!], yes: outputs[1]!.values[i]! }))
      }),
    )
    const differences = served.map(({ yes }, i) => Math.abs(yes - said[i]!.yes))
    return {
      served,
      said,
      equal: served.filter(({ label }, i) => label === said[i]!.label).length / served.length,
      mean: differences.reduce((sum, each) => sum + each, 0) / differences.length,
      largest: Math.max(...differences),
    }
  }

  function headersOf({ headers }: ReadMessage): Readonly<Record<string, string>> {
    return Object.fromEntries(Object.entries(headers ?? {}).map(([key, value]) => [key, String(value)]))
  }

  it('the split follows the keys, the shadow is in headers, and the report over REST adds up', async () => {
    const [source, target] = [uniqueName('flights'), uniqueName('scored')]
    const flights = heldOutFlights()
      .slice(0, FLIGHTS)
      .map(({ flight }) => flight)
    const id = await registerSchema(registry.url, `${source}-value`, flightSchema)
    const records = flights.map((flight, i) => ({ key: `flight-${i}`, value: encodeFlight(flight, id) }))
    await fillTopic(bootstrapServers, source, 2, records)
    const config = configOf(source, target, 'network,flawed')
    const refused = await call(worker.rest, 'POST', '/connectors', { name: target, config })
    expect(refused.status).to.equal(400)
    expect(JSON.stringify(refused.body)).to.contain('flawed')
    config['transforms.score.shadow'] = 'network'
    const created = await call(worker.rest, 'POST', '/connectors', { name: target, config })
    expect(created.status, JSON.stringify(created.body)).to.equal(201)
    await eventually(async () => (await countRecords(bootstrapServers, target)) >= FLIGHTS, {
      timeoutMs: 60_000,
    })

    const report = await eventually(
      async () => {
        const found = await reportOf(target)
        if (found.shadows[0]?.rows === FLIGHTS) return found
        throw new Error(JSON.stringify(found))
      },
      { timeoutMs: 20_000 },
    )
    const wanted = await compared(flights)
    const [shadow] = report.shadows
    expect(report.shadows).to.have.length(1)
    expect(shadow).to.include({
      model: 'network',
      version: '1',
      transform: 'score',
      not_scored: 0,
      problem: null,
    })
    expect(shadow).to.include({ serving: 'champion$1, challenger$1' })
    expect(shadow?.equal_labels).to.be.closeTo(wanted.equal, 1e-12)
    expect(shadow?.mean_difference).to.be.closeTo(wanted.mean, 1e-12)
    expect(shadow?.largest_difference).to.be.closeTo(wanted.largest, 1e-12)
    const byTask = report.tasks.map(({ rows }) => rows)
    expect(byTask.reduce((sum, rows) => sum + rows)).to.equal(FLIGHTS)

    const messages = await readTopic(bootstrapServers, target)
    expect(messages).to.have.length(FLIGHTS)
    const counts = { champion$1: 0, challenger$1: 0 }
    for (const message of messages) {
      const i = Number(message.key?.toString().slice('flight-'.length))
      const headers = headersOf(message)
      counts[headers['sluice.model'] as keyof typeof counts]++
      const said = JSON.parse(headers['sluice.shadow'] ?? '') as {
        prediction: string
        outputs: { YES: number }
      }
      expect(said).to.include({ model: 'network', version: '1', prediction: wanted.said[i]!.label })
      expect(said.outputs.YES).to.be.closeTo(wanted.said[i]!.yes, 1e-12)
    }
    expect(counts.champion$1 + counts.challenger$1).to.equal(FLIGHTS)
    expect(counts.champion$1 / FLIGHTS).to.be.within(0.6, 0.8)
    await call(worker.rest, 'DELETE', `/connectors/${target}`)
    await eventually(async () => {
      return (await call(worker.rest, 'GET', `/sluice/connectors/${target}/shadows`)).status === 404
    })
  })

  it('a shadow that cannot be compared is refused by name when the connector is configured', async () => {
    for (const [shadow, said] of [
      [
        'shuttle-anomaly',
        'shuttle-anomaly cannot be compared with champion: it is for anomaly, not for classification',
      ],
      ['flowers', 'its labels are setosa, versicolor, virginica, not NO, YES'],
    ] as const) {
      const name = uniqueName('refused')
      const config = configOf(uniqueName('nothing'), name, shadow)
      const { status, body } = await call(worker.rest, 'POST', '/connectors', { name, config })
      expect(status).to.equal(400)
      expect(JSON.stringify(body)).to.contain(said)
    }
  })
})
