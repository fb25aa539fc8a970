import express, { type Express, type RequestHandler } from 'express'
import { requireAccess } from './access.ts'
import { auditing } from './audit.ts'
import { readBody } from './body.ts'
import { connectorPluginsRoutes } from './connector-plugins.ts'
import { connectorRoutes } from './connector.ts'
import { connectorsRoutes } from './connectors.ts'
import type { RestContext } from './context.ts'
import { repeatElsewhere } from './forwarding.ts'
import { errorMapper, HttpError, sendError } from './errors.ts'
import { guard } from './guard.ts'
import { internalRoutes } from './internal.ts'
import { loggerRoutes } from './loggers.ts'
import { modelRoutes } from './models.ts'
import { offsetRoutes } from './offsets.ts'
import { rootRoutes } from './root.ts'
import { lagRoutes } from './lag.ts'
import { shadowRoutes } from './shadows.ts'
import { taskRoutes } from './tasks.ts'
import { topicRoutes } from './topics.ts'

/** Kafka Connect's REST API. */
export function createApp(context: RestContext): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  // What workers ask of each other has a signature of its own; everything behind it needs a caller who may.
  app.use(guard(context), timeLimit, internalRoutes(context))
  app.use(auditing(context.audit), requireAccess(context), modelRoutes(context), ...readBody())
  const resources = [
    rootRoutes,
    connectorsRoutes,
    connectorRoutes,
    taskRoutes,
    offsetRoutes,
    topicRoutes,
    connectorPluginsRoutes,
    loggerRoutes,
    shadowRoutes,
    lagRoutes,
  ]
  for (const routes of resources) app.use(routes(context))
  app.use(() => {
    throw new HttpError(404, 'HTTP 404 Not Found')
  })
  app.use(repeatElsewhere(context))
  app.use(errorMapper(context.log))
  return app
}

/** As Kafka Connect's: a change waits for Kafka, and Kafka may be away. */
const REQUEST_LIMIT = 90_000

const timeLimit: RequestHandler = (_request, response, next) => {
  const late = setTimeout(() => {
    if (response.headersSent) return
    sendError(
      response,
      503,
      'Request timed out. The worker may not reach Kafka at the moment; it goes on trying.',
    )
  }, REQUEST_LIMIT)
  response.once('close', () => clearTimeout(late))
  next()
}
