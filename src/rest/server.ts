import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import { CommandError, messageOf } from '../api/errors.ts'
import type { Listener } from '../worker/settings/listener.ts'
import { createApp } from './app.ts'
import type { RestContext } from './context.ts'

export interface RestServer {
  readonly port: number
  /** Takes no new requests; waits a moment for those under way. */
  close(): Promise<void>
}

const HEADERS_TIMEOUT = 10_000
const REQUEST_TIMEOUT = 30_000
const CLOSE_GRACE = 1_000

/**
 * Serves the REST API. It answers from the first moment on, `/health` with 503 while the worker starts.
 * @throws CommandError where the port is taken
 */
export async function startRest(listener: Listener, context: RestContext): Promise<RestServer> {
  const server = createServer(
    { headersTimeout: HEADERS_TIMEOUT, requestTimeout: REQUEST_TIMEOUT, connectionsCheckingInterval: 1_000 },
    createApp(context),
  )
  // Without a host it listens on every address, of IPv6 too.
  if (listener.host === '') server.listen(listener.port)
  else server.listen(listener.port, listener.host)
  try {
    await once(server, 'listening')
  } catch (error) {
    throw portError(listener, error)
  }
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : listener.port
  return { port, close: () => close(server) }
}

function portError({ host, port }: Listener, error: unknown): CommandError {
  const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
  return taken
    ? new CommandError('dev.port', `Port ${port} on ${host} is taken`, {
        cause: error,
        suggestion: 'stop what listens there, or choose another port with the setting "listeners"',
      })
    : new CommandError('dev.start', `The REST API cannot listen on ${host}:${port}: ${messageOf(error)}`, {
        cause: error,
      })
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeIdleConnections()
  const late = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE)
  await closed
  clearTimeout(late)
}
