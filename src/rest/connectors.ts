import { type Request, Router } from 'express'
import { NotFoundError, RequestError } from '../api/errors.ts'
import { type TargetState, targetOf } from '../worker/stores/config-state.ts'
import type { ConnectorViews } from '../worker/connector-views.ts'
import { jsonBody, stringMap } from './body.ts'
import { herderOf, locate, methodNotAllowed, queryValues, type RestContext } from './context.ts'

/** `/connectors`. */
export function connectorsRoutes(context: RestContext): Router {
  const router = Router({ caseSensitive: true })
  router
    .route('/connectors')
    .get((request, response) => {
      const { views } = herderOf(context)
      const expand = queryValues(request, 'expand')
      response.json(expand.length === 0 ? views.names() : expanded(views, new Set(expand)))
    })
    .post(async (request, response) => {
      const herder = herderOf(context)
      const { name, config, target } = creation(request)
      const info = await herder.create(name, config, target)
      locate(request, response, name)
      response.status(201).json(info)
    })
    .all(methodNotAllowed)
  return router
}

/** All connectors at once; unknown expansions are ignored, as in Kafka Connect. */
function expanded(views: ConnectorViews, expand: ReadonlySet<string>): Record<string, object> {
  const entries: [string, object][] = []
  for (const name of views.names()) {
    try {
      const parts = {
        ...(expand.has('status') ? { status: views.status(name) } : {}),
        ...(expand.has('info') ? { info: views.info(name) } : {}),
      }
      entries.push([name, parts])
    } catch (error) {
      // It was deleted meanwhile, or is so new that it has no status yet.
      if (!(error instanceof NotFoundError)) throw error
    }
  }
  return Object.fromEntries(entries)
}

interface Creation {
  readonly name: string
  readonly config: Record<string, string>
  readonly target: TargetState | undefined
}

function creation(request: Request): Creation {
  const body = jsonBody(request)
  const unknown = Object.keys(body).find((key) => !['name', 'config', 'initial_state'].includes(key))
  if (unknown !== undefined) {
    const message = `Unrecognized field "${unknown}": a connector has name, config and initial_state.`
    throw new RequestError('request.invalid', message)
  }
  const { name, initial_state: state } = body
  if (typeof name !== 'string' || name.trim() === '')
    throw new RequestError('request.invalid', 'name must be the connector’s name, a text that is not empty.')
  const config = stringMap(body['config'], 'config')
  if (state === undefined || state === null) return { name: name.trim(), config, target: undefined }
  const target = targetOf(state)
  if (target === undefined)
    throw new RequestError('request.invalid', 'initial_state must be RUNNING, PAUSED or STOPPED.')
  return { name: name.trim(), config, target }
}
