import { Router } from 'express'
import type { ModelShelf } from '../worker/model-shelf.ts'
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
export function modelRoutes({ models }: RestContext): Router {
  const router = Router()
  const shelf = (): ModelShelf => {
    if (models === undefined) throw new HttpError(404, 'This worker serves no models.')
    return models
  }
  router
    .route('/sluice/models')
    .get(async (_request, response) => {
      response.json(await shelf().list())
    })
    .all(methodNotAllowed)
  router
    .route('/sluice/models/:name')
    .get(async (request, response) => {
      refuseOtherQueries(request, ['version'])
      const [version] = queryValues(request, 'version')
      response.json(await shelf().show(pathParameter(request, 'name'), version))
    })
    .put(requireModelType, requireModelQuery, readModelBody, async (request, response) => {
      const name = pathParameter(request, 'name')
      const [version] = queryValues(request, 'version')
      const added = await shelf().add({ name, version, ...sentModel(request) })
      response.status(201).json({ name, ...added })
    })
    .all(methodNotAllowed)
  return router
}
