import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { uniqueName } from '../support/eventually.ts'
import { freePort } from '../support/kafka.ts'
import { listeningAddresses } from '../support/listening.ts'
import { sluice } from '../support/process.ts'
import { descendantsOf } from '../support/process-tree.ts'
import { createCopy } from '../support/sluice-dev.ts'
import { fillTopic } from '../support/topics.ts'

describe('sockets that listen', function () {
  this.timeout(240_000)

  it('are on loopback alone: of sluice dev, its broker, registry, worker and task hosts', async () => {
    const dataDir = mkdtempSync(path.join(tmpdir(), 'sluice-listening-'))
    const [kafka, registry, rest] = [await freePort(), await freePort(), await freePort()].map(String)
    const ports = ['--kafka-port', `${kafka}`, '--registry-port', `${registry}`, '--rest-port', `${rest}`]
    const dev = sluice(['dev', '--data-dir', dataDir, ...ports])
    try {
      const ready = (await dev.ready(180_000)) as { rest: string[] }
      const source = uniqueName('listening')
      await fillTopic(`127.0.0.1:${kafka}`, source, 1, [{ key: 'k', value: Buffer.from('v') }])
      await createCopy(ready.rest[0] ?? '', 'copy', { source, target: `${source}-out` })
      const all = [dev.pid, ...descendantsOf(dev.pid).map(({ pid }) => pid)]
      expect(all.length, 'broker, registry, worker and host are processes').to.be.greaterThan(2)
      const addresses = listeningAddresses(all)
      for (const port of [kafka, registry, rest]) expect(addresses).to.include(`127.0.0.1:${port}`)
      expect(addresses.filter((address) => !/^(127\.|\[::1\])/.test(address))).to.eql([])
    } finally {
      dev.signal('SIGTERM')
      await dev.exited
      rmSync(dataDir, { recursive: true, force: true })
    }
  })

  it('would be seen on another address, of IPv6 too', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen({ port: 0, host: '::1' }, resolve))
    const address = server.address()
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0
    expect(listeningAddresses([process.pid])).to.include(`[::1]:${port}`)
    server.close()
  })
})
