import { type Request, Router } from 'express'
import { RequestError } from '../api/errors.ts'
import { levelNameOf, type LevelName, type LoggerLevel } from '../worker/cluster-loggers.ts'
import { jsonBody, nullableStringMap } from './body.ts'
import { herderOf, methodNotAllowed, pathParameter, queryValues, type RestContext } from './context.ts'
import { HttpError } from './errors.ts'

/** `/admin/loggers`: levels of loggers, of this worker (`scope=worker`, which is the default) or of all (`cluster`). */
export function loggerRoutes(context: RestContext): Router {
  const router = Router({ caseSensitive: true })
  router
    .route('/admin/loggers')
    .get((_request, response) => {
      const all = [...herderOf(context).loggers.all()]
      response.json(Object.fromEntries(all.map(([name, level]) => [name, shown(level)])))
    })
    .all(methodNotAllowed)
  router
    .route('/admin/loggers/:logger')
    .get((request, response) => {
      const name = pathParameter(request, 'logger')
      const level = herderOf(context).loggers.get(name)
      if (level === undefined) throw new HttpError(404, `Logger ${name} not found.`)
      response.json(shown(level))
    })
    .put(async (request, response) => {
      const { loggers } = herderOf(context)
      const name = pathParameter(request, 'logger')
      const { text, level } = wanted(request)
      // Kafka Connect takes everything but "cluster" for the worker.
      if (queryValues(request, 'scope')[0]?.toLowerCase() !== 'cluster') {
        response.json(loggers.setHere(name, level))
        return
      }
      await loggers.setEverywhere(name, text)
      response.status(204).end()
    })
    .all(methodNotAllowed)
  return router
}

function wanted(request: Request): { readonly text: string; readonly level: LevelName } {
  const { level: text = null } = nullableStringMap(jsonBody(request), 'The level')
  if (text === null)
    throw new RequestError('request.invalid', "Desired 'level' parameter was not specified in request.")
  const level = levelNameOf(text)
  if (level === undefined) throw new HttpError(404, `invalid log level '${text}'.`)
  return { text, level }
}

function shown({ level, lastModified }: LoggerLevel): object {
  return { level, last_modified: lastModified }
}
