import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { eventually } from '../support/eventually.ts'
import { securedCommands } from './secured/commands.ts'
import { ask, clientOf, kafka, sasl, start } from './secured/clients.ts'
import { clientsByToken } from './secured/oauth.ts'
import { refusedClients } from './secured/refusals.ts'
import { revokedUsers } from './secured/revoked.ts'
import { clientsByTls } from './secured/tls.ts'
import { securedWorkers } from './secured/workers.ts'

describe('a client of a secured Kafka', function () {
  this.timeout(60_000)

  before(async function () {
    this.timeout(180_000)
    await start()
  })
  after(() => kafka.stop())

  for (const [listener, mechanism] of [
    ['PLAIN', 'PLAIN'],
    ['SCRAM', 'SCRAM-SHA-256'],
    ['SCRAM', 'SCRAM-SHA-512'],
  ] as const)
    it(`is let in by ${mechanism}`, async () => {
      expect(await ask(listener, sasl(mechanism))).not.to.equal('')
    })

  it('goes on with new connections where the broker ends sessions', async () => {
    const client = clientOf('SHORT', sasl('PLAIN'))
    try {
      const first = await client.connection('any')
      await eventually(async () => (await client.connection('any')) !== first, { timeoutMs: 10_000 })
      expect(await client.clusterId()).not.to.equal('')
      expect(first.isConnected()).to.equal(true) // what is in flight on it may end
    } finally {
      await client.close()
    }
  })

  clientsByToken()
  clientsByTls()
  refusedClients()
  securedWorkers()
  revokedUsers()
  securedCommands()
})
