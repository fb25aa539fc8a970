import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { connect } from 'node:tls'
import { expect } from 'chai'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { after, before, describe, it } from 'mocha'
import { type Certificates, makeCertificates, STORE_PASSWORD } from '../support/certificates.ts'
import { clusterTopics } from '../support/cluster-topics.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { shownBy, statusByCurl } from '../support/https-calls.ts'
import { freePort, sharedKafka } from '../support/kafka.ts'
import { sluice, type StartedProcess } from '../support/process.ts'
import { countRecords, fillTopic } from '../support/topics.ts'

interface Asked {
  readonly user?: string
  readonly certificate?: string
  readonly body?: unknown
}

interface Worker {
  readonly port: number
  readonly process: StartedProcess
}

describe('workers of one cluster over https', function () {
  this.timeout(240_000)
  let folder: string
  let certificates: Certificates
  let servers: string
  let token: string
  const workers: Worker[] = []
  const file = (name: string): string => path.join(folder, name)

  before(async () => {
    servers = (await sharedKafka()).bootstrapServers
    folder = mkdtempSync(path.join(tmpdir(), 'sluice-secured-rest-'))
    certificates = await makeCertificates(file('certificates'))
    const lines = await Promise.all(
      ['reader', 'operator', 'admin'].map((role) => userLine(role, `${role}-secret-1`, role)),
    )
    writeFileSync(file('users'), lines.join(''))
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    writeFileSync(file('keys.json'), JSON.stringify({ keys: [await exportJWK(publicKey)] }))
    token = await new SignJWT({ role: 'reader' })
      .setProtectedHeader({ alg: 'ES256' })
      .setIssuer('https://id.test')
      .setAudience('sluice')
      .setSubject('tim')
      .setExpirationTime('1h')
      .sign(privateKey)
    const group = uniqueName('https')
    for (let i = 0; i < 2; i++) workers.push(await start(group))
    for (const worker of workers)
      await eventually(
        async () => (await call(worker, 'GET', '/health', { certificate: 'client' })).code === 200,
        {
          timeoutMs: 120_000,
        },
      )
  })
  after(async () => {
    for (const { process } of workers) process.signal('SIGTERM')
    await Promise.all(workers.map(({ process }) => process.exited))
    rmSync(folder, { recursive: true })
  })

  /** As an operator makes one. */
  async function userLine(name: string, password: string, role: string): Promise<string> {
    const command = sluice(['hash-password', name, '--role', role])
    command.child.stdin?.end(`${password}\n`)
    expect(await command.exited, command.stderr()).to.equal(0)
    return command.stdout()
  }

  async function start(group: string, more: Readonly<Record<string, string>> = {}): Promise<Worker> {
    const port = await freePort()
    const settings: Record<string, string> = {
      'bootstrap.servers': servers,
      'group.id': group,
      listeners: `https://localhost:${port}`,
      'rest.advertised.host.name': 'localhost',
      'listeners.https.ssl.keystore.type': 'PKCS12',
      'listeners.https.ssl.keystore.location': certificates.file('broker.p12'),
      'listeners.https.ssl.keystore.password': STORE_PASSWORD,
      'listeners.https.ssl.truststore.location': certificates.file('trust.jks'),
      'listeners.https.ssl.truststore.password': STORE_PASSWORD,
      'listeners.https.ssl.client.auth': 'requested',
      'rest.auth.basic.users.file': file('users'),
      'rest.auth.certificate.roles': 'client:admin',
      'rest.auth.bearer.jwks': file('keys.json'),
      'rest.auth.bearer.issuer': 'https://id.test',
      'rest.auth.bearer.audience': 'sluice',
      'rest.audit.log': file(`audit-${workers.length}`),
      'value.converter': 'StringConverter',
      'task.hosts': '1',
      'scheduled.rebalance.max.delay.ms': '0',
      ...clusterTopics(group),
      ...more,
    }
    const properties = file(`${port}.properties`)
    writeFileSync(
      properties,
      Object.entries(settings)
        .map(([key, value]) => `${key}=${value}\n`)
        .join(''),
    )
    return { port, process: sluice(['worker', properties]) }
  }

  function call({ port }: Worker, method: string, where: string, { user, certificate, body }: Asked = {}) {
    const headers = {
      ...(user === undefined
        ? {}
        : { authorization: `Basic ${Buffer.from(`${user}:${user}-secret-1`).toString('base64')}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    }
    const own =
      certificate === undefined
        ? {}
        : {
            key: readFileSync(certificates.file(`${certificate}.key`)),
            cert: readFileSync(certificates.file(`${certificate}.pem`)),
          }
    const ca = readFileSync(certificates.file('ca.pem'))
    const options = {
      host: 'localhost',
      port,
      path: where,
      method,
      headers,
      ca,
      agent: false,
      ...own,
    } as const
    return new Promise<{ code: number; body: string }>((resolve, reject) => {
      const asked = request(options, (response) => {
        text(response).then((answer) => resolve({ code: response.statusCode ?? 0, body: answer }), reject)
      })
      asked.once('error', reject)
      asked.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }

  const audited = (worker: number): Record<string, unknown>[] =>
    readFileSync(file(`audit-${worker}`), 'utf8')
      .trim()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>)

  it('let nobody in who does not say who he is, by http least of all', async () => {
    const [worker] = workers as [Worker, Worker]
    expect((await call(worker, 'GET', '/connectors')).code).to.equal(401)
    expect((await call(worker, 'GET', '/health')).code).to.equal(200)
    expect((await call(worker, 'GET', '/connectors', { certificate: 'stranger' })).code).to.equal(401)
    expect((await call(worker, 'GET', '/connectors', { certificate: 'expired' })).code).to.equal(401)
    expect((await call(worker, 'GET', '/connectors', { certificate: 'wrong-host' })).code).to.equal(403)
    const plain = await fetch(`http://localhost:${worker.port}/connectors`).then(
      ({ status }) => status,
      () => 'refused',
    )
    expect(plain).to.equal('refused')
  })

  it('run a connector that was created at either of them, by user and password or by certificate', async () => {
    const source = uniqueName('https-in')
    await fillTopic(servers, source, 2, [{ key: 'k', value: Buffer.from('v') }])
    for (const [i, [worker, who]] of (
      [
        [workers[0]!, { user: 'admin' }],
        [workers[1]!, { user: 'admin' }],
        [workers[0]!, { certificate: 'client' }],
        [workers[1]!, { certificate: 'client' }],
      ] as const
    ).entries()) {
      const config = { 'connector.class': 'TopicSink', topics: source, 'target.topic': `${source}-${i}` }
      const created = await call(worker, 'POST', '/connectors', { ...who, body: { name: `c${i}`, config } })
      expect(created.code, created.body).to.equal(201)
    }
    for (let i = 0; i < 4; i++)
      await eventually(async () => (await countRecords(servers, `${source}-${i}`)) === 1, {
        timeoutMs: 60_000,
      })
  })

  it('answer for each other, and restart what the other one runs', async () => {
    for (const worker of workers) {
      const lag = await eventually(
        async () => {
          const { code, body } = await call(worker, 'GET', '/sluice/lag', { user: 'reader' })
          const found = JSON.parse(body) as { connectors: { missing: number[] }[] }
          return code === 200 && found.connectors.every(({ missing }) => missing.length === 0) ? found : null
        },
        { timeoutMs: 30_000 },
      )
      expect(lag.connectors).to.have.length(4)
      for (const name of ['c0', 'c1', 'c2', 'c3']) {
        const where = `/connectors/${name}/restart`
        expect((await call(worker, 'POST', where, { certificate: 'client' })).code).to.equal(204)
        expect((await call(worker, 'POST', where, { user: 'operator' })).code).to.equal(204)
        expect((await call(worker, 'POST', where, { user: 'reader' })).code).to.equal(403)
      }
      expect((await call(worker, 'DELETE', '/connectors/c0', { user: 'operator' })).code).to.equal(403)
    }
  })

  it('tell of each change once, with who made it, where he asked', () => {
    const created = [0, 1].flatMap((worker) =>
      audited(worker)
        .filter(({ path, outcome }) => path === '/connectors' && outcome === 201)
        .map(({ principal, by, connector }) => [worker, principal, by, connector]),
    )
    expect(created).to.deep.equal([
      [0, 'admin', 'password', 'c0'],
      [0, 'client', 'certificate', 'c2'],
      [1, 'admin', 'password', 'c1'],
      [1, 'client', 'certificate', 'c3'],
    ])
    const all = [...audited(0), ...audited(1)]
    expect(all.filter(({ outcome, principal }) => outcome === 403 && principal === 'reader')).to.have.length(
      8,
    )
    expect(JSON.stringify(all)).not.to.match(/-secret-/)
  })

  const curl = ({ port }: Worker, route: string, ...args: string[]): Promise<string> =>
    statusByCurl(certificates, `https://localhost:${port}${route}`, args)

  it('answer curl that shows a user, a token or a certificate, and no other', async () => {
    const bearer = (text: string) => ['--header', `Authorization: Bearer ${text}`]
    const own = ['--cert', certificates.file('client.pem'), '--key', certificates.file('client.key')]
    for (const worker of workers) {
      expect(await curl(worker, '/connectors', '--user', 'reader:reader-secret-1')).to.equal('200')
      expect(await curl(worker, '/connectors', ...bearer(token))).to.equal('200')
      expect(await curl(worker, '/connectors', ...own)).to.equal('200')
      expect(await curl(worker, '/connectors', '--user', 'reader:wrong')).to.equal('401')
      expect(await curl(worker, '/connectors', ...bearer(`${token.slice(0, -8)}AAAAAAAA`))).to.equal('401')
      expect(await curl(worker, '/connectors/c0', '--request', 'DELETE', ...bearer(token))).to.equal('403')
      expect(await curl(worker, '/connectors')).to.equal('401')
    }
  })

  it('come together where each must show a certificate, and use one that is renewed without a restart', async () => {
    const group = uniqueName('required')
    copyFileSync(certificates.file('broker.p12'), file('listener.p12'))
    const more = {
      'listeners.https.ssl.client.auth': 'required',
      'listeners.https.ssl.keystore.location': file('listener.p12'),
    }
    const pair = [await start(group, more), await start(group, more)] as const
    const own = ['--cert', certificates.file('client.pem'), '--key', certificates.file('client.key')]
    try {
      for (const worker of pair)
        await eventually(async () => (await curl(worker, '/health', ...own)) === '200', {
          timeoutMs: 120_000,
        })
      const source = uniqueName('required-in')
      await fillTopic(servers, source, 2, [{ key: 'k', value: Buffer.from('v') }])
      for (const [i, worker] of pair.entries()) {
        const config = { 'connector.class': 'TopicSink', topics: source, 'target.topic': `${source}-${i}` }
        const body = { name: `r${i}`, config }
        const created = await call(worker, 'POST', '/connectors', { certificate: 'client', body })
        expect(created.code, created.body).to.equal(201)
      }
      for (const worker of pair) {
        for (const name of ['r0', 'r1'])
          expect(await curl(worker, `/connectors/${name}/restart`, '--request', 'POST', ...own)).to.equal(
            '204',
          )
        // No request without a certificate, or with one of another authority.
        expect(await curl(worker, '/health')).to.match(/^exit|^000/)
        const strange = [
          '--cert',
          certificates.file('stranger.pem'),
          '--key',
          certificates.file('stranger.key'),
        ]
        expect(await curl(worker, '/health', ...strange)).to.match(/^exit|^000/)
      }
      const [{ port }] = pair
      const names = () => shownBy(certificates, port)
      expect(await names()).to.equal('broker')
      copyFileSync(certificates.file('wrong-host.p12'), file('listener.p12'))
      await eventually(async () => (await names()) === 'wrong-host', { timeoutMs: 60_000 })
    } finally {
      for (const { process } of pair) process.signal('SIGTERM')
      await Promise.all(pair.map(({ process }) => process.exited))
    }
  })

  it('close connections on which nothing is said', async () => {
    const [{ port }] = workers as [Worker, Worker]
    const socket = connect({ host: 'localhost', port, ca: readFileSync(certificates.file('ca.pem')) })
    await new Promise((resolve) => socket.once('secureConnect', resolve))
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ')
    await new Promise((resolve) => socket.once('close', resolve).resume())
  })

  it('say no secret in what they log', () => {
    for (const { process } of workers)
      expect(process.stdout() + process.stderr()).not.to.match(/-secret-|store-secret/)
  })
})
