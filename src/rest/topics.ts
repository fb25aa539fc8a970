import { Router } from 'express'
import type { ActiveTopics } from '../worker/active-topics.ts'
import { herderOf, methodNotAllowed, pathParameter, type RestContext } from './context.ts'
import { HttpError } from './errors.ts'

type Topics = Pick<ActiveTopics, 'tracking' | 'list' | 'reset'>

/** `/connectors/{connector}/topics`: which topics a connector uses. A connector that is not there uses none. */
export function topicRoutes(context: RestContext): Router {
  const router = Router({ caseSensitive: true })
  router
    .route('/connectors/:connector/topics')
    .get((request, response) => {
      const name = pathParameter(request, 'connector')
      response.json({ [name]: { topics: tracked(context).list(name) } })
    })
    .all(methodNotAllowed)
  router
    .route('/connectors/:connector/topics/reset')
    .put(async (request, response) => {
      const topics = tracked(context)
      if (!topics.tracking.resettable) throw new HttpError(403, 'Topic tracking reset is disabled.')
      await topics.reset(pathParameter(request, 'connector'))
      response.status(202).end()
    })
    .all(methodNotAllowed)
  return router
}

function tracked(context: RestContext): Topics {
  const { topics } = herderOf(context)
  if (topics.tracking.enabled) return topics
  throw new HttpError(403, 'Topic tracking is disabled.')
}
