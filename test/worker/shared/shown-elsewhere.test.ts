import { expect } from 'chai'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, it } from 'mocha'
import { Peers } from '../../../src/worker/cluster/peers.ts'
import { shownElsewhere, type TaskShown } from '../../../src/worker/shared/shown-elsewhere.ts'
import type { Status } from '../../../src/worker/stores/status-store.ts'

const servers: Server[] = []
afterEach(() => servers.splice(0).forEach((server) => server.close()))

/** A worker that shows these, or has no such route; gives its id. */
async function worker(shown: readonly TaskShown[] | undefined): Promise<string> {
  const server = createServer((request, response) => {
    const found = request.url === '/sluice/connectors/a%2Fb/shown/shadows' && shown !== undefined
    response.statusCode = found ? 200 : 404
    response.end(JSON.stringify(found ? shown : {}))
  })
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

const shows = (task: number): TaskShown => ({ task, transform: 'score', name: 'shadows', figures: [] })
const runs = (...workers: readonly string[]) => ({
  tasks: () =>
    workers.map((workerId, task): [number, Status] => [
      task,
      { state: 'RUNNING', trace: null, reason: null, workerId, generation: 1, version: null },
    ]),
})

const peers = new Peers({
  protocol: 'http',
  tls: { client: () => Promise.reject(new Error('no TLS')) },
  signatures: undefined,
  self: { name: 'here:1', role: 'admin', by: 'worker', address: 'here:1' },
})

describe('what the tasks of a connector show on other workers', () => {
  it('is asked of each worker that runs some, and taken for those that it runs', async () => {
    const [first, second] = [await worker([shows(1), shows(3)]), await worker([shows(2)])]
    const found = await shownElsewhere('a/b', 'shadows', {
      statuses: runs('here:1', first, second, second),
      workerId: 'here:1',
      peers,
    })
    expect(found).to.deep.equal({ shown: [shows(1), shows(2)], unanswered: [] })
  })

  it('is nothing on a worker in Java, and unknown on one that does not answer or has no address', async () => {
    const [java, gone] = [await worker(undefined), await worker([])]
    servers.pop()?.close()
    const wrong = 'elsewhere/path?:80'
    const statuses = runs(java, gone, wrong)
    const found = await shownElsewhere('a/b', 'shadows', { statuses, workerId: 'here:1', peers })
    expect(found).to.deep.equal({ shown: [], unanswered: [gone, wrong] })
  })
})
