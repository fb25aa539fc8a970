import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { alterUserScramCredentialsV0 } from '@platformatic/kafka'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { clusterTopics } from '../../support/cluster-topics.ts'
import { eventually, uniqueName } from '../../support/eventually.ts'
import { freePort } from '../../support/kafka.ts'
import { sluice } from '../../support/process.ts'
import { PASSWORD } from '../../support/secured-kafka.ts'
import { call, type ConnectorStatus } from '../../support/sluice-dev.ts'
import { countRecords, fillTopic, readTopic } from '../../support/topics.ts'
import { clientOf, kafka, type Settings } from './clients.ts'

const USER = 'bob'
const SCRAM_SHA_512 = 2
const ITERATIONS = 4096

/** Makes the user, or another password of his; null takes him away. */
async function setPassword(password: string | null): Promise<void> {
  const client = clientOf('clear', {})
  try {
    const salt = randomBytes(16)
    const user = { name: USER, mechanism: SCRAM_SHA_512 }
    const upsertion = (text: string) => ({
      ...user,
      ...{ iterations: ITERATIONS, salt, saltedPassword: pbkdf2Sync(text, salt, ITERATIONS, 64, 'sha512') },
    })
    const changes = password === null ? ([[user], []] as const) : ([[], [upsertion(password)]] as const)
    const connection = await client.connection(await client.controller())
    await alterUserScramCredentialsV0.api.async(connection, [...changes[0]], [...changes[1]])
  } finally {
    await client.close()
  }
}

export function revokedUsers(): void {
  describe('whose user is taken away while its task runs', () => {
    it('waits and says why, without asking over and over, and goes on once he is back: nothing is lost', async () => {
      await setPassword(PASSWORD)
      const folder = mkdtempSync(path.join(tmpdir(), 'sluice-revoked-'))
      const [group, port, source] = [uniqueName('revoked'), await freePort(), uniqueName('revoked-in')]
      const as = (kind: string): Settings => ({
        [`${kind}.override.bootstrap.servers`]: kafka.at('REVOKE'),
        [`${kind}.override.security.protocol`]: 'SASL_PLAINTEXT',
        [`${kind}.override.sasl.mechanism`]: 'SCRAM-SHA-512',
        [`${kind}.override.sasl.jaas.config`]: `org.apache.kafka.common.security.scram.ScramLoginModule required username="${USER}" password="${PASSWORD}";`,
      })
      const settings: Settings = {
        'bootstrap.servers': kafka.bootstrapServers,
        'group.id': group,
        listeners: `http://127.0.0.1:${port}`,
        'task.hosts': '1',
        'value.converter': 'StringConverter',
        ...clusterTopics(group),
      }
      const file = path.join(folder, 'worker.properties')
      writeFileSync(
        file,
        Object.entries(settings)
          .map(([key, value]) => `${key}=${value}\n`)
          .join(''),
      )
      const worker = sluice(['worker', file])
      const rest = `http://127.0.0.1:${port}`
      const put = (key: string) =>
        fillTopic(kafka.bootstrapServers, source, 1, [{ key, value: Buffer.from('v') }])
      const written = async () =>
        (await readTopic(kafka.bootstrapServers, `${source}-out`)).map(({ key }) => String(key))
      try {
        await eventually(async () => (await fetch(`${rest}/health`)).status === 200, { timeoutMs: 120_000 })
        await put('before')
        const config = { 'connector.class': 'TopicSink', topics: source, 'target.topic': `${source}-out` }
        const body = { ...config, ...as('consumer'), ...as('producer') }
        expect((await call(rest, 'PUT', '/connectors/bobs/config', body)).status).to.equal(201)
        await eventually(async () => (await countRecords(kafka.bootstrapServers, `${source}-out`)) === 1, {
          timeoutMs: 60_000,
        })

        await setPassword(null)
        const status = async () =>
          (await call(rest, 'GET', '/connectors/bobs/status')).body as ConnectorStatus
        const waiting = await eventually(
          async () => {
            const found = JSON.stringify(await status())
            return found.includes('refuses user and password of SCRAM-SHA-512')
              ? found
              : Promise.reject(new Error(found))
          },
          { timeoutMs: 60_000 },
        )
        expect(waiting).to.contain('check sasl.jaas.config').and.not.contain(PASSWORD)
        await put('while he is away')
        expect(await written()).to.eql(['before'])
        const refusals = worker.stderr().split('refuses user and password').length
        expect(refusals, 'lines of the log').to.be.lessThan(30)

        await setPassword(PASSWORD)
        expect((await status()).tasks[0]?.state).to.equal('RUNNING')
        // What was written before and not yet committed may come twice.
        const both = async () => new Set(await written()).size === 2
        await eventually(both, { timeoutMs: 90_000 })
      } finally {
        worker.signal('SIGTERM')
        await worker.exited
        rmSync(folder, { recursive: true })
      }
      expect(worker.stderr() + worker.stdout()).not.to.contain(PASSWORD)
    }).timeout(300_000)
  })
}
