import { Router } from 'express'
import { herderOf, methodNotAllowed, pathParameter, type RestContext } from './context.ts'

/** `/sluice/connectors/{connector}/shadows`: models that score beside. Kafka Connect has nothing like it. */
export function shadowRoutes(context: RestContext): Router {
  const router = Router({ caseSensitive: true })
  router
    .route('/sluice/connectors/:connector/shadows')
    .get(async (request, response) => {
      response.json(await herderOf(context).shadows(pathParameter(request, 'connector')))
    })
    .all(methodNotAllowed)
  // Asked by other workers, which add it up.
  router
    .route('/sluice/connectors/:connector/shown/:name')
    .get((request, response) => {
      const [connector, name] = [pathParameter(request, 'connector'), pathParameter(request, 'name')]
      response.json(herderOf(context).shown(connector, name))
    })
    .all(methodNotAllowed)
  return router
}
