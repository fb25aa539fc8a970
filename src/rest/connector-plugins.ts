import { Router } from 'express'
import { pluginKeys, pluginList } from '../worker/configs/plugin-catalogue.ts'
import { jsonBody, nullableStringMap } from './body.ts'
import { flag, herderOf, methodNotAllowed, pathParameter, queryValues, type RestContext } from './context.ts'

/** `/connector-plugins` and what hangs below it. */
export function connectorPluginsRoutes(context: RestContext): Router {
  const router = Router({ caseSensitive: true })
  router
    .route('/connector-plugins')
    .get((request, response) => {
      // Of a flag, Kafka Connect takes everything but "true" for false.
      const given = queryValues(request, 'connectorsOnly')
      response.json(pluginList(given.length === 0 || flag(request, 'connectorsOnly')))
    })
    .all(methodNotAllowed)
  router
    .route('/connector-plugins/:plugin/config')
    .get((request, response) => {
      const versions = queryValues(request, 'version')
      response.json(pluginKeys(pathParameter(request, 'plugin'), versions[0]))
    })
    .all(methodNotAllowed)
  router
    .route('/connector-plugins/:plugin/config/validate')
    .put(async (request, response) => {
      const plugin = pathParameter(request, 'plugin')
      const { check } = herderOf(context)
      const config = nullableStringMap(jsonBody(request), 'The configuration')
      const infos = check.infos(plugin, config)
      response.json(await infos)
    })
    .all(methodNotAllowed)
  return router
}
