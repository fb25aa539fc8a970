import { Router } from 'express'
import type { Request } from 'express'
import { schemaNotFound } from './errors.ts'
import { methodNotAllowed, parameter, send, sendText } from './http.ts'
import type { Registry } from './registry.ts'
import { isDeletedWanted, shownContent } from './schema-requests.ts'
import type { SchemaVersion } from './topic-records.ts'

/** /schemas */
export function schemaRoutes(registry: Registry): Router {
  const router = Router()

  const holders = (request: Request): readonly [SchemaVersion, ...SchemaVersion[]] => {
    const given = parameter(request, 'id')
    const [first, ...others] = /^\d{1,10}$/.test(given) ? registry.state.versionsOfId(Number(given)) : []
    if (first === undefined) throw schemaNotFound(given)
    return [first, ...others]
  }
  const shownHolders = (request: Request) =>
    holders(request).filter((entry) => !entry.deleted || isDeletedWanted(request))

  router
    .route('/types')
    .get((request, response) => send(request, response, ['AVRO']))
    .all(methodNotAllowed)
  router
    .route('/ids/:id')
    .get((request, response) => {
      const [content] = holders(request)
      const maxId = request.query['fetchMaxId'] === 'true' ? { maxId: registry.state.nextId() - 1 } : {}
      send(request, response, { ...shownContent(content), ...maxId })
    })
    .all(methodNotAllowed)
  router
    .route('/ids/:id/schema')
    .get((request, response) => sendText(request, response, holders(request)[0].schema))
    .all(methodNotAllowed)
  router
    .route('/ids/:id/versions')
    .get((request, response) => {
      const shown = shownHolders(request).map(({ subject, version }) => ({ subject, version }))
      send(request, response, shown)
    })
    .all(methodNotAllowed)
  router
    .route('/ids/:id/subjects')
    .get((request, response) => {
      const subjects = new Set(shownHolders(request).map((entry) => entry.subject))
      send(request, response, [...subjects].toSorted())
    })
    .all(methodNotAllowed)
  return router
}
