import { expect } from 'chai'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, before, describe, it } from 'mocha'
import { eventually, uniqueName } from '../support/eventually.ts'
import { sharedKafka } from '../support/kafka.ts'
import { REPOSITORY } from '../support/process.ts'
import { fillTopic } from '../support/topics.ts'
import { type ClusterWorker, WorkerCluster } from '../support/worker-cluster.ts'

const PATIENT = { timeoutMs: 60_000, everyMs: 100 }

interface Status {
  readonly connector: { readonly state: string; readonly worker_id: string }
  readonly tasks: readonly { readonly id: number; readonly state: string; readonly worker_id: string }[]
}

describe('two workers of one cluster', function () {
  this.timeout(180_000)
  const clusters: WorkerCluster[] = []
  let source = ''

  before(async () => {
    source = uniqueName('in')
    await fillTopic((await sharedKafka()).bootstrapServers, source, 4, [])
  })
  afterEach(async () => {
    await Promise.all(clusters.splice(0).map((cluster) => cluster.stop()))
  })

  async function start(settings: Record<string, string> = {}) {
    const cluster = new WorkerCluster(settings)
    clusters.push(cluster)
    const leader = await cluster.sluice()
    const follower = await cluster.sluice()
    return { cluster, leader, follower }
  }

  const config = (tasks = 2) => ({
    'connector.class': 'TopicSink',
    'tasks.max': String(tasks),
    topics: source,
    'target.topic': `${source}-out`,
  })
  const create = (worker: ClusterWorker, name: string) =>
    worker.call('POST', '/connectors', { name, config: config() })

  /** Resolves when the connector and all of its tasks run, as that worker shows it. */
  const running = (worker: ClusterWorker, name: string, tasks = 2): Promise<Status> =>
    eventually(async () => {
      const status = (await worker.call('GET', `/connectors/${name}/status`)).body as Status
      expect([status.connector.state, ...status.tasks.map(({ state }) => state)]).to.deep.equal(
        Array(tasks + 1).fill('RUNNING'),
      )
      return status
    }, PATIENT)

  it('share the tasks of a connector that was posted to the one that does not lead', async () => {
    const { leader, follower, cluster } = await start()
    const created = await create(follower, 'a')
    expect(created.code).to.equal(201)
    expect(created.headers.get('location')).to.equal(`${follower.base}/connectors/a`)
    const status = await running(leader, 'a')
    expect(status.tasks.map(({ worker_id: id }) => id)).to.have.members([leader.id, follower.id])
    for (const asked of [leader, follower])
      for (const task of [0, 1]) {
        expect((await asked.call('POST', `/connectors/a/tasks/${task}/restart`)).code).to.equal(204)
        await running(asked, 'a')
      }
    expect((await follower.call('PUT', '/connectors/a/stop')).code).to.equal(204)
    await eventually(async () => {
      const { body } = await leader.call('GET', '/connectors/a/status')
      return (body as Status).connector.state === 'STOPPED'
    }, PATIENT)
    expect((await follower.call('DELETE', '/connectors/a')).code).to.equal(204)
    expect((await leader.call('GET', '/connectors')).body).to.deep.equal([])
    const keys = (await cluster.configs()).map(({ key }) => key)
    expect(keys.filter((key) => key === 'session-key')).to.have.lengthOf(1)
  })

  it('make one connector of two creations at the same time', async () => {
    const { leader, follower, cluster } = await start()
    for (let i = 0; i < 5; i++) {
      const answers = await Promise.all([create(leader, `c${i}`), create(follower, `c${i}`)])
      expect(answers.map(({ code }) => code).toSorted()).to.deep.equal([201, 409])
    }
    const keys = (await cluster.configs()).map(({ key }) => key)
    expect(keys.filter((key) => key.startsWith('connector-')).toSorted()).to.deep.equal(
      ['c0', 'c1', 'c2', 'c3', 'c4'].map((name) => `connector-${name}`),
    )
  })

  it('let the tasks of a connector of the follower be written by the leader, signed', async () => {
    const { leader, follower } = await start({ 'inter.worker.key.ttl.ms': '3000' })
    for (const name of ['a', 'b', 'c', 'd']) expect((await create(leader, name)).code).to.equal(201)
    const owners = new Set<string>()
    for (const name of ['a', 'b', 'c', 'd']) owners.add((await running(leader, name)).connector.worker_id)
    expect([...owners]).to.have.members([leader.id, follower.id])
    const unsigned = await leader.call('POST', '/connectors/a/tasks', [])
    expect([unsigned.code, unsigned.body]).to.deep.equal([
      400,
      { error_code: 400, message: 'Internal request missing required signature' },
    ])
  })

  it('take nothing of a leader that was stopped for longer than its session', async () => {
    const { leader, follower, cluster } = await start()
    expect((await create(leader, 'before')).code).to.equal(201)
    leader.process.signal('SIGSTOP')
    await eventually(async () => (await create(follower, 'after')).code === 201, PATIENT)
    const late = [create(leader, 'after'), create(leader, 'zombie'), create(leader, 'zombie')]
    late.push(leader.call('DELETE', '/connectors/before'))
    await eventually(async () => (await follower.call('GET', '/connectors/after')).code === 200, PATIENT)
    leader.process.signal('SIGCONT')
    const answers = await Promise.all(late)
    for (const { code } of answers) expect(code).to.be.oneOf([201, 204, 409, 503])
    const records = (await cluster.configs()).map(({ key, value }) => (value === null ? `no ${key}` : key))
    for (const name of ['after', 'zombie'])
      expect(records.filter((key) => key === `connector-${name}`).length).to.be.at.most(1)
    // Where it was told 409 nothing of it was written, and as a member again it takes requests.
    const made = answers[1]?.code === 201 || answers[2]?.code === 201
    expect(records.includes('connector-zombie')).to.equal(made)
    await eventually(async () => (await create(leader, 'again')).code === 201, PATIENT)
    await running(follower, 'again')
  })

  it('have a model that either was sent, from the first connector on that names it, and lose it together', async () => {
    const cluster = new WorkerCluster()
    clusters.push(cluster)
    const [first, second] = [await cluster.own('first'), await cluster.own('second')]
    const model = await readFile(path.join(REPOSITORY, 'models/airline-delay/airline-delay.mojo.zip'))
    const send = (worker: ClusterWorker) =>
      fetch(`${worker.base}/sluice/models/delay?file=m.zip&version=1`, {
        method: 'PUT',
        headers: { 'content-type': 'application/octet-stream' },
        body: new Uint8Array(model),
      })
    expect((await send(second)).status).to.equal(201)
    const scoring = {
      ...{
        transforms: 'score',
        'transforms.score.type': 'ScoreH2OGbm$Value',
        'transforms.score.model': 'delay',
      },
      ...{ 'value.converter': 'JsonConverter', 'value.converter.schemas.enable': 'false' },
    }
    const created = await first.call('POST', '/connectors', {
      name: 'a',
      config: { ...config(), ...scoring },
    })
    expect(created.code, JSON.stringify(created.body)).to.equal(201)
    await running(second, 'a')
    for (const worker of [first, second])
      expect((await worker.call('GET', '/sluice/models/delay')).body).to.deep.include({ latest: '1' })
    expect((await send(first)).status).to.equal(409)
    expect((await first.call('GET', '/sluice/connectors/a/shadows')).code).to.equal(200)
    expect((await first.call('DELETE', '/sluice/models/delay?version=1')).code).to.equal(204)
    for (const worker of [first, second])
      await eventually(async () => (await worker.call('GET', '/sluice/models/delay')).code === 404, PATIENT)
  })

  it('go on with a new leader where the old one was killed', async () => {
    const { leader, follower } = await start()
    expect((await create(follower, 'a')).code).to.equal(201)
    await running(follower, 'a')
    leader.process.kill()
    const answered = await create(follower, 'b')
    expect(answered.code).to.be.oneOf([201, 409, 503])
    await eventually(async () => [201, 409].includes((await create(follower, 'c')).code), PATIENT)
    const status = await running(follower, 'a')
    expect(status.tasks.map(({ worker_id: id }) => id)).to.deep.equal([follower.id, follower.id])
  })
})
