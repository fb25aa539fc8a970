import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { eventually, uniqueName } from '../support/eventually.ts'
import { encodeFlight, flightSchema, heldOutFlights } from '../support/flights.ts'
import { call, registerSchema, type SluiceDev, startSluiceDev, untilTasks } from '../support/sluice-dev.ts'
import { countRecords, fillTopic, readTopic } from '../support/topics.ts'

const RECORDS = 20_000
const EVERY = 100

/** Breaks an encoded flight in one of several ways. */
function broken(value: Buffer, i: number): Buffer {
  const kinds = [
    () => Buffer.concat([Buffer.from([7]), value.subarray(1)]), // wrong magic byte
    () => value.subarray(0, 3), // shorter than the header
    () => value.subarray(0, value.length - 2), // truncated
    () => Buffer.concat([value, Buffer.from([0])]), // trailing bytes
    () => Buffer.concat([Buffer.from([0, 0x7f, 0, 0, 1]), value.subarray(5)]), // an id that nobody registered
  ]
  return kinds[i % kinds.length]?.() ?? value
}

describe('dead letters', function () {
  this.timeout(120_000)
  let sluice: SluiceDev
  let schemaId: number
  const flights = heldOutFlights()

  before(async () => {
    sluice = await startSluiceDev()
    schemaId = await registerSchema(sluice.schemaRegistry, uniqueName('flight'), flightSchema)
  })

  after(() => sluice.stop())

  const config = (source: string, target: string) => ({
    'connector.class': 'TopicSink',
    'tasks.max': '2',
    topics: source,
    'target.topic': target,
    'value.converter': 'AvroConverter',
    'value.converter.schema.registry.url': sluice.schemaRegistry,
    transforms: 'score',
    'transforms.score.type': 'ScoreH2OGbm$Value',
    'transforms.score.model': 'airline-delay',
  })

  const value = (i: number): Buffer => {
    const good = encodeFlight(flights[i % flights.length]?.flight ?? {}, schemaId)
    return i % EVERY === 0 ? broken(good, i / EVERY) : good
  }

  it('gets each broken record once, with its original bytes and all ten headers, and all others are scored', async () => {
    const [source, target, dead, name] = ['in', 'out', 'dead', 'c'].map(uniqueName) as [
      string,
      string,
      string,
      string,
    ]
    const records = Array.from({ length: RECORDS }, (_, i) => ({
      key: String(i),
      value: value(i),
      headers: { trace: `t${i}`, '__connect.errors.topic': 'forged', '__connect.errors.retries': '9' },
    }))
    await fillTopic(sluice.bootstrapServers, source, 4, records)
    const created = await call(sluice.rest, 'POST', '/connectors', {
      name,
      config: {
        ...config(source, target),
        'errors.tolerance': 'all',
        'errors.deadletterqueue.topic.name': dead,
        'errors.deadletterqueue.context.headers.enable': 'true',
      },
    })
    expect(created.status, JSON.stringify(created.body)).to.equal(201)
    await eventually(
      async () =>
        (await countRecords(sluice.bootstrapServers, target)) +
          (await countRecords(sluice.bootstrapServers, dead)) >=
        RECORDS,
      { timeoutMs: 60_000 },
    )
    const scored = await readTopic(sluice.bootstrapServers, target)
    const letters = await readTopic(sluice.bootstrapServers, dead)
    expect(scored.length).to.equal(RECORDS - RECORDS / EVERY)
    expect(letters.length).to.equal(RECORDS / EVERY)
    for (const letter of letters) {
      const i = Number(letter.key?.toString())
      expect(i % EVERY).to.equal(0)
      expect(letter.value?.equals(value(i))).to.equal(true)
      const header = (key: string) => letter.headers?.[`__connect.errors.${key}`]?.toString()
      expect(letter.headers?.['trace']?.toString()).to.equal(`t${i}`)
      expect(header('topic')).to.equal(source)
      expect(header('retries'), 'a forged header').to.equal(undefined)
      expect(header('partition')).to.equal(String(i % 4))
      expect(header('offset')).to.equal(String(Math.floor(i / 4)))
      expect(header('connector.name')).to.equal(name)
      expect(header('task.id')).to.match(/^[01]$/)
      expect(header('stage')).to.equal('VALUE_CONVERTER')
      expect(header('class.name')).to.equal('AvroConverter')
      expect(header('exception.class.name')).to.equal('DataError')
      expect(header('exception.message')).to.match(/\S/)
      expect(header('exception.stacktrace')).to.match(/^DataError \[.*\n    at /)
    }
  })

  it('are not written without tolerance: the task fails at the record, says where it is, and commits nothing beyond it', async () => {
    const [source, target, name] = ['in', 'out', 'c'].map(uniqueName) as [string, string, string]
    await fillTopic(sluice.bootstrapServers, source, 1, [
      { key: '0', value: value(0) },
      { key: '1', value: value(1) },
    ])
    await call(sluice.rest, 'POST', '/connectors', { name, config: config(source, target) })
    const status = await untilTasksFailed(name)
    expect(status).to.contain(`${source}-0@0`)
    expect(status).to.contain('VALUE_CONVERTER')
    expect(await countRecords(sluice.bootstrapServers, target)).to.equal(0)
  })

  async function untilTasksFailed(name: string): Promise<string> {
    return eventually(
      async () => {
        const { body } = await call(sluice.rest, 'GET', `/connectors/${name}/status`)
        const tasks = (body as { tasks: { state: string; trace?: string }[] }).tasks
        return tasks.find((task) => task.state === 'FAILED')?.trace
      },
      { timeoutMs: 30_000 },
    )
  }

  it('pass tombstones through unscored', async () => {
    const [source, target, name] = ['in', 'out', 'c'].map(uniqueName) as [string, string, string]
    await fillTopic(sluice.bootstrapServers, source, 1, [
      { key: 'gone', value: null },
      { key: '1', value: value(1) },
    ])
    await call(sluice.rest, 'POST', '/connectors', { name, config: config(source, target) })
    await untilTasks(sluice.rest, name, 'RUNNING')
    await eventually(async () => (await countRecords(sluice.bootstrapServers, target)) === 2, {
      timeoutMs: 30_000,
    })
    const [first] = await readTopic(sluice.bootstrapServers, target)
    expect(first?.key?.toString()).to.equal('gone')
    expect(first?.value).to.equal(null)
  })
})
