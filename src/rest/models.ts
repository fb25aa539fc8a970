import { Router } from 'express'
import type { ModelDirectory } from '../worker/model-directory.ts'
import {
  methodNotAllowed,
  pathParameter,
  queryValues,
  refuseOtherQueries,
  type RestContext,
} from './context.ts'
import { HttpError } from './errors.ts'
import { readModelBody, requireModelQuery, requireModelType, sentModel } from './model-body.ts'

/** `/sluice/models`: which there are, and new versions of them. Kafka Connect has nothing like it: docs/rest.md. */
export function modelRoutes({ models: directory }: RestContext): Router {
  const router = Router({ caseSensitive: true })
  const models = (): ModelDirectory => {
    if (directory === undefined) throw new HttpError(404, 'This worker serves no models.')
    return directory
  }
  router
    .route('/sluice/models')
    .get(async (_request, response) => {
      response.json(await models().list())
    })
    .all(methodNotAllowed)
  router
    .route('/sluice/models/:name')
    .get(async (request, response) => {
      refuseOtherQueries(request, ['version'])
      const [version] = queryValues(request, 'version')
      response.json(await models().show(pathParameter(request, 'name'), version))
    })
    .put(requireModelType, requireModelQuery, readModelBody, async (request, response) => {
      const name = pathParameter(request, 'name')
      const [version] = queryValues(request, 'version')
      const added = await models().add({ name, version, ...sentModel(request) })
      response.status(201).json({ name, ...added })
    })
    .delete(async (request, response) => {
      refuseOtherQueries(request, ['version'])
      const [version] = queryValues(request, 'version')
      if (version === undefined) throw new HttpError(400, 'Name the version to remove: ?version=…')
      await models().remove(pathParameter(request, 'name'), version)
      response.status(204).end()
    })
    .all(methodNotAllowed)
  return router
}
