import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import { once } from 'node:events'
import { CommandError, messageOf } from '../api/errors.ts'
import type { ListenerTls } from '../worker/settings/listener-tls.ts'
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
const HANDSHAKE_TIMEOUT = 10_000
const CLOSE_GRACE = 1_000
/** How soon a renewed certificate is used. */
const LOOK_INTERVAL = 5_000

async function serverOf({ tls }: Listener, context: RestContext): Promise<Server> {
  const app = createApp(context)
  const times = {
    headersTimeout: HEADERS_TIMEOUT,
    requestTimeout: REQUEST_TIMEOUT,
    connectionsCheckingInterval: 1_000,
  }
  if (tls === undefined) return createServer(times, app)
  const server = createTlsServer(
    {
      ...times,
      ...(await tls.server()),
      handshakeTimeout: HANDSHAKE_TIMEOUT,
      requestCert: tls.clientAuth !== 'none',
      rejectUnauthorized: tls.clientAuth === 'required',
    },
    app,
  )
  server.on('tlsClientError', (error) => {
    context.log.debug('a client did not come through TLS', { error: messageOf(error) })
  })
  renewing(server, tls, context)
  return server
}

/** Certificates are renewed while a worker runs. A file that cannot be used leaves the one before. */
function renewing(server: TlsServer, tls: ListenerTls, { log }: RestContext): void {
  let [used, refused] = [undefined as object | undefined, '']
  const look = async (): Promise<void> => {
    try {
      const options = await tls.server()
      if (used !== undefined && options !== used) {
        server.setSecureContext(options)
        log.info('the certificate of the REST API was read anew')
      }
      ;[used, refused] = [options, '']
    } catch (error) {
      if (messageOf(error) === refused) return
      refused = messageOf(error)
      log.error('the certificate of the REST API cannot be read; the one before stays', { error: refused })
    }
  }
  void look()
  const timer = setInterval(() => void look(), LOOK_INTERVAL).unref()
  server.once('close', () => clearInterval(timer))
}

/**
 * Serves the REST API. It answers from the first moment on, `/health` with 503 while the worker starts.
 * @throws CommandError where the port is taken, ConfigError where its certificate cannot be used
 */
export async function startRest(listener: Listener, context: RestContext): Promise<RestServer> {
  const server = await serverOf(listener, context)
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
