import { Router } from 'express'
import { methodNotAllowed, type RestContext, running } from './context.ts'

/** Clients gate features by the first two numbers: the Kafka Connect that this API is compatible with. */
const COMPATIBLE_WITH = '4.3.1'

/** `/` and `/health`. */
export function rootRoutes(context: RestContext): Router {
  const router = Router({ caseSensitive: true })
  router
    .route('/')
    .get((_request, response) => {
      const { clusterId } = running(context)
      response.json({
        version: `${COMPATIBLE_WITH}-sluice.${context.version}`,
        commit: 'unknown',
        kafka_cluster_id: clusterId,
      })
    })
    .all(methodNotAllowed)
  router
    .route('/health')
    .get((_request, response) => {
      const { code, status, message } = health(context)
      response.status(code).json({ status, message })
    })
    .all(methodNotAllowed)
  return router
}

function health(context: RestContext): { code: number; status: string; message: string } {
  const worker = context.worker()
  if (worker === undefined) return { code: 503, status: 'starting', message: 'Worker is still starting up.' }
  if (!worker.inGroup()) {
    const message =
      'Worker has lost its place in its group and is trying to join again: it may not reach Kafka.'
    return { code: 500, status: 'unhealthy', message }
  }
  const message = 'Worker has completed startup and is ready to handle requests.'
  return { code: 200, status: 'healthy', message }
}
