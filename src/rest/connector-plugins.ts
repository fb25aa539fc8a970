import { Router } from 'express'
import { NotFoundError } from '../api/errors.ts'
import { connectorClass, pluginKeys, pluginList } from '../worker/plugin-catalogue.ts'
import { jsonBody, stringMap } from './body.ts'
import { herderOf, methodNotAllowed, pathParameter, queryValues, type RestContext } from './context.ts'

/** `/connector-plugins` and what hangs below it. */
export function connectorPluginsRoutes(context: RestContext): Router {
  const router = Router()
  router
    .route('/connector-plugins')
    .get((request, response) => {
      const all = queryValues(request, 'connectorsOnly').some((value) => value.toLowerCase() === 'false')
      response.json(pluginList(!all))
    })
    .all(methodNotAllowed)
  router
    .route('/connector-plugins/:plugin/config')
    .get((request, response) => {
      response.json(pluginKeys(pathParameter(request, 'plugin')))
    })
    .all(methodNotAllowed)
  router
    .route('/connector-plugins/:plugin/config/validate')
    .put(async (request, response) => {
      const plugin = pathParameter(request, 'plugin')
      if (connectorClass(plugin).type === 'unknown')
        throw new NotFoundError('plugin.unknown', `Unknown plugin ${plugin}.`)
      const { check } = herderOf(context)
      response.json(await check.infos(plugin, stringMap(jsonBody(request), 'The configuration')))
    })
    .all(methodNotAllowed)
  return router
}
