import { expect } from 'chai'
import { describe, it } from 'mocha'
import net from 'node:net'
import { SILENT } from '../../../src/index.ts'
import { NO_CLIENT_SETTINGS } from '../../../src/runtime/plugins/client-settings.ts'
import { matchingTopics } from '../../../src/runtime/sink/matching-topics.ts'
import { freePort } from '../../../src/dev/ports.ts'

const matching = (port: number) =>
  matchingTopics(
    { bootstrapServers: [`127.0.0.1:${port}`], clientId: 'test', clients: NO_CLIENT_SETTINGS },
    { 'topics.regex': '.*' },
    SILENT,
  )

describe('the topics that a pattern matches', () => {
  it('are none where no Kafka is', async () => {
    expect(await matching(await freePort())).to.deep.equal([])
  })

  it('are none where Kafka says nothing, without waiting for it long', async () => {
    const sockets: net.Socket[] = []
    const server = net.createServer((socket) => sockets.push(socket))
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as net.AddressInfo).port))
    })
    try {
      expect(await matching(port)).to.deep.equal([])
      expect(sockets).to.have.length(1)
    } finally {
      for (const socket of sockets) socket.destroy()
      server.close()
    }
  })
})
