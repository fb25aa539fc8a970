import express, { type RequestHandler, Router } from 'express'
import { ModelError } from '../api/errors.ts'
import type { ModelShelf } from '../worker/model-shelf.ts'
import { methodNotAllowed, pathParameter, queryValues, type RestContext } from './context.ts'
import { HttpError } from './errors.ts'

const LARGEST = 64 * 2 ** 20

/** `/sluice/models`: which there are, and new versions of them. Kafka Connect has nothing like it. */
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
    .put(requireBytes, express.raw({ type: () => true, limit: LARGEST }), async (request, response) => {
      const name = pathParameter(request, 'name')
      const body: unknown = request.body
      if (!Buffer.isBuffer(body) || body.length === 0)
        throw new HttpError(400, 'The body is empty: it must be the model file.')
      const [version] = queryValues(request, 'version')
      const [file = ''] = queryValues(request, 'file')
      const added = shelf().add({ name, version, file, bytes: body })
      const taken = await added.catch((error: unknown) => {
        throw error instanceof ModelError ? new HttpError(400, error.message) : error
      })
      response.status(201).json({ name, version: taken })
    })
    .all(methodNotAllowed)
  return router
}

/** A page of another origin can send some types without being asked; not this one. */
const requireBytes: RequestHandler = (request, _response, next) => {
  const [type = ''] = (request.get('content-type') ?? '').toLowerCase().split(';')
  if (type.trim() !== 'application/octet-stream')
    throw new HttpError(415, 'The body must be a model file, with Content-Type: application/octet-stream.')
  next()
}
