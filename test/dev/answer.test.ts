import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { CommandError } from '../../src/api/errors.ts'
import { textOf } from '../../src/dev/answer.ts'

describe('what sluice dev and the quickstart read of an answer', () => {
  it('ends at 1 MiB where the answer does not end, and is all of it where it does', async () => {
    let sent = 0
    const server = createServer((request, response) => {
      if (request.url === '/short') return void response.end('short')
      const piece = Buffer.alloc(64 * 1024, 'a')
      const more = (): void => {
        do sent += piece.length
        while (response.write(piece))
        response.once('drain', more)
      }
      more()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      expect(await textOf(await fetch(`${url}/short`))).to.equal('short')
      const error: unknown = await textOf(await fetch(`${url}/endless`)).catch((caught: unknown) => caught)
      expect(error).to.be.instanceOf(CommandError)
      expect((error as CommandError).message).to.include('more than 1 MiB')
      expect(sent).to.be.below(24 * 2 ** 20) // what is in sockets was sent, and not read
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })
})
