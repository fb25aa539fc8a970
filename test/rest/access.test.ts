import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, afterEach, before, describe, it } from 'mocha'
import { Access } from '../../src/access/access.ts'
import { Buckets } from '../../src/access/buckets.ts'
import { SILENT } from '../../src/api/log.ts'
import { createApp } from '../../src/rest/app.ts'
import type { AuditEntry } from '../../src/rest/audit.ts'
import { neededRole } from '../../src/rest/needed-role.ts'
import { cheapHash } from '../support/cheap-hash.ts'
import { eventually } from '../support/eventually.ts'
import { type ClusterMember, MemoryCluster } from './memory-cluster.ts'
import { type Answer, CONFIG, expectError, messageOf } from './rest-api.ts'

/** Every route there is, and what it needs; null: nothing. */
const ROUTES: readonly (readonly [method: string, path: string, needed: string | null])[] = [
  ['GET', '/', 'reader'],
  ['GET', '/health', null],
  ['GET', '/connectors', 'reader'],
  ['POST', '/connectors', 'admin'],
  ['GET', '/connectors/:connector', 'reader'],
  ['DELETE', '/connectors/:connector', 'admin'],
  ['GET', '/connectors/:connector/status', 'reader'],
  ['GET', '/connectors/:connector/config', 'reader'],
  ['PUT', '/connectors/:connector/config', 'admin'],
  ['PATCH', '/connectors/:connector/config', 'admin'],
  ['PUT', '/connectors/:connector/pause', 'operator'],
  ['PUT', '/connectors/:connector/resume', 'operator'],
  ['PUT', '/connectors/:connector/stop', 'operator'],
  ['POST', '/connectors/:connector/restart', 'operator'],
  ['GET', '/connectors/:connector/tasks', 'reader'],
  ['GET', '/connectors/:connector/tasks/:task/status', 'reader'],
  ['POST', '/connectors/:connector/tasks/:task/restart', 'operator'],
  ['GET', '/connectors/:connector/offsets', 'reader'],
  ['PATCH', '/connectors/:connector/offsets', 'operator'],
  ['DELETE', '/connectors/:connector/offsets', 'operator'],
  ['GET', '/connectors/:connector/topics', 'reader'],
  ['PUT', '/connectors/:connector/topics/reset', 'operator'],
  ['GET', '/connector-plugins', 'reader'],
  ['GET', '/connector-plugins/:plugin/config', 'reader'],
  ['PUT', '/connector-plugins/:plugin/config/validate', 'admin'],
  ['GET', '/admin/loggers', 'reader'],
  ['GET', '/admin/loggers/:logger', 'reader'],
  ['PUT', '/admin/loggers/:logger', 'operator'],
  ['GET', '/sluice/models', 'reader'],
  ['GET', '/sluice/models/:name', 'reader'],
  ['PUT', '/sluice/models/:name', 'admin'],
  ['DELETE', '/sluice/models/:name', 'admin'],
  ['GET', '/sluice/connectors/:connector/shadows', 'reader'],
  ['GET', '/sluice/connectors/:connector/shown/:name', 'reader'],
  ['GET', '/sluice/lag', 'reader'],
  ['GET', '/sluice/connectors/:connector/lag', 'reader'],
]

/** Signed by workers with the session key, and by nobody else (internal.test.ts). */
const AMONG_WORKERS = ['POST /connectors/:connector/tasks', 'PUT /connectors/:connector/fence']

const ROLES = ['reader', 'operator', 'admin']
const USERS = ['reader', 'operator', 'admin', 'nothing']

interface Layer {
  readonly route?: { readonly path: string; readonly stack: readonly { readonly method?: string }[] }
  readonly handle?: { readonly stack?: readonly Layer[] }
}

function routesOf(layers: readonly Layer[]): string[] {
  return layers.flatMap(({ route, handle }) => {
    if (route === undefined) return routesOf(handle?.stack ?? [])
    const methods = route.stack.flatMap(({ method }) => (method === undefined ? [] : [method]))
    return [...new Set(methods)].map((method) => `${method.toUpperCase()} ${route.path}`)
  })
}

