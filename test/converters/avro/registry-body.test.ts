import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { RegistryClient } from '../../../src/converters/avro/registry-client.ts'
import { ConnectError, SILENT } from '../../../src/index.ts'
import { eventually } from '../../support/eventually.ts'

const MIB = 2 ** 20

describe('the body of a schema registry’s answer', () => {
  let server: Server
  let sent = 0
  let closed = 0
  let asked = 0
  /** How many bytes are sent before the connection ends; Infinity: it never does. */
  let length = Infinity
  let head: Readonly<Record<string, string>> = {}

  beforeEach(async () => {
    ;[sent, closed, asked] = [0, 0, 0]
    server = createServer((_, response) => {
      asked++
      response.writeHead(200, head)
      response.write('{"schema":"')
      const piece = Buffer.alloc(64 * 1024, 'a')
      const more = (): void => {
        while (sent < length) {
          sent += piece.length
          if (!response.write(piece)) return void response.once('drain', more)
        }
        response.destroy()
      }
      response.on('close', () => closed++)
      more()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  async function failure(retries: number): Promise<ConnectError> {
    const { port } = server.address() as AddressInfo
    const client = new RegistryClient({
      urls: [`http://127.0.0.1:${port}`],
      userInfo: null,
      retries,
      retryWaitMs: 1,
      timeoutMs: 30_000,
      log: SILENT,
    })
    const error: unknown = await client.schemaById(1).then(
      () => expect.fail('it was taken'),
      (caught: unknown) => caught,
    )
    expect(error).to.be.instanceOf(ConnectError)
    return error as ConnectError
  }

  it('is not read beyond 16 MiB where it never ends: the connection is closed', async () => {
    ;[length, head] = [Infinity, {}]
    const error = await failure(0)
    expect([error.code, error.retriable]).to.deep.equal(['registry.unavailable', true])
    expect(error.message).to.include('more than 16 MiB')
    await eventually(() => expect(closed).to.equal(1))
    expect(asked).to.equal(1)
    // What is on its way in sockets was sent, and not read.
    expect(sent)
      .to.be.above(16 * MIB - 64 * 1024)
      .and.below(40 * MIB)
  })

  it('that is cut is no answer, and is asked for again', async () => {
    for (const given of [{}, { 'content-length': '1000000' }]) {
      ;[length, head, asked, sent] = [100_000, given, 0, 0]
      const error = await failure(1)
      expect([error.code, error.retriable]).to.deep.equal(['registry.unavailable', true])
      expect(error.message).to.include('No answer from the schema registry')
      expect(asked).to.equal(2)
    }
  })
})
