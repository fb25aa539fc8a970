import { Router } from 'express'
import type { Request, Response } from 'express'
import { flag, methodNotAllowed, parameter, send } from './http.ts'
import type { Registry } from './registry.ts'
import { isLatest, schemaOf, versionOf } from './schema-requests.ts'
import type { SchemaVersion } from './topic-records.ts'

/** /compatibility */
export function compatibilityRoutes(registry: Registry): Router {
  const router = Router()

  const check = (request: Request, response: Response, earlier: readonly SchemaVersion[]) => {
    const subject = parameter(request, 'subject')
    const candidate = registry.parsing.candidate(schemaOf(request), flag(request, 'normalize'))
    const messages = registry.compare(subject, candidate, earlier)
    const verbose = flag(request, 'verbose') ? { messages } : {}
    send(request, response, { is_compatible: messages.length === 0, ...verbose })
  }

  router
    .route('/subjects/:subject/versions')
    .post((request, response) =>
      check(request, response, registry.liveVersions(parameter(request, 'subject'))),
    )
    .all(methodNotAllowed)
  router
    .route('/subjects/:subject/versions/:version')
    .post((request, response) => {
      // The first schema of a subject is compatible with the latest of none, as Confluent has it.
      const isFirst = registry.liveVersions(parameter(request, 'subject')).length === 0
      const isAny = isFirst && isLatest(parameter(request, 'version'))
      check(request, response, isAny ? [] : [versionOf(registry, request, false)])
    })
    .all(methodNotAllowed)
  return router
}
