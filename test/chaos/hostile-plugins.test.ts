import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { type ChaosWorker, startChaosWorker } from '../support/chaos-worker.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { greedyGraph, loopingGraph, POISON, stuckGraph } from '../support/hostile-graphs.ts'
import { kafkajsClient } from '../support/kafka.ts'
import { call, untilTasks } from '../support/sluice-dev.ts'
import { fillTopic, type Produced, readTopic } from '../support/topics.ts'

interface Run {
  readonly name: string
  readonly source: string
  readonly target: string
  readonly letters: string
  readonly records: readonly Produced[]
}

const DEADLINE = 3_000
const STRICT = { 'errors.tolerance': 'none' }
const RECORDS = 60
/** One in each of the two partitions, neither of them first or last. */
const POISONED = [20, 33]

describe('a record that kills its task host', function () {
  this.timeout(120_000)
  let worker: ChaosWorker
  const runs = new Map<string, Run>()

  /** All at once: most of the time they wait for a deadline. */
  before(async () => {
    worker = await startChaosWorker(DEADLINE)
    await putModel('looping', loopingGraph())
    await putModel('greedy', greedyGraph())
    const values = numbers.map((number) => (number === POISON ? 'eat' : 'fine'))
    await start('greedy', json, scoring('greedy'))
    await start('holding', Array<string>(RECORDS).fill('hold'), wild)
    await start('eating', values, wild)
    await start('looping', json, scoring('looping'))
    await start('strict', json, { ...scoring('looping'), ...STRICT })
    for (const deed of ['leave', 'throw']) await start(deed, [deed], { ...wild, ...STRICT })
  })

  after(() => worker.stop())

  async function putModel(name: string, bytes: Buffer): Promise<void> {
    await mkdir(path.join(worker.models, name), { recursive: true })
    await writeFile(path.join(worker.models, name, 'model.onnx'), bytes)
  }

  /** A model that does not end its probe. */
  async function putStuckModel(name: string): Promise<void> {
    await putModel(name, stuckGraph())
    const probe = { input: { f0: 1 }, output: { prediction: 1 } }
    await writeFile(path.join(worker.models, name, 'probe.jsonl'), JSON.stringify(probe))
  }

  const scoring = (model: string) => ({
    'value.converter': 'JsonConverter',
    transforms: 'score',
    'transforms.score.type': 'ScoreOnnx$Value',
    'transforms.score.model': model,
  })
  const wild = { transforms: 'wild', 'transforms.wild.type': 'Hostile$Value' }

  /** Creates a connector with tolerance over two partitions of records. */
  async function start(
    what: string,
    values: readonly string[],
    config: Record<string, string>,
  ): Promise<void> {
    const [name, source] = [uniqueName(what), uniqueName(`${what}-in`)]
    const [target, letters] = [`${name}-out`, `${name}-dlq`]
    const records = values.map((value, i) => {
      return { key: String(i), value: Buffer.from(value), headers: { trace: `t-${i}` } }
    })
    await fillTopic(worker.bootstrapServers, source, 2, records)
    await worker.create(name, {
      topics: source,
      'target.topic': target,
      'errors.tolerance': 'all',
      'errors.deadletterqueue.topic.name': letters,
      'errors.deadletterqueue.context.headers.enable': 'true',
      ...config,
    })
    runs.set(what, { name, source, target, letters, records })
  }

  function runOf(what: string): Run {
    const run = runs.get(what)
    if (run === undefined) throw new Error(`${what} was not started`)
    return run
  }

  const numbers = Array.from({ length: RECORDS }, (_, i) => (POISONED.includes(i) ? POISON : i))
  const json = numbers.map((f0) => {
    const fields = [{ field: 'f0', type: 'double', optional: false }]
    return JSON.stringify({ schema: { type: 'struct', fields, optional: false }, payload: { f0 } })
  })

  /** Waits until all but the poisoned records are in the target, and committed. */
  async function untilScored({ name, source, target }: Run): Promise<Map<string, string>> {
    const arrived = async (): Promise<Map<string, string> | null> => {
      const read = await readTopic(worker.bootstrapServers, target)
      const byKey = new Map(read.map(({ key, value }) => [String(key), String(value)]))
      return byKey.size >= RECORDS - POISONED.length ? byKey : null
    }
    const scored = await eventually(arrived, { timeoutMs: 90_000, everyMs: 250 })
    await eventually(async () => (await committed(name, source)).join() === `${RECORDS / 2},${RECORDS / 2}`)
    return scored
  }

  async function committed(name: string, topic: string): Promise<number[]> {
    const admin = kafkajsClient(worker.bootstrapServers).admin()
    await admin.connect()
    const [found] = await admin.fetchOffsets({ groupId: `connect-${name}`, topics: [topic] })
    await admin.disconnect()
    const partitions = [...(found?.partitions ?? [])].sort((a, b) => a.partition - b.partition)
    return partitions.map(({ offset }) => Number(offset))
  }

  /**
   * Exactly the poisoned records are there, as they were: once each, or `oftener` where a host may have died with the
   * task in it. Gives what was said of them.
   */
  async function expectLetters({ letters, records }: Run, oftener = false): Promise<string[]> {
    const read = await readTopic(worker.bootstrapServers, letters)
    const each = oftener ? [...new Map(read.map((record) => [String(record.key), record])).values()] : read
    const found = each.toSorted((a, b) => Number(a.key) - Number(b.key))
    expect(found.map(({ key }) => Number(key))).to.deep.equal(POISONED)
    return found.map(({ value, headers }, k) => {
      const i = POISONED[k] ?? -1
      expect(value).to.deep.equal(records[i]?.value)
      const header = (name: string) => String(headers?.[name])
      expect(header('trace')).to.equal(`t-${i}`)
      const context = ['partition', 'offset', 'stage'].map((name) => header(`__connect.errors.${name}`))
      expect(context).to.deep.equal([String(i % 2), String(Math.floor(i / 2)), 'TRANSFORMATION'])
      return `${header('__connect.errors.class.name')}: ${header('__connect.errors.exception.message')}`
    })
  }

  it('because the graph does not end for it becomes a dead letter; all others are scored', async () => {
    const run = runOf('looping')
    const scored = await untilScored(run)
    for (const [key, value] of scored) {
      const { payload } = JSON.parse(value) as { payload: { f0: number; prediction: number } }
      expect(payload).to.include({ f0: Number(key), prediction: Number(key) })
    }
    expect([...scored.keys()]).to.have.members(
      run.records.map(({ key }) => key).filter((key) => !POISONED.includes(Number(key))),
    )
    for (const said of await expectLetters(run))
      expect(said).to.match(/^ScoreOnnx: .*makes its task die.*transforms\.score.*3000 ms/)
    await untilTasks(worker.rest, run.name, 'RUNNING')
    await worker.expectCalm()
  })

  it('without tolerance fails its task, and the offset stays before it', async () => {
    const run = runOf('strict')
    const { tasks } = await untilTasks(worker.rest, run.name, 'FAILED')
    expect(tasks[0]?.trace).to.match(new RegExp(`${run.source}-[01]@(10|16) failed in TRANSFORMATION`))
    const offsets = await committed(run.name, run.source)
    expect(offsets[0]).to.be.at.most(10)
    expect(offsets[1]).to.be.at.most(16)
    await worker.expectCalm()
  })

  it('by eating all memory becomes a dead letter; all others get through', async () => {
    const run = runOf('eating')
    await untilScored(run)
    for (const said of await expectLetters(run))
      expect(said).to.match(/^Hostile: .*makes its task die.*transforms\.wild/)
    await worker.expectCalm()
  })

  it('only together with others gets through alone, as they do', async () => {
    const run = runOf('holding')
    const arrived = async (): Promise<boolean> => {
      const read = await readTopic(worker.bootstrapServers, run.target)
      return new Set(read.map(({ key }) => String(key))).size === RECORDS
    }
    await eventually(arrived, { timeoutMs: 90_000, everyMs: 250 })
    expect(await readTopic(worker.bootstrapServers, run.letters)).to.deep.equal([])
  })

  it('would not, where onnxruntime refuses the memory that it asks for: it fails alone, and no host dies', async () => {
    const run = runOf('greedy')
    await untilScored(run)
    for (const said of await expectLetters(run, true))
      expect(said)
        .to.match(/^ScoreOnnx: /)
        .and.not.contain('die')
  })

  it('is no record where the model itself does not end: the connector is refused within the deadline', async () => {
    await putStuckModel('stuck')
    const config = { 'connector.class': 'TopicSink', topics: 'a', 'target.topic': 'b', ...scoring('stuck') }
    const { status, body } = await call(worker.rest, 'PUT', '/connectors/stuck/config', config)
    expect(status).to.equal(400)
    expect(JSON.stringify(body)).to.contain('transforms').and.to.contain(`${DEADLINE} ms`)
    await worker.expectCalm()
  })

  it('by a promise that nobody waits for fails its task', async () => {
    const { tasks } = await untilTasks(worker.rest, runOf('leave').name, 'FAILED')
    expect(tasks[0]?.trace).to.contain('task host')
    await worker.expectCalm()
  })

  it('does not where its transform throws: the task fails at once, with the name of the transform', async () => {
    const { tasks } = await untilTasks(worker.rest, runOf('throw').name, 'FAILED')
    expect(tasks[0]?.trace).to.contain('wild (Hostile)').and.to.contain('a bug in a transform')
    expect(tasks[0]?.trace).to.match(/\n {4}at .*hostile-plugins\.ts/)
  })
})
