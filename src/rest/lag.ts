import { type Request, Router } from 'express'
import { RequestError } from '../api/errors.ts'
import {
  herderOf,
  methodNotAllowed,
  pathParameter,
  queryValues,
  refuseOtherQueries,
  type RestContext,
} from './context.ts'

/** `/sluice/lag` and `/sluice/connectors/{connector}/lag`: how far sinks are behind. Kafka Connect has nothing like it. */
export function lagRoutes(context: RestContext): Router {
  const router = Router({ caseSensitive: true })
  router
    .route('/sluice/lag')
    .get(async (request, response) => {
      const { lag } = herderOf(context)
      const connectors = scopeOf(request) === 'worker' ? lag.here() : await lag.everywhere()
      response.json({ connectors })
    })
    .all(methodNotAllowed)
  router
    .route('/sluice/connectors/:connector/lag')
    .get(async (request, response) => {
      const { lag, views } = herderOf(context)
      const name = pathParameter(request, 'connector')
      views.stored(name)
      response.json((await lag.everywhere([name]))[0])
    })
    .all(methodNotAllowed)
  return router
}

function scopeOf(request: Request): 'worker' | 'cluster' {
  refuseOtherQueries(request, ['scope'])
  const [scope = 'cluster'] = queryValues(request, 'scope')
  if (scope === 'worker' || scope === 'cluster') return scope
  throw new RequestError(
    'request.invalid',
    `scope is worker or cluster, not ${JSON.stringify(scope.slice(0, 100))}.`,
  )
}
