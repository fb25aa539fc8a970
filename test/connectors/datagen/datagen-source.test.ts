import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import { after, before, describe, it } from 'mocha'
import { datagenSource } from '../../../connectors/datagen/datagen-source.ts'
import { DatagenTask, type TaskOptions } from '../../../connectors/datagen/datagen-task.ts'
import { paced, UNLIMITED } from '../../../connectors/datagen/pace.ts'
import { SILENT, type SourceContext, type SourceMap, type SourceRecord } from '../../../src/index.ts'
import { annotated, planOf, schemaOf } from './support.ts'

const schema = schemaOf({ n: annotated('int', { iteration: { start: 0 } }), x: 'double', id: 'string' })
const topic = { 'kafka.topic': 't' }

function context(offset: SourceMap | null = null, task = 0, stopping = new AbortController()): SourceContext {
  return {
    ...{ connector: 'a', task, log: SILENT, signal: stopping.signal },
    offset: () => Promise.resolve(offset),
    offsets: (partitions) => Promise.resolve(partitions.map(() => offset)),
  }
}

/** A clock that is at once where a sleeper wants to be. */
class Clock {
  time = 1000
  now = () => this.time
  sleep = (ms: number): Promise<void> => {
    this.time += ms
    return Promise.resolve()
  }
}

function task(options: Partial<TaskOptions> = {}, where = context()): DatagenTask {
  const all = { topic: 't', plan: planOf(schema), keyField: undefined, pace: UNLIMITED, iterations: Infinity }
  const rest = { batchSize: 10, seed: 5, newSeed: () => 99, clock: new Clock() }
  return new DatagenTask({ ...all, ...rest, ...options }, where)
}

describe('the Datagen source', () => {
  it('makes a batch with each poll, and says behind each record where to go on', async () => {
    const records = await task({ keyField: 'id' }, context(null, 3)).poll()
    expect(records).to.have.lengthOf(10)
    const [first] = records
    const value = first?.value as { n: number; id: string }
    expect(first).to.include({ topic: 't', partition: null, key: value.id })
    expect(first?.keySchema).to.deep.equal({ type: 'STRING', optional: false })
    expect(first?.sourcePartition).to.deep.equal({ 'task.id': 3 })
    expect(first?.sourceOffset).to.deep.equal({ 'current.iteration': 1, 'random.seed': 5 })
    expect(records.map((record) => (record.value as { n: number }).n)).to.deep.equal([...Array(10).keys()])
    const [keyless] = await task().poll()
    expect(keyless).to.deep.include({ key: null, keySchema: { type: 'STRING', optional: true } })
  })

  it('goes on behind any record as if it had not stopped, also with a seed that it took by chance', async () => {
    const bare = ({ value, sourceOffset }: SourceRecord) => ({ value, sourceOffset })
    for (const seed of [5, undefined]) {
      const whole = [...(await task({ seed, batchSize: 30 }).poll())]
      for (const stop of [0, 1, 17]) {
        const offset = whole[stop]?.sourceOffset ?? null
        const later = await task({ seed, newSeed: () => 1, batchSize: 29 - stop }, context(offset)).poll()
        expect(later.map(bare)).to.deep.equal(whole.slice(stop + 1).map(bare))
      }
    }
  })

  it('takes a seed that is set, whatever seed is stored, and offsets as tools write them', async () => {
    const value = async (options: Partial<TaskOptions>, offset: SourceMap) =>
      (await task(options, context(offset)).poll())[0]?.value
    const stored = { 'current.iteration': 4, 'random.seed': 6 }
    expect(await value({ seed: 5 }, stored)).not.to.deep.equal(await value({ seed: 6 }, stored))
    const text = { 'current.iteration': '4', 'random.seed': 6n }
    expect(await value({ seed: undefined }, text)).to.deep.equal(await value({ seed: 6 }, stored))
    expect(await value({ seed: undefined }, { 'current.iteration': 4 })).to.deep.equal(
      await value({ seed: 99 }, stored),
    )
  })

  it('makes no more records than iterations says, then rests until it must stop', async () => {
    const stopping = new AbortController()
    let waits = 0
    const sleep = (): Promise<void> => {
      if (++waits === 3) stopping.abort()
      return Promise.resolve()
    }
    const clock = { now: () => 0, sleep }
    const source = task({ iterations: 12, clock }, context(null, 0, stopping))
    expect(await source.poll()).to.have.lengthOf(10)
    expect(await source.poll()).to.have.lengthOf(2)
    expect(await source.poll()).to.deep.equal([])
    expect(waits).to.equal(3)
    const done = task({ iterations: 12 }, context({ 'current.iteration': 12 }, 0, stopping))
    expect(await done.poll()).to.deep.equal([])
  })

  it('returns at once from its wait when it must stop', async () => {
    const stopping = new AbortController()
    const values = datagenSource.config.read({ ...topic, 'schema.string': schema, rate: '0.001' })
    const source = await datagenSource.open(values, context(null, 0, stopping))
    expect(await source.poll()).to.have.lengthOf(1)
    const waiting = source.poll()
    stopping.abort()
    expect(await waiting).to.deep.equal([])
  })

  it('says what is wrong with a stored offset', async () => {
    for (const offset of [
      {},
      { 'current.iteration': -1 },
      { 'current.iteration': 1.5 },
      { 'current.iteration': true },
    ]) {
      const error: unknown = await task({}, context(offset))
        .poll()
        .catch((each: unknown) => each)
      expect(error).to.include({ code: 'source.offset' })
      expect(String(error)).to.contain('Connector a, task 0')
    }
    const error: unknown = await task({}, context({ 'current.iteration': 1, 'random.seed': 'x' }))
      .poll()
      .catch((each: unknown) => each)
    expect(String(error)).to.contain('random.seed')
  })

  it('takes offsets from people, and says which it does not take', () => {
    const check = (partition: SourceMap, offset: SourceMap | null) =>
      datagenSource.checkOffset?.({ partition, offset })
    expect(check({ 'task.id': 0 }, { 'current.iteration': 100 })).to.equal(undefined)
    expect(check({ 'task.id': '1' }, { 'current.iteration': 0, 'random.seed': -7 })).to.equal(undefined)
    expect(check({ 'task.id': 0 }, null)).to.equal(undefined)
    expect(check({ filename: 'f' }, null)).to.contain('task.id')
    expect(check({ 'task.id': -1 }, null)).to.contain('task.id')
    expect(check({ 'task.id': 0 }, { position: 1 })).to.contain('current.iteration')
    expect(check({ 'task.id': 0 }, { 'current.iteration': 1, 'random.seed': 0.5 })).to.contain('random.seed')
  })
})

