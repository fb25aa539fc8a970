import type { NextFunction, Request, Response } from 'express'
import type { Access } from '../access/access.ts'
import { allows, type Role } from '../access/roles.ts'
import { orTooMany } from '../access/too-many.ts'
import { httpError } from './errors.ts'

/** Questions that are asked by POST. */
const QUESTIONS = /^\/(?:subjects\/[^/]+|compatibility\/.+)\/?$/
const REGISTRATION = /^\/subjects\/[^/]+\/versions\/?$/

/** A reader looks schemas up, an operator registers them, and everything else (to delete, levels, modes) is for an admin. */
export function neededRole(method: string, path: string): Role {
  if (['GET', 'HEAD', 'OPTIONS'].includes(method)) return 'reader'
  if (method === 'POST' && QUESTIONS.test(path)) return 'reader'
  return method === 'POST' && REGISTRATION.test(path) ? 'operator' : 'admin'
}

/** Lets requests on whose user is known and has the role that they need. */
export function requireAccess(access: Access) {
  return async (request: Request, response: Response, next: NextFunction): Promise<void> => {
    const { authorization } = request.headers
    const address = request.socket.remoteAddress ?? ''
    const credentials = { authorization, certificate: undefined, address }
    const identity = await orTooMany(access.identify(credentials), response, httpError)
    if (identity === undefined) {
      response.set('WWW-Authenticate', access.challenges)
      throw httpError(401, 'Who are you? Send a user and password that are known here')
    }
    const { name, role } = identity
    const needed = neededRole(request.method, request.path)
    if (!allows(role, needed))
      throw httpError(403, `${JSON.stringify(name)} has the role ${role}; this needs the role ${needed}`)
    next()
  }
}
