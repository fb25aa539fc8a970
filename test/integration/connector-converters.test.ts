import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { eventually, uniqueName } from '../support/eventually.ts'
import { encodeFlight, type Flight, flightSchema, heldOutFlights } from '../support/flights.ts'
import { call, registerSchema, type SluiceDev, startSluiceDev } from '../support/sluice-dev.ts'
import { countRecords, fillTopic, readTopic } from '../support/topics.ts'

const CREDENTIALS = 'flights:p@ss:word'

/** A schema registry that wants basic authentication: it passes on what carries the credentials, and counts the rest. */
async function startGuard(registry: string) {
  const counts = { passed: 0, denied: 0 }
  const wanted = `Basic ${Buffer.from(CREDENTIALS).toString('base64')}`
  const server: Server = createServer((request, response) => {
    void (async () => {
      if (request.headers.authorization !== wanted) {
        counts.denied++
        response.writeHead(401, { 'content-type': 'application/json' })
        response.end(JSON.stringify({ error_code: 401, message: 'Unauthorized' }))
        return
      }
      counts.passed++
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const answer = await fetch(registry + (request.url ?? ''), {
        method: request.method ?? 'GET',
        ...(chunks.length === 0
          ? {}
          : { body: Buffer.concat(chunks), headers: { 'content-type': 'application/json' } }),
      })
      response.writeHead(answer.status, { 'content-type': 'application/json' })
      response.end(await answer.text())
    })()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, counts, close: () => server.close() }
}

/** A flight as Kafka Connect's JsonConverter writes it, with its schema. */
function jsonFlight(flight: Flight): Buffer {
  const text = new Set(['UniqueCarrier', 'TailNum', 'Origin', 'Dest'])
  const fields = Object.keys(flight).map((field) => {
    const type = text.has(field) ? 'string' : field === 'Distance' ? 'double' : 'int32'
    return { field, type, optional: true }
  })
  const schema = { type: 'struct', name: 'Flight', optional: false, fields }
  return Buffer.from(JSON.stringify({ schema, payload: flight }))
}

describe('a connector’s converters', function () {
  this.timeout(120_000)
  let sluice: SluiceDev
  let guard: Awaited<ReturnType<typeof startGuard>>
  const flights = heldOutFlights()
    .slice(0, 300)
    .map(({ flight }) => flight)

  before(async () => {
    sluice = await startSluiceDev()
    guard = await startGuard(sluice.schemaRegistry)
  })

  after(async () => {
    guard.close()
    await sluice.stop()
  })

  const credentials = (prefix: string) => ({
    [prefix]: 'io.confluent.connect.avro.AvroConverter',
    [`${prefix}.schema.registry.url`]: guard.url,
    [`${prefix}.basic.auth.credentials.source`]: 'USER_INFO',
    [`${prefix}.basic.auth.user.info`]: CREDENTIALS,
  })

  const scoring = {
    'connector.class': 'TopicSink',
    'tasks.max': '2',
    transforms: 'score',
    'transforms.score.type': 'ScoreH2OGbm$Value',
    'transforms.score.model': 'airline-delay',
  }

  async function create(config: Record<string, string>): Promise<string> {
    const name = uniqueName('c')
    const created = await call(sluice.rest, 'POST', '/connectors', { name, config })
    expect(created.status, JSON.stringify(created.body)).to.equal(201)
    return name
  }

  const untilCount = (topic: string, count: number) =>
    eventually(
      async () => {
        expect(await countRecords(sluice.bootstrapServers, topic)).to.equal(count)
        return true
      },
      { timeoutMs: 60_000 },
    )

  it('take JSON from all topics of a pattern and write Avro to one topic each, with a registry that wants credentials', async () => {
    const prefix = uniqueName('json')
    const sources = [`${prefix}-a`, `${prefix}-b`]
    for (const topic of sources) {
      const records = flights.map((flight, i) => ({ key: String(i), value: jsonFlight(flight) }))
      await fillTopic(sluice.bootstrapServers, topic, 2, records)
    }
    await create({
      ...scoring,
      'topics.regex': `${prefix}-.*`,
      'target.topic': 'scored-${topic}',
      'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
      ...credentials('target.value.converter'),
    })
    const client = new SchemaRegistry({ host: sluice.schemaRegistry })
    for (const topic of sources.map((source) => `scored-${source}`)) {
      await untilCount(topic, flights.length)
      const messages = await readTopic(sluice.bootstrapServers, topic)
      expect(new Set(messages.map(({ key }) => key?.toString()))).to.have.property('size', flights.length)
      for (const { key, value } of messages.slice(0, 20)) {
        const record = (await client.decode(value ?? Buffer.alloc(0))) as Flight
        expect(record).to.include(flights[Number(key?.toString())])
        expect(record['prediction']).to.be.oneOf(['NO', 'YES'])
        expect(Number(record['p_NO']) + Number(record['p_YES'])).to.be.closeTo(1, 1e-12)
        expect(record['model_version']).to.equal('1')
      }
    }
    expect(guard.counts.passed).to.be.greaterThan(0)
    expect(guard.counts.denied).to.equal(0)
  })

  it('take Avro and write plain JSON, through a chain of two transforms', async () => {
    const [source, target] = [uniqueName('avro'), uniqueName('plain')]
    const id = await registerSchema(sluice.schemaRegistry, `${source}-value`, flightSchema)
    const records = flights.map((flight, i) => ({ key: String(i), value: encodeFlight(flight, id) }))
    await fillTopic(sluice.bootstrapServers, source, 2, records)
    await create({
      ...scoring,
      topics: source,
      'target.topic': target,
      transforms: 'score,again',
      'transforms.again.type': 'ScoreH2OGbm$Value',
      'transforms.again.model': 'airline-delay$1',
      'transforms.again.prefix': 'again_',
      ...credentials('value.converter'),
      'target.value.converter': 'JsonConverter',
      'target.value.converter.schemas.enable': 'false',
    })
    await untilCount(target, flights.length)
    for (const { key, value } of await readTopic(sluice.bootstrapServers, target)) {
      const record = JSON.parse(value?.toString() ?? '') as Flight
      expect(record).to.include(flights[Number(key?.toString())])
      expect(record['prediction']).to.be.oneOf(['NO', 'YES'])
      for (const field of ['prediction', 'p_NO', 'p_YES', 'model_version'])
        expect(record[`again_${field}`], field).to.equal(record[field])
    }
  })

  it('that are refused by the registry fail the task by name, without the credentials, and commit nothing', async () => {
    const [source, target] = [uniqueName('avro'), uniqueName('out')]
    const id = await registerSchema(sluice.schemaRegistry, `${source}-value`, flightSchema)
    await fillTopic(sluice.bootstrapServers, source, 1, [
      { key: '0', value: encodeFlight(flights[0] ?? {}, id) },
    ])
    const name = await create({
      ...scoring,
      topics: source,
      'target.topic': target,
      ...credentials('value.converter'),
      'value.converter.basic.auth.user.info': 'flights:wrong-secret',
    })
    const status = await eventually(
      async () => {
        const { body } = await call(sluice.rest, 'GET', `/connectors/${name}/status`)
        const { tasks } = body as { tasks: { state: string; trace?: string }[] }
        return tasks.find(({ state }) => state === 'FAILED')?.trace
      },
      { timeoutMs: 30_000 },
    )
    expect(status).to.contain('registry.denied')
    expect(status).not.to.contain('wrong-secret')
    expect(JSON.stringify((await call(sluice.rest, 'GET', `/connectors/${name}`)).body)).not.to.contain(
      'wrong-secret',
    )
    expect(await countRecords(sluice.bootstrapServers, target)).to.equal(0)
  })

  it('fail records whose log lines name connector, task and place, and never the content', async () => {
    const [source, target] = [uniqueName('json'), uniqueName('out')]
    await fillTopic(sluice.bootstrapServers, source, 1, [
      { key: '0', value: jsonFlight(flights[0] ?? {}) },
      { key: '1', value: Buffer.from('{"my-own-content":') },
    ])
    const name = await create({
      ...scoring,
      topics: source,
      'target.topic': target,
      'value.converter': 'JsonConverter',
      'errors.tolerance': 'all',
      'errors.log.enable': 'true',
      'errors.log.include.messages': 'true',
    })
    await untilCount(target, 1)
    const line = await eventually(
      () =>
        sluice.process
          .stderr()
          .split('\n')
          .find((each) => each.includes('a record failed') && each.includes(name)),
      { timeoutMs: 30_000 },
    )
    expect(JSON.parse(line)).to.include({
      level: 'error',
      connector: name,
      code: 'record.malformed',
      stage: 'VALUE_CONVERTER',
      topic: source,
      partition: 0,
      offset: '1',
    })
    expect((JSON.parse(line) as { task: unknown }).task).to.be.oneOf([0, 1])
    expect(line).not.to.contain('my-own-content')
  })
})
