import { Router } from 'express'
import { herderOf, methodNotAllowed, pathParameter, type RestContext } from './context.ts'

/** `/sluice/connectors/{connector}/shadows`: models that score beside. Kafka Connect has nothing like it. */
export function shadowRoutes(context: RestContext): Router {
  const router = Router({ caseSensitive: true })
  router
    .route('/sluice/connectors/:connector/shadows')
    .get((request, response) => {
      response.json(herderOf(context).shadows(pathParameter(request, 'connector')))
    })
    .all(methodNotAllowed)
  return router
}