describe('the REST API with authentication', function () {
  this.timeout(60_000)
  let folder: string
  let hash: string
  let cluster: MemoryCluster
  const audited: AuditEntry[] = []
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'sluice-rest-access-'))
    hash = cheapHash('right-secret')
    cluster = new MemoryCluster()
  })
  after(async () => {
    await cluster.stop()
    rmSync(folder, { recursive: true })
  })
  afterEach(() => audited.splice(0))

  /** What a worker is told of access: these users, each with the role of its name. */
  const withUsers = async (users: readonly string[], rateLimit = 0) => {
    const file = path.join(folder, users.join('-'))
    const line = (name: string): string => `${name}:${ROLES.includes(name) ? name : 'reader'}:${hash}\n`
    writeFileSync(file, users.map(line).join(''))
    const settings = { users: { file, setting: 'users' }, bearer: null, certificates: null }
    const access = new Access(settings, SILENT, new Buckets({ burst: 10_000, perSecond: 1 }))
    await access.open()
    return { access: { access, rateLimit }, audit: (entry: AuditEntry) => void audited.push(entry) }
  }
  const as = (name: string, password = 'right-secret'): Record<string, string> => ({
    authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
    'content-type': 'application/json',
  })
  let leader: ClusterMember
  before(async () => (leader = await cluster.add({ rest: await withUsers(USERS) })))

  it('has a row in this table for every route', () => {
    const app = createApp({ worker: () => undefined, version: '0', hosts: [], log: SILENT })
    const { stack } = app.router as unknown as { readonly stack: readonly Layer[] }
    const rows = ROUTES.map(([method, path]) => `${method} ${path}`)
    expect(routesOf(stack).sort()).to.deep.equal([...rows, ...AMONG_WORKERS].sort())
  })

  it('lets each role do what it may on every route, and nobody else anything', async () => {
    const failures: string[] = []
    for (const [method, route, needed] of ROUTES) {
      const where = route.replace(/:\w+/g, 'none')
      const check = async (
        who: string,
        headers: Record<string, string>,
        wanted: (code: number) => boolean,
      ) => {
        const { code } = await leader.call(method, where, undefined, headers)
        if (!wanted(code)) failures.push(`${method} ${route} as ${who}: ${code}`)
      }
      const open = (code: number): boolean => ![401, 403, 429].includes(code) && code < 600
      const refused = needed === null ? open : (code: number): boolean => code === 401
      await check('nobody', {}, refused)
      await check('a user with a wrong password', as('admin', 'wrong-secret'), refused)
      await check('a user who is not there', as('mallory'), refused)
      for (const role of ROLES) {
        const may = needed === null || ROLES.indexOf(role) >= ROLES.indexOf(needed)
        await check(role, as(role), may ? open : (code) => code === 403)
      }
    }
    expect(failures).to.deep.equal([])
  }).timeout(120_000)

  it('asks for a password in words that do not say what was wrong, and in JSON', async () => {
    const answers: Answer[] = []
    for (const headers of [{}, as('admin', 'wrong'), as('nobody'), { authorization: 'Bearer x.y.z' }])
      answers.push(await leader.call('GET', '/connectors', undefined, headers))
    for (const answer of answers) {
      expectError(answer, 401)
      expect(answer.headers.get('www-authenticate')).to.equal('Basic realm="Sluice", charset="UTF-8"')
    }
    expect(new Set(answers.map(messageOf)).size).to.equal(1)
    const forbidden = await leader.call('DELETE', '/connectors/x', undefined, as('reader'))
    expectError(forbidden, 403)
    expect(messageOf(forbidden)).to.equal('"reader" has the role reader; this needs the role admin.')
  })

  it('needs an admin for what it does not know', () => {
    for (const path of ['/connectors/a/pausE', '/new', '/connectors/a/tasks/0', '//connectors/a/pause'])
      expect(neededRole('PUT', path), path).to.equal('admin')
    expect(neededRole('TRACE', '/connectors')).to.equal('admin')
    expect(neededRole('GET', '/health/x')).to.equal('reader')
  })

  it('tells of each change once: who, what, and how it ended, without bodies and queries', async () => {
    const body = { name: 'told', config: { ...CONFIG, 'db.password': 'canary-1' } }
    await leader.call('POST', '/connectors', body, as('admin'))
    await leader.call('PUT', '/connectors/told/pause?password=canary-2', undefined, as('operator'))
    await leader.call('PUT', '/connectors/told/config', { x: 'canary-3' }, as('reader'))
    await leader.call('DELETE', '/connectors/told', undefined, as('mallory'))
    await leader.call('GET', '/connectors/told', undefined, as('reader'))
    await leader.call('PUT', '/connector-plugins/TopicSink/config/validate', {}, as('admin'))
    await leader.call('DELETE', '/connectors/told', undefined, as('admin'))
    await eventually(() => audited.length >= 5)
    expect(
      audited.map(({ principal, role, by, method, path, connector, outcome }) =>
        [principal, role, by, method, path, connector, outcome].map(String).join(' '),
      ),
    ).to.deep.equal([
      'admin admin password POST /connectors told 201',
      'operator operator password PUT /connectors/told/pause told 202',
      'reader reader password PUT /connectors/told/config told 403',
      'null null null DELETE /connectors/told told 401',
      'admin admin password DELETE /connectors/told told 204',
    ])
    expect(audited.every(({ address }) => address === '127.0.0.1')).to.equal(true)
    expect(JSON.stringify(audited)).not.to.match(/canary|right-secret/)
  })

  it('lets one caller ask no oftener than it is told to', async () => {
    const limited = await cluster.add({ rest: await withUsers(['reader', 'admin'], 3) })
    const codes: number[] = []
    for (let i = 0; i < 8; i++)
      codes.push((await limited.call('GET', '/connectors', undefined, as('reader'))).code)
    expect(codes.slice(0, 3)).to.deep.equal([200, 200, 200])
    expect(codes).to.include(429)
    const other = await limited.call('GET', '/connectors', undefined, as('admin'))
    expect(other.code).to.equal(200)
    await limited.stop()
    cluster.members.splice(cluster.members.indexOf(limited), 1)
  })

  describe('of several workers', () => {
    let follower: ClusterMember
    before(
      async () => (follower = await cluster.add({ rest: await withUsers(['admin', 'operator', 'guest']) })),
    )
    const PEER = 'x-sluice-worker'

    it('takes what another worker has let in, as it did, and tells of it where it was asked', async () => {
      const created = await follower.call('POST', '/connectors', { name: 'far', config: CONFIG }, as('admin'))
      expect(created.code).to.equal(201)
      // The leader knows no guest: what it forbids is what the other worker says of him.
      const paused = await follower.call('PUT', '/connectors/far/pause', undefined, as('operator'))
      expect(paused.code).to.equal(202)
      await eventually(() => audited.length >= 2)
      expect(audited.map(({ principal, path, outcome }) => [principal, path, outcome])).to.deep.equal([
        ['admin', '/connectors', 201],
        ['operator', '/connectors/far/pause', 202],
      ])
    })

    it('takes a signature for its own request alone, and once', async () => {
      const { signatures, peers } = follower.worker
      expect(signatures).not.to.equal(undefined)
      expect(peers).not.to.equal(undefined)
      const caller = { name: 'guest', role: 'admin', by: 'certificate', address: '10.9.8.7' } as const
      const sign = (method: string, path: string, body = '') =>
        follower.worker.signatures!.sign(
          { method, url: new URL(`${leader.url}${path}`), body: Buffer.from(body) },
          caller,
        )
      const json = { 'content-type': 'application/json' }
      const body = JSON.stringify(CONFIG)
      const config = '/connectors/signed/config'
      const signed = sign('PUT', config, body)
      const codeOf = async (method: string, path: string, sent: string | undefined, headers: object) =>
        (await leader.call(method, path, sent, { ...json, ...headers })).code
      expect(await codeOf('PUT', config, body, signed)).to.equal(201)
      expect(await codeOf('PUT', config, body, signed), 'again').to.equal(401)
      const wrong: [string, string, string | undefined, object][] = [
        ['PUT', '/connectors/other/config', body, sign('PUT', config, body)],
        ['PUT', `${config}?x=1`, body, sign('PUT', config, body)],
        ['PATCH', config, body, sign('PUT', config, body)],
        ['PUT', config, `${body} `, sign('PUT', config, body)],
        ['PUT', config, undefined, sign('PUT', config, body)],
        ['DELETE', '/connectors/signed', 'x', sign('DELETE', '/connectors/signed')],
        ['DELETE', '/connectors/signed', undefined, { [PEER]: '' }],
        ['DELETE', '/connectors/signed', undefined, { [PEER]: 'a.b.c' }],
        [
          'DELETE',
          '/connectors/signed',
          undefined,
          { [PEER]: `${sign('DELETE', '/connectors/signed')[PEER]}x` },
        ],
      ]
      for (const [method, path, sent, headers] of wrong)
        expect(await codeOf(method, path, sent, headers), `${method} ${path}`).to.be.oneOf([401, 403])
      expect(leader.worker.herder.views.names()).to.include('signed')
      // What a client says of itself is nothing: who has no key of the cluster signs nothing.
      const [id = '', payload = ''] = (sign('DELETE', '/connectors/signed')[PEER] ?? '').split('.')
      const forged = `${id}.${payload}.${Buffer.alloc(32).toString('base64url')}`
      expect(await codeOf('DELETE', '/connectors/signed', undefined, { [PEER]: forged })).to.equal(401)
      const other = `AAAAAAAAAAA.${payload}.${Buffer.alloc(32).toString('base64url')}`
      expect(await codeOf('DELETE', '/connectors/signed', undefined, { [PEER]: other })).to.equal(409)
    })

    it('adds up lags of workers that ask each other', async () => {
      const lag = await follower.call('GET', '/sluice/lag', undefined, as('guest'))
      expect(lag.code).to.equal(200)
    })
  })
})
