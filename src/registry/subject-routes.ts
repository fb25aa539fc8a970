import { Router } from 'express'
import { schemaNotFound, subjectNotFound } from './errors.ts'
import { flag, methodNotAllowed, parameter, send, sendText } from './http.ts'
import type { Registry } from './registry.ts'
import { isDeletedWanted, schemaOf, shownVersion, versionOf } from './schema-requests.ts'

/** /subjects */
export function subjectRoutes(registry: Registry): Router {
  const router = Router()
  const { state } = registry

  router
    .route('/')
    .get((request, response) => {
      const prefix = request.query['subjectPrefix']
      const isDeletedOnly = flag(request, 'deletedOnly')
      const subjects = state
        .subjects()
        .filter((subject) => typeof prefix !== 'string' || subject.startsWith(prefix.replace(/^:\*:/, '')))
        .filter((subject) => {
          const isLive = registry.liveVersions(subject).length > 0
          return isDeletedOnly ? !isLive : isLive || isDeletedWanted(request)
        })
      send(request, response, subjects)
    })
    .all(methodNotAllowed)

  router
    .route('/:subject')
    .post((request, response) => {
      const subject = parameter(request, 'subject')
      const isDeletedIncluded = isDeletedWanted(request)
      const candidate = registry.parsing.candidate(schemaOf(request), flag(request, 'normalize'))
      const known = isDeletedIncluded ? state.versions(subject) : registry.liveVersions(subject)
      if (known.length === 0) throw subjectNotFound(subject)
      const found = registry.find(subject, candidate, isDeletedIncluded)
      if (found === undefined) throw schemaNotFound()
      send(request, response, shownVersion(found))
    })
    .delete(async (request, response) => {
      const isPermanent = flag(request, 'permanent')
      send(request, response, await registry.deleteSubject(parameter(request, 'subject'), isPermanent))
    })
    .all(methodNotAllowed)

  addVersionRoutes(router, registry)
  return router
}

function addVersionRoutes(router: Router, registry: Registry): void {
  router
    .route('/:subject/versions')
    .get((request, response) => {
      const subject = parameter(request, 'subject')
      const isDeletedOnly = flag(request, 'deletedOnly')
      const isDeletedIncluded = isDeletedOnly || isDeletedWanted(request)
      const versions = isDeletedIncluded ? registry.state.versions(subject) : registry.liveVersions(subject)
      if (versions.length === 0) throw subjectNotFound(subject)
      const shown = versions.filter((entry) => entry.deleted || !isDeletedOnly)
      send(
        request,
        response,
        shown.map((entry) => entry.version),
      )
    })
    .post(async (request, response) => {
      const content = schemaOf(request)
      const subject = parameter(request, 'subject')
      const id = await registry.register(subject, content, flag(request, 'normalize'))
      send(request, response, { id })
    })
    .all(methodNotAllowed)

  router
    .route('/:subject/versions/:version')
    .get((request, response) => {
      send(request, response, shownVersion(versionOf(registry, request, isDeletedWanted(request))))
    })
    .delete(async (request, response) => {
      const { subject, version } = versionOf(registry, request, true)
      const isPermanent = flag(request, 'permanent')
      send(request, response, await registry.deleteVersion(subject, version, isPermanent))
    })
    .all(methodNotAllowed)

  router
    .route('/:subject/versions/:version/schema')
    .get((request, response) => {
      sendText(request, response, versionOf(registry, request, isDeletedWanted(request)).schema)
    })
    .all(methodNotAllowed)

  router
    .route('/:subject/versions/:version/referencedby')
    .get((request, response) => {
      const { subject, version } = versionOf(registry, request, true)
      const live = registry.state.referrers(subject, version).filter((entry) => !entry.deleted)
      const ids = new Set(live.map((entry) => entry.id))
      send(
        request,
        response,
        [...ids].toSorted((a, b) => a - b),
      )
    })
    .all(methodNotAllowed)
}