describe('the rate of Datagen', () => {
  /** Polls until the clock is there; the records of each poll. */
  async function pollUntil(end: number, options: Partial<TaskOptions> & { clock: Clock }): Promise<number[]> {
    const source = task({ batchSize: 1000, ...options })
    const sizes: number[] = []
    while (options.clock.time < end) sizes.push((await source.poll()).length)
    return sizes
  }
  const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0)

  it('is exact over seconds, whatever it is', async () => {
    for (const [rate, seconds] of [
      [0.5, 60],
      [3, 60],
      [100, 60],
      [1000, 10],
      [33_333, 1],
    ] as const) {
      const clock = new Clock()
      const sizes = await pollUntil(1000 * (seconds + 1), { clock, pace: paced(() => 1000 / rate) })
      expect(sum(sizes), `${rate} a second`).to.be.within(seconds * rate - 1, (seconds + 0.021) * rate + 1)
    }
  })

  it('comes in groups where it is high', async () => {
    const clock = new Clock()
    const sizes = await pollUntil(11_000, { clock, pace: paced(() => 1) })
    expect(sizes.length, 'polls in ten seconds').to.be.within(490, 510)
    expect(Math.max(...sizes)).to.be.at.most(21)
  })

  it('makes up for a short delay and not for a pause', () => {
    const pace = paced(() => 10)
    expect(pace.take(0, 1000)).to.equal(1)
    expect(pace.take(9, 1000)).to.equal(0)
    expect(pace.next).to.equal(10)
    expect(pace.take(500, 1000), 'half a second late').to.equal(50)
    expect(pace.take(60_000, 1000), 'a minute later').to.equal(1)
    expect(pace.take(60_010, 1000)).to.equal(1)
    expect(pace.take(61_010, 30), 'no more than asked for').to.equal(30)
    expect(pace.take(61_010, 1000)).to.equal(70)
  })

  it('never gives more than a second’s records at once, whenever it is asked', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 5000 }), { minLength: 1, maxLength: 50 })
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 2000 }), (waits, rate) => {
        const pace = paced(() => 1000 / rate)
        let [now, made] = [0, 0]
        for (const wait of waits) {
          now += wait
          const taken = pace.take(now, 100_000)
          expect(taken).to.be.at.most(rate + 2)
          made += taken
        }
        expect(made).to.be.at.most((now / 1000) * rate + 2)
      }),
    )
  })

  it('is, with max.interval, any pause up to that', async () => {
    const clock = new Clock()
    const sizes = await pollUntil(1_001_000, { clock, pace: paced(() => Math.random() * 500) })
    expect(sum(sizes), 'one each 250 ms on average').to.be.within(3700, 4300)
  })
})

