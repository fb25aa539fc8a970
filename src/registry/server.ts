import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import type { Express } from 'express'
import type { Access } from '../access/access.ts'
import { CommandError, messageOf } from '../api/errors.ts'
import { hostInUrl } from '../api/hosts.ts'
import type { Logger } from '../api/log.ts'
import { KafkaClient } from '../kafka/client.ts'
import { requireAccess } from './access.ts'
import { compatibilityRoutes } from './compatibility-routes.ts'
import { errorResponse, notFound, refuseForeignHosts, refuseOtherTypes, send } from './http.ts'
import { Registry } from './registry.ts'
import { kafkaSchemaLog } from './schema-log.ts'
import type { OpenSchemaLog } from './schema-log.ts'
import { schemaRoutes } from './schema-routes.ts'
import { configRoutes, modeRoutes } from './setting-routes.ts'
import { subjectRoutes } from './subject-routes.ts'

const LOOPBACK = '127.0.0.1'
const BODY_LIMIT = '1mb'

export interface RegistryServer {
  /** e.g. `http://127.0.0.1:8081` */
  readonly url: string
  readonly port: number
  /** Ends open requests and closes the log. */
  close(): Promise<void>
}

/** Who reaches it, and who of them may ask. */
export interface RegistryAccess {
  /** The address to listen on. Default: 127.0.0.1. */
  readonly host?: string
  /** Names by which it is asked, besides addresses in numbers; of another address than loopback. */
  readonly allowedHosts?: readonly string[]
  /** Absent: whoever reaches it may do everything. */
  readonly access?: Access
}

export interface RegistryOptions extends RegistryAccess {
  readonly bootstrapServers: readonly string[]
  readonly topic: string
  /** 0 picks a free one. */
  readonly port: number
  readonly log: Logger
}

/** Starts a registry on a Kafka topic; resolves when it answers. Throws CommandError where the port is taken. */
export async function startRegistry(options: RegistryOptions): Promise<RegistryServer> {
  const { bootstrapServers, topic, port, log } = options
  const client = new KafkaClient({ bootstrapServers, clientId: 'sluice-registry', log })
  try {
    const server = await serveRegistry(kafkaSchemaLog(client, topic, log), port, log, options)
    return {
      ...server,
      close: async () => {
        await server.close()
        await client.close()
      },
    }
  } catch (error) {
    await client.close()
    throw error
  }
}

/** The same on any log. */
export async function serveRegistry(
  openLog: OpenSchemaLog,
  port: number,
  log: Logger,
  reached: RegistryAccess = {},
): Promise<RegistryServer> {
  const { host = LOOPBACK } = reached
  const registry = await Registry.open(openLog, log)
  const app = registryApp(registry, log, reached)
  const server = createServer({ requestTimeout: 60_000, headersTimeout: 20_000 }, app)
  try {
    await listen(server, port, host)
  } catch (error) {
    await registry.close()
    throw error
  }
  const address = server.address() as AddressInfo
  return {
    url: `http://${hostInUrl(host)}:${address.port}`,
    port: address.port,
    close: async () => {
      const isClosed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await isClosed
      await registry.close()
    },
  }
}

/** Confluent's REST API; every error is `{"error_code", "message"}`. No CORS. */
export function registryApp(registry: Registry, log: Logger, reached: RegistryAccess = {}): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.use(refuseForeignHosts(reached))
  if (reached.access !== undefined) app.use(requireAccess(reached.access))
  app.use(refuseOtherTypes, express.text({ type: () => true, limit: BODY_LIMIT }))
  app.get('/', (request, response) => send(request, response, {}))
  app.use('/subjects', subjectRoutes(registry))
  app.use('/schemas', schemaRoutes(registry))
  app.use('/config', configRoutes(registry))
  app.use('/mode', modeRoutes(registry))
  app.use('/compatibility', compatibilityRoutes(registry))
  app.use(notFound)
  app.use(errorResponse(log))
  return app
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const isTaken = error.code === 'EADDRINUSE'
      const message = isTaken
        ? `Port ${port} is taken; stop what listens there, or choose another port for the schema registry`
        : `The schema registry cannot listen on ${host}:${port}: ${messageOf(error)}`
      reject(new CommandError(isTaken ? 'dev.port' : 'dev.start', message, { cause: error }))
    })
    server.listen(port, host, () => resolve())
  })
}
