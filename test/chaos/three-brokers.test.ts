import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { SILENT } from '../../src/api/log.ts'
import { createTopic } from '../../src/kafka/admin.ts'
import { KafkaClient } from '../../src/kafka/client.ts'
import { readByJava } from '../reliability/clients.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { ThreeBrokers } from '../support/three-brokers.ts'
import { countRecords } from '../support/topics.ts'
import { WorkerCluster, type ClusterWorker } from '../support/worker-cluster.ts'

const REPLICAS = '3'
const PROGRESS = 500
/** In short one leader and one coordinator; SLUICE_CHAOS=long is all five roles, in two minutes. */
const MOVES = process.env['SLUICE_CHAOS'] === 'long' ? 5 : 2

/** Fault 83. A file → FileStreamSource → `lines` → TopicSink → `out`, both exactly once, one partition each: order counts. */
describe('three brokers, of which those that lead and coordinate are killed one after the other', function () {
  this.timeout(300_000)
  const [source, sink] = [uniqueName('source'), uniqueName('sink')]
  const [lines, out] = [uniqueName('lines'), uniqueName('out')]
  let brokers: ThreeBrokers
  let client: KafkaClient
  let cluster: WorkerCluster
  let worker: ClusterWorker
  let folder: string

  before(async () => {
    brokers = await ThreeBrokers.start()
    const servers = brokers.bootstrapServers.split(',')
    client = new KafkaClient({ bootstrapServers: servers, clientId: 'sluice-test', log: SILENT })
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-three-'))
    cluster = new WorkerCluster({
      'bootstrap.servers': brokers.bootstrapServers,
      'exactly.once.source.support': 'enabled',
      'value.converter': 'StringConverter',
      'config.storage.replication.factor': REPLICAS,
      'offset.storage.replication.factor': REPLICAS,
      'status.storage.replication.factor': REPLICAS,
    })
    worker = await cluster.sluice()
  })
  after(async () => {
    await cluster.stop()
    await client.close()
    await brokers.stop()
    await rm(folder, { recursive: true, force: true })
  })

  async function create(name: string, config: Record<string, string>): Promise<void> {
    const { code, body } = await worker.call('PUT', `/connectors/${name}/config`, config)
    expect(code, JSON.stringify(body)).to.equal(201)
  }

  async function states(): Promise<string[]> {
    const found: string[] = []
    for (const name of [source, sink]) {
      const { body } = await worker.call('GET', `/connectors/${name}/status`)
      const { tasks } = body as { tasks: { state: string; trace?: string }[] }
      found.push(...tasks.map(({ state, trace }) => (state === 'FAILED' ? `FAILED ${trace ?? ''}` : state)))
    }
    return found
  }

  /** Until so many records more have come through, looking for tasks that fail meanwhile. */
  async function untilFlowing(): Promise<void> {
    const from = await countRecords(brokers.bootstrapServers, out)
    const failed = new Set<string>()
    const hasGrown = async (): Promise<boolean> => {
      for (const state of await states()) if (state.startsWith('FAILED')) failed.add(state)
      return (await countRecords(brokers.bootstrapServers, out)) > from + PROGRESS
    }
    await eventually(hasGrown, { timeoutMs: 90_000, everyMs: 250 })
    expect([...failed]).to.deep.equal([])
  }

  const leaderOf = async (topic: string): Promise<number> => {
    client.invalidate(topic)
    return client.leader(topic, 0)
  }
  const coordinatorOf = async (kind: 'group' | 'transaction', key: string): Promise<number> => {
    client.invalidateCoordinator(kind, key)
    return client.coordinator(kind, key)
  }

  const ROLES: Readonly<Record<string, () => Promise<number>>> = {
    'leader of what the sink writes': () => leaderOf(out),
    'coordinator of the group of the sink': () => coordinatorOf('group', `connect-${sink}`),
    'leader of what the source writes': () => leaderOf(lines),
    'coordinator of the transactions of the sink': () =>
      coordinatorOf('transaction', `${cluster.name}-${sink}-0`),
    'coordinator of the transactions of the source': () =>
      coordinatorOf('transaction', `${cluster.name}-${source}-0`),
  }

  const hit = Object.entries(ROLES).slice(0, MOVES)

  it('let each record through once, in order, and no task fails', async () => {
    const file = path.join(folder, 'lines.txt')
    await writeFile(file, '')
    for (const topic of [lines, out]) await createTopic(client, { topic, partitions: 1 })
    await create(source, { 'connector.class': 'FileStreamSource', file, topic: lines, 'batch.size': '50' })
    const required = { 'exactly.once.support': 'required', 'transaction.boundary.interval.ms': '200' }
    await create(sink, { 'connector.class': 'TopicSink', topics: lines, 'target.topic': out, ...required })
    let written = 0
    const end = new AbortController()
    const writing = (async () => {
      for (; !end.signal.aborted; written += 50) {
        const chunk = Array.from({ length: 50 }, (_, i) => `${written + i}\n`)
        await appendFile(file, chunk.join(''))
        await sleep(50) // the rate of the source, not a wait
      }
    })()
    const moves: string[] = []
    try {
      await untilFlowing()
      for (const [role, whose] of hit) {
        const old = await whose()
        await brokers.kill(old)
        const next = await eventually(
          async () => {
            const now = await whose()
            return now === old ? null : now
          },
          { timeoutMs: 60_000 },
        )
        await untilFlowing()
        moves.push(`${role}: ${old} → ${next}`)
        await brokers.again(old)
      }
      await untilFlowing()
    } finally {
      end.abort()
      await writing
    }
    const isThrough = async () => {
      const { ids } = await readByJava(brokers.bootstrapServers, out, 'read_committed')
      return ids.length >= written ? ids : null
    }
    const ids = await eventually(isThrough, { timeoutMs: 60_000, everyMs: 1000 })
    const counted = `${written} written, ${ids.length} read, ${new Set(ids).size} different`
    const firstWrong = ids.findIndex((id, i) => id !== i)
    expect(firstWrong, `first out of its place; ${counted}`).to.equal(-1)
    expect(ids.length, counted).to.equal(written)
    expect(moves).to.have.length(hit.length)
    expect(await states()).to.deep.equal(['RUNNING', 'RUNNING'])
    const all = await readByJava(brokers.bootstrapServers, out, 'read_uncommitted')
    console.log(`      ${counted}, ${all.ids.length - ids.length} aborted; ${moves.join('; ')}`)
  })
})
