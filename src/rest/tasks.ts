import { Router } from 'express'
import { herderOf, methodNotAllowed, pathParameter, type RestContext, taskNumber } from './context.ts'

/** `/connectors/{connector}/tasks` and what hangs below it. */
export function taskRoutes(context: RestContext): Router {
  const router = Router({ caseSensitive: true })
  router
    .route('/connectors/:connector/tasks')
    .get((request, response) => {
      response.json(herderOf(context).views.taskConfigs(pathParameter(request, 'connector')))
    })
    .all(methodNotAllowed)
  router
    .route('/connectors/:connector/tasks/:task/status')
    .get((request, response) => {
      const { views } = herderOf(context)
      response.json(views.taskStatus(pathParameter(request, 'connector'), taskNumber(request)))
    })
    .all(methodNotAllowed)
  router
    .route('/connectors/:connector/tasks/:task/restart')
    .post(async (request, response) => {
      await herderOf(context).restartTask(pathParameter(request, 'connector'), taskNumber(request))
      response.status(204).end()
    })
    .all(methodNotAllowed)
  return router
}
