import { createServer, type IncomingMessage, type Server } from 'node:http'
import { once } from 'node:events'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { eventually } from '../support/eventually.ts'
import { MemoryCluster, type ClusterMember, untilStates } from './memory-cluster.ts'
import { CONFIG, expectError, messageOf } from './rest-api.ts'

const REBALANCE = 'Cannot complete request because of a conflicting operation (e.g. worker rebalance)'
const NO_LEADER =
  'Cannot complete request momentarily due to no known leader URL, likely because a rebalance was underway.'

describe('requests to a worker that does not lead', () => {
  let cluster: MemoryCluster
  let leader: ClusterMember
  let follower: ClusterMember
  const servers: Server[] = []

  beforeEach(async () => {
    cluster = new MemoryCluster()
    leader = await cluster.add()
    follower = await cluster.add()
  })
  afterEach(async () => {
    await cluster.stop()
    for (const server of servers.splice(0)) server.close()
  })

  const create = (member: ClusterMember, name: string, config: object = CONFIG) =>
    member.call('POST', '/connectors', { name, config })

  it('create a connector at the leader; Location names the worker that was asked', async () => {
    const { code, body, headers } = await create(follower, 'a b')
    expect(code).to.equal(201)
    expect(body).to.deep.include({ name: 'a b', tasks: [], type: 'sink' })
    expect(headers.get('location')).to.equal(`${follower.url}/connectors/a%20b`)
    expect(headers.get('content-type')).to.match(/^application\/json/)
    await untilStates(follower, 'a b', 'RUNNING', 'RUNNING')
  })

  it('change, stop, restart and delete it there', async () => {
    await create(follower, 'a')
    const config = { ...CONFIG, 'tasks.max': '2' }
    const put = await follower.call('PUT', '/connectors/a/config', config)
    expect([put.code, put.headers.get('location')]).to.deep.equal([200, null])
    await untilStates(follower, 'a', 'RUNNING', 'RUNNING', 'RUNNING')
    const seen = await follower.call('GET', '/connectors/a/config')
    expect(seen.body).to.have.property('tasks.max', '2')
    const patched = await follower.call('PATCH', '/connectors/a/config', { topics: 'in,other' })
    expect(patched.body).to.have.nested.property('config.topics', 'in,other')
    const restarted = await follower.call('POST', '/connectors/a/restart?includeTasks=true')
    expect(restarted.code).to.equal(202)
    expect(restarted.body).to.have.nested.property('tasks[1].state', 'RESTARTING')
    for (const [method, path, code] of [
      ['PUT', '/connectors/a/pause', 202],
      ['PUT', '/connectors/a/resume', 202],
      ['PUT', '/connectors/a/stop', 204],
      ['DELETE', '/connectors/a', 204],
    ] as const) {
      const answer = await follower.call(method, path)
      expect([path, answer.code, answer.body]).to.deep.equal([path, code, undefined])
    }
    expect(cluster.written().slice(-2)).to.deep.equal(['connector-a', 'target-state-a'])
  })

  it('get the leader’s errors as they are', async () => {
    expectError(await follower.call('DELETE', '/connectors/none'), 404)
    const unknown = await create(follower, 'a', { 'connector.class': 'NoSuchSink' })
    expectError(unknown, 400)
    expect(unknown.body).to.deep.equal((await create(leader, 'a', { 'connector.class': 'NoSuchSink' })).body)
    await create(leader, 'a')
    const again = await create(follower, 'a')
    expectError(again, 409)
    expect(messageOf(again)).to.equal('Connector a already exists')
    expect(again.headers.get('retry-after')).to.equal('1')
  })

  it('of creations at both workers at once, one is 201 and the others are 409', async () => {
    const names = Array.from({ length: 10 }, (_, i) => `c${i}`)
    for (const name of names) {
      const answers = await Promise.all([leader, follower, leader, follower].map((at) => create(at, name)))
      expect(answers.map(({ code }) => code).toSorted()).to.deep.equal([201, 409, 409, 409])
    }
    const written = cluster.written().filter((key) => key.startsWith('connector-'))
    expect(written.toSorted()).to.deep.equal(names.map((name) => `connector-${name}`).toSorted())
  })

  it('are refused where they were forwarded before and do not find the leader either', async () => {
    const answer = await follower.call('POST', '/connectors?forward=false', { name: 'a', config: CONFIG })
    expectError(answer, 409)
    expect(messageOf(answer)).to.equal(REBALANCE)
    expect(cluster.written()).to.deep.equal([])
  })

  it('are forwarded once more where they came from another worker', async () => {
    const { code } = await follower.call('POST', '/connectors?forward=true', { name: 'a', config: CONFIG })
    expect(code).to.equal(201)
  })

  it('change what the leader has read, not what a worker that lags has', async () => {
    await create(leader, 'a')
    await leader.call('PUT', '/connectors/a/pause')
    await untilStates(follower, 'a', 'PAUSED', 'PAUSED')
    const log = cluster.topics.lag('configs', 1)
    await leader.call('PUT', '/connectors/a/config', { ...CONFIG, topics: 'newer' })
    expect((await follower.call('GET', '/connectors/a/config')).body).to.have.property('topics', 'in')
    const patched = await follower.call('PATCH', '/connectors/a/config', { 'tasks.max': '2' })
    expect(patched.body).to.have.property('config').that.includes({ topics: 'newer', 'tasks.max': '2' })
    expect((await follower.call('PUT', '/connectors/a/resume')).code).to.equal(202)
    log.catchUp()
    await untilStates(follower, 'a', 'RUNNING', 'RUNNING', 'RUNNING')
    const tasks = follower.worker.herder.views.taskConfigs('a')
    expect(tasks.map(({ config }) => config['topics'])).to.deep.equal(['newer', 'newer'])
  })

  it('say 409 while no leader is known, and write nothing', async () => {
    follower.member.heldUntil = 0
    const answer = await create(follower, 'a')
    expectError(answer, 409)
    expect(messageOf(answer)).to.equal(NO_LEADER)
    expect(answer.headers.get('retry-after')).to.equal('1')
    expect(cluster.written()).to.deep.equal([])
  })

  it('restart a connector and a task where they run, whoever is asked', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await create(leader, name)
    for (const name of ['a', 'b', 'c', 'd']) await untilStates(leader, name, 'RUNNING', 'RUNNING')
    const starts = (member: ClusterMember) =>
      member.worker.hosts.flatMap((host) => host.heard('start')).map(({ id }) => id.connector)
    expect(starts(leader)).to.have.lengthOf(2)
    expect(starts(follower)).to.have.lengthOf(2)
    for (const asked of [leader, follower])
      for (const name of ['a', 'b', 'c', 'd']) {
        const before = starts(leader).length + starts(follower).length
        const task = await asked.call('POST', `/connectors/${name}/tasks/0/restart`)
        expect([name, task.code, task.body]).to.deep.equal([name, 204, undefined])
        await eventually(() => starts(leader).length + starts(follower).length === before + 1)
        expect((await asked.call('POST', `/connectors/${name}/restart`)).code).to.equal(204)
      }
    expect(starts(leader)).not.to.include.oneOf(starts(follower))
    expectError(await follower.call('POST', '/connectors/a/tasks/7/restart'), 404)
    expectError(await follower.call('POST', '/connectors/none/restart'), 404)
  })

  it('are answered from what this worker has read where they only look', async () => {
    await create(leader, 'a')
    await untilStates(follower, 'a', 'RUNNING', 'RUNNING')
    leader.member.heldUntil = 0
    for (const path of ['/connectors', '/connectors/a', '/connectors/a/status', '/connectors/a/tasks'])
      expect((await follower.call('GET', path)).code).to.equal(200)
  })

  it('are given up with 409 when the leader does not answer and the group goes on without it', async () => {
    const server = createServer(() => undefined)
    servers.push(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address() as { port: number }
    pretendLeader(follower, `http://127.0.0.1:${address.port}/`)
    const waiting = create(follower, 'a')
    await once(server, 'request')
    pretendLeader(follower, `${leader.url}/`)
    const answer = await waiting
    expectError(answer, 409)
    expect(messageOf(answer)).to.contain(REBALANCE)
    server.closeAllConnections()
    expect((await create(follower, 'a')).code).to.equal(201)
  })

  /** Another worker at the place of the leader. */
  async function imposter(answer: (request: IncomingMessage) => [number, Record<string, string>, string]) {
    const seen: { url: string; headers: IncomingMessage['headers'] }[] = []
    const server = createServer((request, response) => {
      seen.push({ url: request.url ?? '', headers: request.headers })
      request.resume().on('end', () => {
        const [code, headers, body] = answer(request)
        response.writeHead(code, headers).end(body)
      })
    })
    servers.push(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (typeof address !== 'object' || address === null) throw new Error('no address')
    const url = `http://127.0.0.1:${address.port}/`
    return { url, seen }
  }

  it('take along what a request says, and nothing of the connection', async () => {
    const { url, seen } = await imposter(() => [200, { 'content-type': 'application/json' }, '{"a":1}'])
    pretendLeader(follower, url)
    const answer = await follower.call('DELETE', '/connectors/a%2F..%2Fb?x=1&forward=true', undefined, {
      authorization: 'Basic eDp5',
      cookie: 'secret=1',
    })
    expect([answer.code, answer.body]).to.deep.equal([200, { a: 1 }])
    expect(seen.map((each) => each.url)).to.deep.equal(['/connectors/a%2F..%2Fb?x=1&forward=false'])
    expect(seen[0]?.headers).to.include({ authorization: 'Basic eDp5', accept: 'application/json' })
    expect(seen[0]?.headers).not.to.have.any.keys('cookie', 'content-type')
  })

  it('say 503 where the leader does not answer, or is only starting', async () => {
    pretendLeader(follower, 'http://127.0.0.1:1/')
    const none = await create(follower, 'a')
    expectError(none, 503)
    expect(messageOf(none)).to.match(/^The worker at http:\/\/127\.0\.0\.1:1 did not answer: .*ECONNREFUSED/)
    const { url } = await imposter(() => [404, { 'content-type': 'text/html' }, '<html>'])
    pretendLeader(follower, url)
    const html = await create(follower, 'a')
    expectError(html, 503)
    expect(messageOf(html)).to.contain('HTTP 404 and no JSON')
    pretendLeader(follower, 'https://127.0.0.1:1/')
    expect(messageOf(await create(follower, 'a'))).to.match(
      /^The worker at https:.* did not answer: .*ECONNREFUSED/,
    )
  })
})

/** The next assignment of a worker names another leader. */
function pretendLeader({ worker }: ClusterMember, url: string): void {
  Object.defineProperty(worker.place, 'leaderUrl', { get: () => url, configurable: true })
}
