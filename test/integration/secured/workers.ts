import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { clusterTopics } from '../../support/cluster-topics.ts'
import { eventually, uniqueName } from '../../support/eventually.ts'
import { freePort } from '../../support/kafka.ts'
import { sluice } from '../../support/process.ts'
import { jaasConfig, PASSWORD } from '../../support/secured-kafka.ts'
import { call } from '../../support/sluice-dev.ts'
import { countRecords, fillTopic } from '../../support/topics.ts'
import { kafka, type Settings, trusting } from './clients.ts'

export function securedWorkers(): void {
  describe('as a worker', () => {
    let folder: string
    before(() => (folder = mkdtempSync(path.join(tmpdir(), 'sluice-secured-worker-'))))
    after(() => rmSync(folder, { recursive: true }))

    /** A worker in a process of its own, with the settings as Kafka Connect has them in a properties file. */
    const start = async (servers: string, security: Settings) => {
      const [group, port] = [uniqueName('secured'), await freePort()]
      const settings: Record<string, string> = {
        'bootstrap.servers': servers,
        'group.id': group,
        listeners: `http://127.0.0.1:${port}`,
        'task.hosts': '1',
        'value.converter': 'StringConverter',
        ...clusterTopics(group),
        ...security,
      }
      const file = path.join(folder, `${group}.properties`)
      const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`)
      writeFileSync(file, lines.join(''))
      return { rest: `http://127.0.0.1:${port}`, worker: sluice(['worker', file]) }
    }
    const secured = (): Settings => ({
      ...trusting(),
      'security.protocol': 'SASL_SSL',
      'sasl.mechanism': 'SCRAM-SHA-512',
      'sasl.jaas.config': jaasConfig('SCRAM-SHA-512'),
    })

    it('runs a sink over SASL_SSL, another as another user in clear, and says why one is refused', async () => {
      const { rest, worker } = await start(kafka.at('SASLSSL'), secured())
      const put = async (name: string, config: Settings) => {
        const body = { 'connector.class': 'TopicSink', ...config }
        return call(rest, 'PUT', `/connectors/${name}/config`, body)
      }
      try {
        await eventually(async () => (await fetch(`${rest}/health`)).status === 200, { timeoutMs: 90_000 })
        const source = uniqueName('secured-in')
        await fillTopic(kafka.bootstrapServers, source, 2, [{ key: 'k', value: Buffer.from('v') }])
        const isThere = async (topic: string): Promise<boolean> =>
          (await countRecords(kafka.bootstrapServers, topic)) === 1
        expect((await put('own', { topics: source, 'target.topic': `${source}-own` })).status).to.equal(201)
        await eventually(() => isThere(`${source}-own`), { timeoutMs: 60_000 })

        const other = {
          'consumer.override.bootstrap.servers': kafka.at('PLAIN'),
          'consumer.override.security.protocol': 'SASL_PLAINTEXT',
          'consumer.override.sasl.mechanism': 'PLAIN',
          'consumer.override.sasl.jaas.config': jaasConfig('PLAIN'),
        }
        const shown = await put('other', { ...other, topics: source, 'target.topic': `${source}-other` })
        expect(shown.status, JSON.stringify(shown.body)).to.equal(201)
        expect(JSON.stringify(shown.body)).to.contain('[hidden]').and.not.contain(PASSWORD)
        await eventually(() => isThere(`${source}-other`), { timeoutMs: 60_000 })

        const wrong = { ...other, 'consumer.override.sasl.jaas.config': jaasConfig('PLAIN', 'wrong-secret') }
        await put('wrong', { ...wrong, topics: source, 'target.topic': `${source}-wrong` })
        const status = await eventually(
          async () => {
            const { body } = await call(rest, 'GET', '/connectors/wrong/status')
            return JSON.stringify(body).includes('refuses user and password of PLAIN')
              ? JSON.stringify(body)
              : null
          },
          { timeoutMs: 60_000 },
        )
        expect(status).to.contain('check sasl.jaas.config').and.not.contain('secret')
        for (const name of ['own', 'other', 'wrong'])
          for (const route of ['', '/config', '/tasks', '/status'])
            expect(
              JSON.stringify((await call(rest, 'GET', `/connectors/${name}${route}`)).body),
            ).not.to.match(/-secret/)
      } finally {
        worker.signal('SIGTERM')
        await worker.exited
      }
      expect(worker.stderr() + worker.stdout()).not.to.match(/-secret/)
    }).timeout(240_000)

    it('ends at once with one sentence where its password is wrong', async () => {
      const wrong = { ...secured(), 'sasl.jaas.config': jaasConfig('SCRAM-SHA-512', 'wrong-secret') }
      const { worker } = await start(kafka.at('SASLSSL'), wrong)
      expect(await worker.exited).to.equal(1)
      expect(worker.stderr()).to.match(
        /localhost:\d+ cannot be used: it refuses user and password of SCRAM-SHA-512/,
      )
      expect(worker.stderr()).not.to.match(/-secret/)
    })

    it('goes on trying where that may help, and says why it waits', async () => {
      const { rest, worker } = await start(kafka.at('PLAIN'), {})
      try {
        await eventually(() => worker.stderr().includes('It may want SASL: set security.protocol'), {
          timeoutMs: 60_000,
        })
        expect((await fetch(`${rest}/health`)).status).to.equal(503)
      } finally {
        worker.signal('SIGTERM')
        await worker.exited
      }
    })
  })
}
