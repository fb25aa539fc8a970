import { type AddressInfo, createServer, type Socket } from 'node:net'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { DataError } from '../../../src/index.ts'
import { fetchImage, type FetchRules } from '../../../src/inference/images/fetch-image.ts'
import { picture } from './pictures.ts'

const rules = (port: number): FetchRules => ({
  origins: [`http://images.test:${port}`],
  maxBytes: 100_000,
  timeoutMs: 500,
  resolve: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
  privateAddresses: true,
})

describe('an image of which the body is cut', () => {
  const LENGTHS = ['', 'content-length: 100000\r\n', 'transfer-encoding: chunked\r\n']

  /** A server that sends a head and some bytes, and then ends the connection in its way. */
  async function cutting(head: string, bytes: Buffer, end: (socket: Socket) => void): Promise<string> {
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => {
        const chunk = head.startsWith('transfer') ? `${bytes.length.toString(16)}\r\n` : ''
        socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n${chunk}`)
        socket.write(bytes, () => end(socket))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    try {
      const image = await fetchImage(`http://images.test:${port}/`, rules(port))
      return `whole, ${image.length} bytes`
    } catch (error) {
      expect(error).to.be.instanceOf(DataError)
      return (error as DataError).message
    } finally {
      server.close()
    }
  }

  it('is an error, with a length or chunks and without, however the connection ends', async () => {
    for (const format of ['jpeg', 'png', 'webp'] as const) {
      const file = await picture(64, 64).toFormat(format).toBuffer()
      const cut = file.subarray(0, file.length - 20)
      for (const head of LENGTHS) {
        const ended = await cutting(head, cut, (socket) => socket.end())
        expect(ended, `${format} ${head}`).to.match(
          head === '' ? /closed before the end of the image/ : /aborted/,
        )
        const reset = await cutting(head, cut, (socket) => socket.resetAndDestroy())
        expect(reset, `${format} ${head}`).to.match(/closed before|aborted|reset|hang up/i)
      }
      expect(await cutting('', file, (socket) => socket.end())).to.equal(`whole, ${file.length} bytes`)
    }
  })

  it('is an error where the rest does not come in time, whatever is there already', async () => {
    const file = await picture(64, 64).png().toBuffer()
    for (const bytes of [file, file.subarray(0, -20)]) {
      const open: Socket[] = []
      for (const head of LENGTHS)
        expect(await cutting(head, bytes, (socket) => void open.push(socket))).to.include(
          'did not arrive within 500 ms',
        )
      for (const socket of open) socket.destroy()
    }
  })
})
