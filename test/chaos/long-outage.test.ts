import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { eventually, uniqueName } from '../support/eventually.ts'
import { OwnKafka } from '../support/own-kafka.ts'
import { fillTopic, readTopic } from '../support/topics.ts'
import { WorkerCluster, type ClusterWorker } from '../support/worker-cluster.ts'

/** Five sessions of the tasks and of the worker (6 s) in short; SLUICE_CHAOS=long is the two minutes of fault 82. */
const DOWN_MS = process.env['SLUICE_CHAOS'] === 'long' ? 120_000 : 30_000
const FLOWING_WITHIN_MS = 15_000

/** Fault 82. */
describe(`a broker that is down for ${DOWN_MS / 1000} s`, function () {
  this.timeout(180_000 + DOWN_MS)
  const [source, sink] = [uniqueName('source'), uniqueName('sink')]
  const [lines, out] = [uniqueName('lines'), uniqueName('out')]
  let folder: string
  let kafka: OwnKafka
  let cluster: WorkerCluster
  let worker: ClusterWorker

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-down-'))
    kafka = await OwnKafka.start()
    cluster = new WorkerCluster({
      'bootstrap.servers': kafka.bootstrapServers,
      'value.converter': 'StringConverter',
    })
    worker = await cluster.sluice()
  })
  after(async () => {
    await cluster.stop()
    await kafka.close()
    await rm(folder, { recursive: true, force: true })
  })

  async function create(name: string, config: Record<string, string>): Promise<void> {
    const { code, body } = await worker.call('PUT', `/connectors/${name}/config`, config)
    expect(code, JSON.stringify(body)).to.equal(201)
  }

  async function failures(): Promise<string[]> {
    const found: string[] = []
    for (const name of [source, sink]) {
      const { code, body } = await worker.call('GET', `/connectors/${name}/status`)
      expect(code).to.equal(200)
      const { tasks } = body as { tasks: { state: string; trace?: string }[] }
      for (const { state, trace } of tasks) if (state === 'FAILED') found.push(`${name}: ${trace ?? ''}`)
    }
    return found
  }

  const untilThrough = (wanted: number, timeoutMs: number) =>
    eventually(
      async () => {
        const values = (await readTopic(kafka.bootstrapServers, out)).map(({ value }) => String(value))
        expect(new Set(values)).to.have.property('size', wanted)
        return true
      },
      { timeoutMs, everyMs: 250 },
    )

  it('fails no task, and records flow within 15 s of its return, none lost', async () => {
    const file = path.join(folder, 'lines.txt')
    const text = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => `${from + i}\n`).join('')
    await writeFile(file, text(0, 1000))
    for (const topic of [lines, out]) await fillTopic(kafka.bootstrapServers, topic, 2, [])
    await create(source, { 'connector.class': 'FileStreamSource', file, topic: lines, 'batch.size': '50' })
    const session = { 'consumer.override.session.timeout.ms': '6000' }
    await create(sink, { 'connector.class': 'TopicSink', topics: lines, 'target.topic': out, ...session })
    await untilThrough(1000, 60_000)

    await kafka.kill()
    await appendFile(file, text(1000, 2000))
    const failed = new Set<string>()
    const until = performance.now() + DOWN_MS // the length of the outage is the fault: it does not wait for anything
    while (performance.now() < until) {
      for (const failure of await failures()) failed.add(failure)
      await sleep(500)
    }
    await kafka.again()
    const ready = performance.now()
    await untilThrough(2000, 60_000)
    const seconds = (performance.now() - ready) / 1000
    for (const failure of await failures()) failed.add(failure)
    expect([...failed]).to.deep.equal([])
    console.log(`      all through ${seconds.toFixed(1)} s after the broker was ready`)
    expect(seconds * 1000).to.be.below(FLOWING_WITHIN_MS)
  })
})
