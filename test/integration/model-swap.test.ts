import { createHash } from 'node:crypto'
import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import avro from 'avsc'
import { expect } from 'chai'
import type { Consumer, Producer } from 'kafkajs'
import { after, before, describe, it } from 'mocha'
import { SILENT } from '../../src/api/log.ts'
import { ModelStore } from '../../src/inference/store/model-store.ts'
import { toColumn } from '../../src/inference/probe.ts'
import { openZip } from '../../src/inference/readers/zip.ts'
import { type RegistryServer, startRegistry } from '../../src/registry/server.ts'
import { clusterTopics } from '../support/cluster-topics.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { encodeFlight, type Flight, flightSchema, heldOutFlights } from '../support/flights.ts'
import { freePort, kafkajsClient, sharedKafka } from '../support/kafka.ts'
import { REPOSITORY, sluice, type StartedProcess } from '../support/process.ts'
import { call, type ConnectorStatus, registerSchema, untilTasks } from '../support/sluice-dev.ts'
import { fillTopic, readTopic } from '../support/topics.ts'
import { zipOf } from '../support/zip-writer.ts'

const MODEL = path.join(REPOSITORY, 'models/airline-delay')
const FILE = 'airline-delay.mojo.zip'
const THRESHOLD = 0.33982424823823953
/** What each version adds to the sum of the trees: the first is the model as it was trained. */
const SHIFT: Readonly<Record<string, number>> = { 1: 0, 2: 0.5, 3: -0.25 }

/** The probability that a version gives where the first gives `p`. */
function shifted(p: number, version: string): number {
  return 1 / (1 + Math.exp(-(Math.log(p / (1 - p)) + (SHIFT[version] ?? NaN))))
}

/** The files of a version, as a trainer would leave them. */
async function filesOf(version: string): Promise<{ model: Buffer; manifest: string; probe: string }> {
  const trained = await readFile(path.join(MODEL, FILE))
  const zip = openZip(trained)
  const trees = Array.from({ length: 100 }, (_, i) => `trees/t00_${String(i).padStart(3, '0')}`)
  const domains = [0, 1, 2, 3].map((i) => `domains/d00${i}.txt`)
  const names = ['model.ini', ...domains, ...trees.flatMap((tree) => [`${tree}.bin`, `${tree}_aux.bin`])]
  const shift = (text: string) =>
    text.replace(/^init_f = (.*)$/m, (_, start) => `init_f = ${Number(start) + (SHIFT[version] ?? NaN)}`)
  const model = zipOf(
    names.map((name) => ({
      name,
      content: name === 'model.ini' ? Buffer.from(shift(zip.text(name))) : zip.read(name),
    })),
  )
  const manifest = JSON.parse(await readFile(path.join(MODEL, 'manifest.json'), 'utf8')) as {
    versions: string[]
    artifact: { sha256: string }
  }
  manifest.versions = [version]
  manifest.artifact.sha256 = createHash('sha256').update(model).digest('hex')
  const probe = (await readFile(path.join(MODEL, 'probe.jsonl'), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { input, output } = JSON.parse(line) as { input: object; output: { YES: number } }
      const YES = shifted(output.YES, version)
      return JSON.stringify({ input, output: { label: YES >= THRESHOLD ? 'YES' : 'NO', NO: 1 - YES, YES } })
    })
  return { model, manifest: JSON.stringify(manifest), probe: `${probe.join('\n')}\n` }
}

/** What the model says of flights as it was trained. */
async function trainedScores(flights: readonly Flight[]): Promise<Float64Array> {
  const models = new ModelStore({ modelsDir: path.dirname(MODEL), allowedDirs: [] })
  const model = await models.load(path.basename(MODEL))
  const columns = model.inputs.map((input) =>
    toColumn(
      input,
      flights.map((flight) => flight[input.name]),
    ),
  )
  const { outputs } = await model.score(columns, flights.length)
  return outputs[1]!.values
}

interface Scored {
  readonly number: number
  readonly version: string
  readonly row: Readonly<Record<string, unknown>>
}

