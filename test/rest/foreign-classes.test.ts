import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { eventually } from '../support/eventually.ts'
import { MemoryCluster, type ClusterMember, states, untilStates } from './memory-cluster.ts'
import { CONFIG, expectError, messageOf } from './rest-api.ts'

const JAVA = { 'connector.class': 'com.example.JavaSink', topics: 'in' }

describe('a connector whose class the leader does not have', () => {
  let cluster: MemoryCluster
  let leader: ClusterMember
  const servers: Server[] = []

  beforeEach(async () => {
    cluster = new MemoryCluster()
    leader = await cluster.add()
  })
  afterEach(async () => {
    await cluster.stop()
    for (const server of servers.splice(0)) server.close()
  })

  /** Another member, which answers `validate` so. */
  async function member(code: number, infos: unknown): Promise<string[]> {
    const asked: string[] = []
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        asked.push(`${request.method} ${request.url} ${body}`)
        response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(infos))
      })
    })
    servers.push(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const others = [...leader.worker.place.others, `http://127.0.0.1:${port}/`]
    Object.defineProperty(leader.worker.place, 'others', { get: () => others, configurable: true })
    return asked
  }

  const errorOf = (name: string, error: string) => ({
    error_count: 1,
    configs: [{ definition: {}, value: { name, value: null, errors: [error], visible: true } }],
  })
  const create = () => leader.call('POST', '/connectors', { name: 'j', config: JAVA })

  it('is checked by a member that has it, and stored', async () => {
    await member(200, errorOf('connector.class', 'Failed to find any class'))
    const asked = await member(200, { error_count: 0, configs: [] })
    const { code, body } = await create()
    expect([code, body]).to.deep.equal([
      201,
      { name: 'j', config: { ...JAVA, name: 'j' }, tasks: [], type: 'unknown' },
    ])
    expect(asked).to.deep.equal([
      `PUT /connector-plugins/com.example.JavaSink/config/validate ${JSON.stringify({ ...JAVA, name: 'j' })}`,
    ])
  })

  it('is refused with what that member finds wrong', async () => {
    await member(200, errorOf('topics', 'Must configure one of topics or topics.regex'))
    const answer = await create()
    expectError(answer, 400)
    expect(messageOf(answer)).to.match(
      /^Connector configuration is invalid and contains the following 1 error\(s\):\n.*Must configure one of topics/,
    )
    expect(cluster.written()).to.deep.equal([])
  })

  it('is refused where nobody has it, whatever they answer', async () => {
    const alone = await create()
    expectError(alone, 400)
    expect(messageOf(alone)).to.contain('com.example.JavaSink')
    await member(404, { error_code: 404, message: 'Unknown plugin' })
    await member(200, errorOf('connector.class', 'Failed to find any class'))
    await member(200, 'no infos')
    const others = [...leader.worker.place.others, 'http://127.0.0.1:1/']
    Object.defineProperty(leader.worker.place, 'others', { get: () => others, configurable: true })
    expect((await create()).body).to.deep.equal(alone.body)
  })

  it('fails on a worker without it, with a sentence that names the worker, and nothing else does', async () => {
    await leader.call('POST', '/connectors', { name: 'a', config: CONFIG })
    cluster.topics.write('configs', 'connector-j', JSON.stringify({ properties: { ...JAVA, name: 'j' } }))
    cluster.topics.write('configs', 'task-j-0', JSON.stringify({ properties: { ...JAVA, name: 'j' } }))
    cluster.topics.write('configs', 'commit-j', JSON.stringify({ tasks: 1 }))
    await untilStates(leader, 'j', 'FAILED', 'FAILED')
    const { connector, tasks } = leader.worker.herder.views.status('j')
    const id = new URL(leader.url).host
    for (const { trace } of [connector, ...tasks])
      expect(trace).to.match(new RegExp(`Worker ${id} cannot run it: .*com.example.JavaSink`))
    expect(leader.worker.members.get('connect-j')).to.equal(undefined)
    await eventually(() => states(leader, 'a').join() === 'RUNNING,RUNNING')
  })
})
