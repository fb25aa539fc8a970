import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { signed } from '../../src/worker/cluster/signatures.ts'
import type { SessionKey } from '../../src/worker/stores/config-state.ts'
import { eventually } from '../support/eventually.ts'
import { MemoryCluster, type ClusterMember, untilStates } from './memory-cluster.ts'
import { CONFIG, expectError, messageOf, type Answer } from './rest-api.ts'

const TASKS = [
  { topics: 'in', n: '0' },
  { topics: 'in', n: '1', none: null },
]

describe('what workers ask of the leader', () => {
  let cluster: MemoryCluster
  let leader: ClusterMember
  let follower: ClusterMember

  beforeEach(async () => {
    cluster = new MemoryCluster()
    leader = await cluster.add()
    follower = await cluster.add()
    await leader.call('POST', '/connectors', { name: 'a', config: CONFIG })
    await untilStates(leader, 'a', 'RUNNING', 'RUNNING')
  })
  afterEach(() => cluster.stop())

  /** The session key, as the config topic has it. */
  function sessionKey(): SessionKey {
    const { value } = cluster.topics.records('configs').findLast(({ key }) => key === 'session-key') ?? {}
    const data = JSON.parse(String(value ?? '{}')) as {
      key: string
      algorithm: string
      'creation-timestamp': number
    }
    const { algorithm, 'creation-timestamp': createdAt } = data
    return { key: Buffer.from(data.key, 'base64'), algorithm, createdAt }
  }

  function send(worker: ClusterMember, route: string, body: string, key = sessionKey()): Promise<Answer> {
    const headers = { 'content-type': 'application/json', ...signed(Buffer.from(body), key, 'HmacSHA256') }
    const [method = '', path = ''] = route.split(' ')
    return worker.call(method, path, body === '' ? undefined : body, headers)
  }

  const configs = () => cluster.written().filter((key) => /^(task|commit)-/.test(key))

  it('is a session key in the config topic, in Java’s form', () => {
    const { value } = cluster.topics.records('configs').find(({ key }) => key === 'session-key') ?? {}
    expect(value).to.match(
      /^\{"key":"[A-Za-z0-9+/]{43}=","algorithm":"HmacSHA256","creation-timestamp":\d{13}\}$/,
    )
  })

  it('writes task configs that are signed, to the last null, and runs them', async () => {
    const answer = await send(leader, 'POST /connectors/a/tasks', JSON.stringify(TASKS))
    expect([answer.code, answer.body]).to.deep.equal([204, undefined])
    expect(configs().slice(-3)).to.deep.equal(['task-a-0', 'task-a-1', 'commit-a'])
    const { value } = cluster.topics.records('configs').findLast(({ key }) => key === 'task-a-1') ?? {}
    expect(value).to.equal('{"properties":{"topics":"in","n":"1","none":null}}')
    await untilStates(follower, 'a', 'RUNNING', 'RUNNING', 'RUNNING')
  })

  it('is passed on by a worker that does not lead, with its signature', async () => {
    const answer = await send(follower, 'POST /connectors/a/tasks', JSON.stringify(TASKS))
    expect(answer.code).to.equal(204)
    expect(configs().at(-1)).to.equal('commit-a')
  })

  it('refuses what is not signed, signed with another key or another body, and writes nothing', async () => {
    const before = configs()
    const unsigned = await leader.call('POST', '/connectors/a/tasks', TASKS)
    expectError(unsigned, 400)
    expect(messageOf(unsigned)).to.equal('Internal request missing required signature')
    const wrong = { ...sessionKey(), key: Buffer.alloc(32) }
    const forged = await send(leader, 'POST /connectors/a/tasks', JSON.stringify(TASKS), wrong)
    expectError(forged, 403)
    expect(messageOf(forged)).to.equal('Internal request contained invalid signature.')
    const headers = {
      'content-type': 'application/json',
      ...signed(Buffer.from('[]'), sessionKey(), 'HmacSHA256'),
    }
    expectError(await leader.call('POST', '/connectors/a/tasks', TASKS, headers), 403)
    const other = { ...headers, 'x-connect-request-signature-algorithm': 'HmacSHA1' }
    expectError(await leader.call('POST', '/connectors/a/tasks', TASKS, other), 400)
    expect(configs()).to.deep.equal(before)
  })

  it('refuses what is no list of task configs, an unknown connector and one that is stopped', async () => {
    for (const body of ['', '{}', '[1]', '[[]]', '[{"a":{}}]', '[{"a":', 'null']) {
      const answer = await send(leader, 'POST /connectors/a/tasks', body)
      expectError(answer, 400)
      expect(messageOf(answer)).to.match(/^The request body cannot be understood: /)
    }
    expectError(await send(leader, 'POST /connectors/none/tasks', '[{}]'), 404)
    await leader.call('PUT', '/connectors/a/stop')
    const stopped = await send(leader, 'POST /connectors/a/tasks', '[{}]')
    expectError(stopped, 400)
    expect(messageOf(stopped)).to.equal('Cannot submit non-empty set of task configs for stopped connector a')
    expect((await send(leader, 'POST /connectors/a/tasks', '[]')).code).to.equal(204)
  })

  it('is not signed where a worker of the group does not know how to', async () => {
    await cluster.add({ settings: { 'connect.protocol': 'compatible' } })
    await eventually(() => leader.worker.place.protocolVersion === 1)
    expect((await leader.call('POST', '/connectors/a/tasks', TASKS)).code).to.equal(204)
  })

  it('fences the producers of a source’s former tasks, and says so in the config topic', async () => {
    const source = { 'connector.class': 'FileStreamSource', file: '/tmp/x', topic: 'in' }
    await leader.call('POST', '/connectors', { name: 's', config: source })
    await untilStates(leader, 's', 'RUNNING', 'RUNNING')
    expectError(await leader.call('PUT', '/connectors/s/fence'), 400)
    expect((await send(follower, 'PUT /connectors/s/fence', '')).code).to.equal(204)
    expect(cluster.written().at(-1)).to.equal('tasks-fencing-s')
    await send(leader, 'POST /connectors/s/tasks', '[{},{}]')
    expect((await send(leader, 'PUT /connectors/s/fence', '')).code).to.equal(204)
    expect(leader.worker.fenced).to.deep.equal([['workers-s-0']])
    expectError(await send(leader, 'PUT /connectors/a/fence', ''), 400)
  })

  it('goes on with the old tasks where a leader died in the middle of writing new ones', async () => {
    const before = leader.worker.herder.views.taskConfigs('a')
    for (const n of [0, 1])
      cluster.topics.write('configs', `task-a-${n}`, JSON.stringify({ properties: { half: 'yes' } }))
    for (const { worker } of [leader, follower])
      expect(worker.herder.views.taskConfigs('a')).to.deep.equal(before)
    const late = await cluster.add()
    expect(late.worker.herder.views.taskConfigs('a')).to.deep.equal(before)
    await send(late, 'POST /connectors/a/tasks', JSON.stringify([{ whole: 'yes' }]))
    for (const { worker } of [leader, follower, late])
      expect(worker.herder.views.taskConfigs('a').map(({ config }) => config)).to.deep.equal([
        { whole: 'yes' },
      ])
  })

  it('is taken by nobody who was replaced: its writes end with its session', async () => {
    const written = cluster.topics.records('configs').length
    leader.member.heldUntil = performance.now() - 1
    const answers = await Promise.all([
      send(leader, 'POST /connectors/a/tasks', '[]'),
      leader.call('DELETE', '/connectors/a'),
      leader.call('PUT', '/connectors/a/stop'),
      leader.call('POST', '/connectors', { name: 'b', config: CONFIG }),
      leader.call('POST', '/connectors/a/restart?includeTasks=true'),
    ])
    expect(answers.map(({ code }) => code)).to.deep.equal([409, 409, 409, 409, 409])
    expect(cluster.topics.records('configs')).to.have.lengthOf(written)
  })
})