describe('a model replaced while a connector runs', function () {
  this.timeout(120_000)
  const flights = heldOutFlights().map(({ flight }) => flight)
  const [source, target, connector] = [uniqueName('in'), uniqueName('out'), uniqueName('swap')]
  let bootstrapServers: string
  let folder: string
  let registry: RegistryServer
  let worker: StartedProcess
  let rest: string
  let producer: Producer
  let consumer: Consumer
  let schemaId: number
  let written = 0
  const scored: Scored[] = []

  before(async () => {
    bootstrapServers = (await sharedKafka()).bootstrapServers
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-swap-'))
    await mkdir(path.join(folder, 'models/delay/1'), { recursive: true })
    for (const file of [FILE, 'manifest.json', 'probe.jsonl'])
      await cp(path.join(MODEL, file), path.join(folder, 'models/delay/1', file))
    const topic = uniqueName('schemas')
    registry = await startRegistry({ bootstrapServers: [bootstrapServers], topic, port: 0, log: SILENT })
    await startWorker()
    schemaId = await registerSchema(registry.url, uniqueName('flight'), flightSchema)
    await fillTopic(bootstrapServers, source, 2, [])
    await fillTopic(bootstrapServers, target, 2, [])
    const kafka = kafkajsClient(bootstrapServers)
    producer = kafka.producer({ allowAutoTopicCreation: false, idempotent: true, maxInFlightRequests: 1 })
    consumer = kafka.consumer({ groupId: uniqueName('reader'), maxWaitTimeInMs: 100 })
    await Promise.all([producer.connect(), consumer.connect()])
    await collect()
  })

  after(async () => {
    worker.kill()
    await Promise.all([worker.exited, producer.disconnect(), consumer.disconnect()])
    await registry.close()
    await rm(folder, { recursive: true, force: true })
  })

  async function startWorker(): Promise<void> {
    rest = `http://127.0.0.1:${await freePort()}`
    const id = uniqueName('swap')
    const settings: Record<string, string> = {
      'bootstrap.servers': bootstrapServers,
      'group.id': id,
      listeners: rest,
      'models.dir': path.join(folder, 'models'),
      'value.converter': 'AvroConverter',
      'value.converter.schema.registry.url': registry.url,
      ...clusterTopics(id),
    }
    const file = path.join(folder, 'worker.json')
    await writeFile(file, JSON.stringify(settings))
    worker = sluice(['worker', file])
    await eventually(async () => (await fetch(`${rest}/health`)).status === 200, { timeoutMs: 60_000 })
  }

  /** Keeps every result as it comes. */
  async function collect(): Promise<void> {
    const types = new Map<number, avro.Type>()
    await consumer.subscribe({ topic: target, fromBeginning: true })
    await consumer.run({
      eachMessage: async ({ message: { key, value, headers } }) => {
        if (value === null) throw new Error('a tombstone')
        const id = value.readInt32BE(1)
        if (!types.has(id)) {
          const { body } = await call(registry.url, 'GET', `/schemas/ids/${id}`)
          types.set(id, avro.Type.forSchema(JSON.parse((body as { schema: string }).schema) as avro.Schema))
        }
        const row = types.get(id)?.fromBuffer(value.subarray(5)) as Scored['row']
        const [, version = ''] = String(headers?.['sluice.model']).split('$')
        scored.push({ number: Number(key), version, row })
      },
    })
  }

  /** Goes on writing, never far ahead of the results, and looks at the connector, until `until` holds. */
  async function underLoad<T>(work: () => Promise<T>): Promise<T> {
    const working = work()
    const state = { isDone: false }
    const end = () => (state.isDone = true)
    working.then(end, end)
    while (!state.isDone) {
      const messages = Array.from({ length: 100 }, () => {
        const number = written++
        const value = encodeFlight(flights[number % flights.length] ?? {}, schemaId)
        return { key: String(number), value, partition: number % 2 }
      })
      await producer.send({ topic: source, messages })
      const { body } = await call(rest, 'GET', `/connectors/${connector}/status`)
      const { connector: own, tasks } = body as ConnectorStatus
      expect([own, ...tasks].map(({ state }) => state)).to.deep.equal(['RUNNING', 'RUNNING', 'RUNNING'])
      await eventually(() => state.isDone || scored.length > written - 300, {
        timeoutMs: 30_000,
        everyMs: 5,
      })
    }
    return working
  }

  /** Waits until both partitions are scored by a version, from this moment on. */
  async function served(version: string): Promise<void> {
    const from = scored.length
    await eventually(
      () => {
        const now = scored.slice(from).filter((each) => each.version === version)
        return [0, 1].every((partition) => now.some(({ number }) => number % 2 === partition))
      },
      { timeoutMs: 30_000 },
    )
  }

  async function put(version: string, parts: { model: Buffer; manifest?: string; probe?: string }) {
    const form = new FormData()
    form.append('model', new Blob([new Uint8Array(parts.model)]), 'delay.zip')
    for (const name of ['manifest', 'probe'] as const) {
      const text = parts[name]
      if (text !== undefined) form.append(name, new Blob([text]), name)
    }
    const url = `${rest}/sluice/models/delay?version=${version}`
    const response = await fetch(url, { method: 'PUT', body: form })
    return { code: response.status, message: ((await response.json()) as { message?: string }).message }
  }

  async function untilStable(group: string, count: number): Promise<void> {
    const admin = kafkajsClient(bootstrapServers).admin()
    await admin.connect()
    await eventually(
      async () => {
        const [found] = (await admin.describeGroups([group])).groups
        return found?.state === 'Stable' && found.members.length === count
      },
      { timeoutMs: 30_000 },
    )
    await admin.disconnect()
  }

  /** How often the members of each group joined, from the broker's own log (GroupMetadataKey, GroupMetadataValue). */
  async function generationOf(group: string): Promise<number> {
    const generations = (await readTopic(bootstrapServers, '__consumer_offsets')).flatMap(
      ({ key, value }) => {
        if (key?.readInt16BE(0) !== 2 || value === null) return []
        if (key.toString('utf8', 4, 4 + key.readInt16BE(2)) !== group) return []
        const isFlexible = value.readInt16BE(0) >= 4
        const protocolEnd = isFlexible ? 3 + value.readUInt8(2) - 1 : 4 + value.readInt16BE(2)
        return [value.readInt32BE(protocolEnd)]
      },
    )
    return Math.max(...generations)
  }

  it('scores each record with one version, in order, once, without a rebalance', async () => {
    const created = await call(rest, 'POST', '/connectors', {
      name: connector,
      config: {
        'connector.class': 'TopicSink',
        'tasks.max': 2,
        topics: source,
        'target.topic': target,
        transforms: 'score',
        'transforms.score.type': 'ScoreH2OGbm$Value',
        'transforms.score.model': 'delay',
      },
    })
    expect(created.status, JSON.stringify(created.body)).to.equal(201)
    await untilTasks(rest, connector, 'RUNNING')
    await underLoad(() => served('1'))
    await untilStable(`connect-${connector}`, 2) // a task runs before it has partitions
    const generation = await generationOf(`connect-${connector}`)

    const [second, third] = [await filesOf('2'), await filesOf('3')]
    expect(await put('2', second)).to.deep.equal({ code: 201, message: undefined })
    await underLoad(() => served('2'))

    await underLoad(async () => {
      const cut = third.model.subarray(0, -1000)
      for (const [parts, said] of [
        [{ model: cut }, 'Copy the file again'],
        [{ ...third, model: second.model }, 'is not the file that its manifest describes'],
        [{ ...third, probe: second.probe }, 'The model does not give what delay/3/probe.jsonl records'],
        [{ model: third.model }, `delay/2/${FILE}) while connectors run: its input columns differ`],
      ] as const) {
        const answer = await put('3', parts)
        expect(answer.message).to.include(said)
        expect(answer.code).to.equal(400)
      }
      expect(await readdir(path.join(folder, 'models'), { recursive: true })).to.have.length(9)
      await served('2')
    })

    await underLoad(async () => {
      const copied = path.join(folder, 'models/delay/3')
      await mkdir(copied)
      await writeFile(path.join(copied, FILE), third.model.subarray(0, 50_000))
      await served('2')
      await appendFile(path.join(copied, FILE), third.model.subarray(50_000))
      await writeFile(path.join(copied, 'manifest.json'), third.manifest)
      await writeFile(path.join(copied, 'probe.jsonl'), third.probe)
      await served('3')
    })

    await underLoad(async () => {
      await rm(path.join(folder, 'models/delay'), { recursive: true })
      await eventually(() => worker.stderr().includes('files of a model are missing'), { timeoutMs: 30_000 })
      await served('3')
    })

    await eventually(() => scored.length >= written, { timeoutMs: 30_000 })
    expect(await generationOf(`connect-${connector}`)).to.equal(generation)
    expectAllRight(await trainedScores(flights))
  })

  it('is the latest that can be read where its tasks start anew, as GET says', async () => {
    const own = path.join(folder, 'models/delay')
    await cp(MODEL, path.join(own, '1'), { recursive: true })
    await mkdir(path.join(own, '2'))
    await writeFile(path.join(own, '2', FILE), 'PK damaged')
    await call(rest, 'POST', `/connectors/${connector}/restart?includeTasks=true`)
    await eventually(() => worker.stderr().includes('refused; one before it serves'), { timeoutMs: 30_000 })
    await untilTasks(rest, connector, 'RUNNING')
    await underLoad(() => served('1'))
    const { body } = await call(rest, 'GET', '/sluice/models/delay')
    expect(body).to.include({ latest: '1', version: '1' })
    expect(body).to.have.nested.property('refused[0].version', '2')
  })

  function expectAllRight(first: Float64Array): void {
    const inOrder = scored.toSorted((a, b) => a.number - b.number)
    expect(inOrder.map(({ number }) => number)).to.deep.equal(inOrder.map((_, i) => i))
    for (const partition of [0, 1]) {
      const versions = inOrder.filter(({ number }) => number % 2 === partition).map(({ version }) => version)
      expect(versions).to.deep.equal(versions.toSorted())
    }
    for (const { number, version, row } of inOrder) {
      expect(row['model_version']).to.equal(version)
      const late = row['p_YES'] as number
      expect(late).to.be.closeTo(shifted(first[number % flights.length]!, version), 1e-12)
      expect(row['prediction']).to.equal(late >= THRESHOLD ? 'YES' : 'NO')
    }
  }
})
