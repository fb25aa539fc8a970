import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { SILENT } from '../../src/api/log.ts'
import { createApp } from '../../src/rest/app.ts'
import type { RestContext } from '../../src/rest/context.ts'

type Guarded = Partial<Pick<RestContext, 'hosts' | 'network' | 'members'>>

/** What an API answers that is asked under some names; 503 where it would be served, as no worker runs. */
async function answers(guarded: Guarded, hosts: readonly string[]): Promise<Record<string, number>> {
  const app = createApp({ worker: () => undefined, version: '0', hosts: [], log: SILENT, ...guarded })
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const ask = async (host: string): Promise<[string, number]> => {
    const asked = request({
      port,
      host: '127.0.0.1',
      path: '/connectors',
      headers: { host },
      agent: false,
    }).end()
    const [response] = (await once(asked, 'response')) as [{ statusCode: number; resume(): void }]
    response.resume()
    return [host, response.statusCode]
  }
  try {
    return Object.fromEntries(await Promise.all(hosts.map(ask)))
  } finally {
    server.close()
  }
}

describe('the names under which the REST API is asked', () => {
  it('are this machine’s, those that are configured, and those of the members at present', async () => {
    let members = ['connect-1.internal:8083']
    const guarded = { hosts: ['Connect.internal'], members: () => members }
    const asked = [
      'localhost:1',
      '127.0.0.1',
      '[::1]:8083',
      'connect.INTERNAL:80',
      'connect-1.internal',
      'connect-2.internal',
    ]
    const [open, shut] = [503, 403]
    expect(await answers(guarded, [...asked, 'evil.example'])).to.deep.equal({
      'localhost:1': open,
      '127.0.0.1': open,
      '[::1]:8083': open,
      'connect.INTERNAL:80': open,
      'connect-1.internal': open,
      'connect-2.internal': shut,
      'evil.example': shut,
    })
    members = ['connect-2.internal:8083']
    expect(await answers(guarded, ['connect-1.internal', 'connect-2.internal'])).to.deep.equal({
      'connect-1.internal': shut,
      'connect-2.internal': open,
    })
  })

  it('are any address in numbers where the network may ask, but no other name', async () => {
    const asked = ['10.1.2.3:8083', '[fe80::1]:8083', 'evil.example', '10.1.2.3.evil.example']
    expect(Object.values(await answers({ network: true }, asked))).to.deep.equal([503, 503, 403, 403])
    expect(Object.values(await answers({}, asked))).to.deep.equal([403, 403, 403, 403])
  })
})
