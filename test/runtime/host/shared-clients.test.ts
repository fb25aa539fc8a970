import { expect } from 'chai'
import { describe, it } from 'mocha'
import { SILENT } from '../../../src/api/log.ts'
import { KafkaClient } from '../../../src/kafka/client.ts'
import { SharedClients } from '../../../src/runtime/host/shared-clients.ts'
import { TaskClients } from '../../../src/runtime/host/task-clients.ts'
import { NO_CLIENT_SETTINGS } from '../../../src/runtime/plugins/client-settings.ts'
import { FakeCluster } from '../../kafka/fake-cluster.ts'

class CountedClient extends KafkaClient {
  isClosed = false
  override async close(): Promise<void> {
    this.isClosed = true
    await super.close()
  }
}

describe('clients that the tasks of a host share', () => {
  function clients() {
    const shared = new SharedClients({ clientId: 'host', log: SILENT })
    const opened: CountedClient[] = []
    const take = (settings = '') =>
      shared.take(settings, ({ clientId, log }) => {
        const client = new CountedClient({ bootstrapServers: ['127.0.0.1:1'], clientId, log })
        opened.push(client)
        return client
      })
    return { take, opened }
  }

  it('are one for sixteen tasks', () => {
    const { take, opened } = clients()
    for (let task = 0; task < 33; task++) take()
    expect(opened).to.have.lengthOf(3)
  })

  it('are others for other settings', () => {
    const { take, opened } = clients()
    expect(take('a').client).not.to.equal(take('b').client)
    expect(take('a').client).to.equal(opened[0])
  })

  it('end with the last task that uses them, and give room to others before', async () => {
    const { take, opened } = clients()
    const all = Array.from({ length: 16 }, () => take())
    await all[0]?.release()
    await all[0]?.release()
    expect(take().client, 'a free place').to.equal(opened[0])
    expect(take().client, 'none was free').not.to.equal(opened[0])
    await Promise.all(all.map(({ release }) => release()))
    expect(opened[0]?.isClosed, 'one still uses it').to.equal(false)
    const [again] = [take()]
    expect(again.client).to.equal(opened[0])
  })

  it('are anew after all were given back', async () => {
    const { take, opened } = clients()
    await take().release()
    expect(opened[0]?.isClosed).to.equal(true)
    expect(take().client).not.to.equal(opened[0])
  })

  it('take the short requests of tasks, which have connections of their own for everything else', async () => {
    const cluster = await FakeCluster.start(1, { leaders: [0] })
    const shared = new SharedClients({ clientId: 'host', log: SILENT })
    const task = (n: number) =>
      new TaskClients({
        ...{ config: {}, clients: NO_CLIENT_SETTINGS, bootstrapServers: cluster.bootstrapServers },
        ...{ clientId: `task-${n}`, log: SILENT, shared },
      })
    const tasks = [task(0), task(1)]
    try {
      const [a, b] = tasks.map((each) => each.get('consumer'))
      expect(await a?.connection('any')).to.equal(await b?.connection('any'))
      expect(await a?.connection(0)).to.equal(await b?.connection(0))
      expect(await a?.connection(0, 'fetch')).not.to.equal(await b?.connection(0, 'fetch'))
      await tasks[0]?.close()
      expect(await b?.metadata(['t']), 'the other one goes on').to.have.lengthOf(1)
    } finally {
      await Promise.all(tasks.map((each) => each.close()))
      cluster.stop()
    }
  })
})