describe('the configuration of Datagen', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-datagen-'))
  })
  after(() => rm(folder, { recursive: true }))

  /** What validation says, by the key. */
  function problems(raw: Record<string, string>): Record<string, string> {
    const { values, problems: early } = datagenSource.config.parse({ ...topic, ...raw })
    const found = early.length > 0 ? early : (datagenSource.validate?.(values, { ...topic, ...raw }) ?? [])
    return Object.fromEntries(found.map(({ path: key, message }) => [key, message]))
  }

  it('takes a schema as text, from a file or by the name of a quickstart', async () => {
    const file = path.join(folder, 'row.avsc')
    await writeFile(file, schema)
    expect(problems({ 'schema.string': schema })).to.deep.equal({})
    expect(problems({ 'schema.filename': file, 'schema.keyfield': 'id' })).to.deep.equal({})
    for (const quickstart of ['flights', 'iris', 'SENSORS'])
      expect(problems({ quickstart })).to.deep.equal({})
  })

  it('takes one of them, and not several', () => {
    expect(problems({}).quickstart).to.contain('Set one of schema.string, schema.filename, quickstart')
    const both = problems({ quickstart: 'iris', 'schema.string': schema })
    expect(both).to.have.all.keys('quickstart', 'schema.string')
  })

  it('says what is wrong by the key and the field', () => {
    const wrong = schemaOf({ a: annotated('int', { rangee: { max: 3 } }) })
    expect(problems({ 'schema.string': wrong })['schema.string']).to.contain('Field "a" has "rangee"')
    expect(problems({ 'schema.string': schema, 'schema.keyfield': 'idd' })['schema.keyfield']).to.contain(
      'Did you mean "id"?',
    )
    expect(problems({ 'schema.string': schema, 'schema.keyfield': 'key' })['schema.keyfield']).to.contain(
      'n, x, id',
    )
    expect(problems({ quickstart: 'users' })['quickstart']).to.contain('There are flights, iris, sensors')
    expect(problems({ quickstart: 'iris', rate: '5', 'max.interval': '5' })['rate']).to.contain('contradict')
    expect(problems({ quickstart: 'iris', rate: '-1' })['rate']).to.contain('0 or more')
    expect(problems({ quickstart: 'iris', 'batch.size': '0' })['batch.size']).to.contain('from 1 to 10000')
    expect(problems({ quickstart: 'iris', 'kafka.topic': '' })['kafka.topic']).to.contain('empty')
  })

  it('reads a file of schemas only, and shows nothing of another', async () => {
    const file = (name: string) => problems({ 'schema.filename': path.join(folder, name) })['schema.filename']
    expect(file('missing')).to.contain('cannot be read')
    expect(file('')).to.contain('is not a file')
    await writeFile(path.join(folder, 'secret'), 'password=hunter2')
    expect(file('secret')).to.equal('The Avro schema is not valid JSON.')
    await writeFile(path.join(folder, 'large'), Buffer.alloc((1 << 20) + 1))
    expect(file('large')).to.contain('larger than 1048576 bytes')
  })

  it('gives each task its own share of chance, and as many tasks as may be', async () => {
    const raw = { ...topic, 'schema.string': schema, rate: '0', 'random.seed': '1', 'batch.size': '3' }
    const values = datagenSource.config.read(raw)
    expect(await datagenSource.taskConfigs(values, raw, 3)).to.deep.equal([{}, {}, {}])
    const polled = async (number: number) =>
      (await (await datagenSource.open(values, context(null, number))).poll())[0]
    const [one, again, other] = [await polled(0), await polled(0), await polled(1)]
    expect(one?.value).to.deep.equal(again?.value)
    expect(one?.value).not.to.deep.equal(other?.value)
  })
})
