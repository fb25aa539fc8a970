import { Router } from 'express'
import { jsonBody, nullableStringMap, stringMap } from './body.ts'
import { flag, herderOf, locate, methodNotAllowed, pathParameter, type RestContext } from './context.ts'

/** `/connectors/{connector}` and what hangs below it, but for its tasks. */
export function connectorRoutes(context: RestContext): Router {
  const router = Router({ caseSensitive: true })
  router
    .route('/connectors/:connector')
    .get((request, response) => {
      response.json(herderOf(context).views.info(pathParameter(request, 'connector')))
    })
    .delete(async (request, response) => {
      await herderOf(context).remove(pathParameter(request, 'connector'))
      response.status(204).end()
    })
    .all(methodNotAllowed)
  router
    .route('/connectors/:connector/status')
    .get((request, response) => {
      response.json(herderOf(context).views.status(pathParameter(request, 'connector')))
    })
    .all(methodNotAllowed)
  configRoute(router, context)
  stateRoutes(router, context)
  return router
}

function configRoute(router: Router, context: RestContext): void {
  router
    .route('/connectors/:connector/config')
    .get((request, response) => {
      response.json(herderOf(context).views.info(pathParameter(request, 'connector')).config)
    })
    .put(async (request, response) => {
      const herder = herderOf(context)
      const name = pathParameter(request, 'connector')
      const { created, info } = await herder.put(name, stringMap(jsonBody(request), 'The configuration'))
      if (created) locate(request, response, name)
      response.status(created ? 201 : 200).json(info)
    })
    .patch(async (request, response) => {
      const herder = herderOf(context)
      const changes = nullableStringMap(jsonBody(request), 'The changes')
      response.json(await herder.patch(pathParameter(request, 'connector'), changes))
    })
    .all(methodNotAllowed)
}

function stateRoutes(router: Router, context: RestContext): void {
  const states = [
    ['pause', 202],
    ['resume', 202],
    ['stop', 204],
  ] as const
  for (const [action, code] of states) {
    router
      .route(`/connectors/:connector/${action}`)
      .put(async (request, response) => {
        await herderOf(context)[action](pathParameter(request, 'connector'))
        response.status(code).end()
      })
      .all(methodNotAllowed)
  }
  router
    .route('/connectors/:connector/restart')
    .post(async (request, response) => {
      const name = pathParameter(request, 'connector')
      const [includeTasks, onlyFailed] = [flag(request, 'includeTasks'), flag(request, 'onlyFailed')]
      const plan = await herderOf(context).restart(name, includeTasks, onlyFailed)
      if (plan === undefined) response.status(204).end()
      else response.status(202).json(plan)
    })
    .all(methodNotAllowed)
}
