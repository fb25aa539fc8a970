import { Router } from 'express'
import type { Request } from 'express'
import { COMPATIBILITY_LEVELS } from './compatibility-levels.ts'
import * as errors from './errors.ts'
import { bodyOf, flag, methodNotAllowed, parameter, send } from './http.ts'
import type { Registry } from './registry.ts'
import { MODES } from './topic-records.ts'

/** /config */
export function configRoutes(registry: Registry): Router {
  const router = Router()
  const levelOf = (request: Request) => {
    const given = bodyOf(request)['compatibility']
    const wanted = typeof given === 'string' ? given.toUpperCase() : ''
    const level = COMPATIBILITY_LEVELS.find((one) => one === wanted)
    if (level === undefined) throw errors.invalidCompatibility(COMPATIBILITY_LEVELS)
    return level
  }

  router
    .route('/')
    .get((request, response) => send(request, response, { compatibilityLevel: registry.levelInScope(null) }))
    .put(async (request, response) => {
      const compatibility = levelOf(request)
      await registry.setLevel(null, compatibility)
      send(request, response, { compatibility })
    })
    .delete(async (request, response) => {
      const compatibilityLevel = registry.levelInScope(null)
      await registry.setLevel(null, null)
      send(request, response, { compatibilityLevel })
    })
    .all(methodNotAllowed)

  router
    .route('/:subject')
    .get((request, response) => {
      const subject = parameter(request, 'subject')
      const own = registry.state.level(subject)
      const level = flag(request, 'defaultToGlobal') ? registry.levelInScope(subject) : own
      if (level === undefined) throw errors.compatibilityNotConfigured(subject)
      send(request, response, { compatibilityLevel: level })
    })
    .put(async (request, response) => {
      const compatibility = levelOf(request)
      await registry.setLevel(parameter(request, 'subject'), compatibility)
      send(request, response, { compatibility })
    })
    .delete(async (request, response) => {
      const subject = parameter(request, 'subject')
      const compatibilityLevel = registry.state.level(subject)
      if (compatibilityLevel === undefined) throw errors.subjectNotFound(subject)
      await registry.setLevel(subject, null)
      send(request, response, { compatibilityLevel })
    })
    .all(methodNotAllowed)
  return router
}

/** /mode */
export function modeRoutes(registry: Registry): Router {
  const router = Router()
  const modeOf = (request: Request) => {
    const given = bodyOf(request)['mode']
    const wanted = typeof given === 'string' ? given.toUpperCase() : ''
    const mode = MODES.find((one) => one === wanted)
    if (mode === undefined) throw errors.invalidMode(MODES)
    return mode
  }

  router
    .route('/')
    .get((request, response) => send(request, response, { mode: registry.modeInScope(null) }))
    .put(async (request, response) => {
      const mode = modeOf(request)
      await registry.setMode(null, mode)
      send(request, response, { mode })
    })
    .all(methodNotAllowed)

  router
    .route('/:subject')
    .get((request, response) => {
      const subject = parameter(request, 'subject')
      const mode = flag(request, 'defaultToGlobal')
        ? registry.modeInScope(subject)
        : registry.state.mode(subject)
      if (mode === undefined) throw errors.modeNotConfigured(subject)
      send(request, response, { mode })
    })
    .put(async (request, response) => {
      const mode = modeOf(request)
      await registry.setMode(parameter(request, 'subject'), mode)
      send(request, response, { mode })
    })
    .delete(async (request, response) => {
      const subject = parameter(request, 'subject')
      const mode = registry.state.mode(subject)
      if (mode === undefined) throw errors.subjectNotFound(subject)
      await registry.setMode(subject, null)
      send(request, response, { mode })
    })
    .all(methodNotAllowed)
  return router
}
