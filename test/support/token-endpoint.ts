import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An identity provider with one client: it gives the token of whoever names id and secret. */
export async function tokenEndpoint(
  tokens: Readonly<Record<string, string>>,
  more: object = { expires_in: 600 },
) {
  const bodies: string[] = []
  const server = createServer((request, response) => {
    const basic = (request.headers.authorization ?? '').replace('Basic ', '')
    const token = tokens[Buffer.from(basic, 'base64').toString()]
    request.on('data', (chunk: Buffer) => bodies.push(chunk.toString()))
    request.on('end', () => {
      response.writeHead(token === undefined ? 401 : 200, { 'content-type': 'application/json' })
      const answer = token === undefined ? { error: 'invalid_client' } : { access_token: token, ...more }
      response.end(JSON.stringify(answer))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/token`,
    bodies,
    [Symbol.asyncDispose]: async () => {
      server.close()
      server.closeAllConnections()
      await Promise.resolve()
    },
  }
}

/** A JWT that is signed by nobody. */
export function unsignedToken(seconds = 600): string {
  const part = (data: unknown): string => Buffer.from(JSON.stringify(data)).toString('base64url')
  const now = Math.floor(Date.now() / 1000)
  return `${part({ alg: 'none' })}.${part({ sub: 'alice', iat: now, exp: now + seconds })}.`
}
