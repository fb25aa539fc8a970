import { isIP } from 'node:net'
import { hostname } from 'node:os'
import type { NextFunction, Request, Response } from 'express'
import { httpError, RegistryError } from './errors.ts'
import { isRecord } from './topic-records.ts'
import type { JsonRecord } from './topic-records.ts'
import { messageOf, UnavailableError } from '../api/errors.ts'
import { hostInHeader, isLoopback } from '../api/hosts.ts'
import type { Logger } from '../api/log.ts'

/** In the order in which the registry likes to write them. */
export const CONTENT_TYPES = [
  'application/vnd.schemaregistry.v1+json',
  'application/vnd.schemaregistry+json',
  'application/json',
]

/**
 * Against DNS rebinding: a page of another origin cannot name the registry by a host of its own. An address in numbers is
 * nothing that DNS gives to a page, so where other machines may ask, each is taken.
 */
export function refuseForeignHosts({ host: listensOn = '127.0.0.1', allowedHosts = [] }: Reached) {
  const isLocal = isLoopback(listensOn)
  const names = isLocal ? [] : [listensOn, hostname(), ...allowedHosts]
  const known = names.map((name) => name.toLowerCase())
  return (request: Request, _response: Response, next: NextFunction): void => {
    const host = hostInHeader(request.headers.host ?? '')
    const isAddress = !isLocal && isIP(host) !== 0
    if (isLoopback(host) || isAddress || known.includes(host)) next()
    else next(httpError(403, isLocal ? LOCAL_ONLY : OTHER_NAME))
  }
}

interface Reached {
  readonly host?: string
  readonly allowedHosts?: readonly string[]
}

const LOCAL_ONLY =
  'The Host header must name localhost or 127.0.0.1; this registry serves its own machine only'
const OTHER_NAME =
  'The Host header names no host of this registry; name it with --allowed-hosts, or use its address'

/** Against cross-site requests: a browser sends no such type to another origin without asking first. */
export function refuseOtherTypes(request: Request, _response: Response, next: NextFunction): void {
  const hasBody = request.headers['content-length'] !== '0' && request.is('*/*') !== null
  if (!hasBody || request.is([...CONTENT_TYPES, 'application/octet-stream']) !== false) next()
  else next(httpError(415, `Send the body as ${CONTENT_TYPES.join(' or ')}`))
}

export function send(request: Request, response: Response, body: unknown): void {
  sendText(request, response, JSON.stringify(body))
}

export function sendText(request: Request, response: Response, text: string): void {
  const accepted = request.accepts(CONTENT_TYPES)
  response.set('Content-Type', accepted === false ? CONTENT_TYPES[0] : accepted).send(text)
}

/** The JSON object that a request carries. */
export function bodyOf(request: Request): JsonRecord {
  const text: unknown = request.body
  let body: unknown
  try {
    body = JSON.parse(typeof text === 'string' ? text.replace(/^\uFEFF/, '') : '')
  } catch (error) {
    throw httpError(400, `The request body is not valid JSON: ${messageOf(error)}`)
  }
  if (!isRecord(body)) throw httpError(400, 'The request body must be a JSON object')
  return body
}

/** A path parameter. */
export function parameter(request: Request, name: string): string {
  const value = request.params[name]
  return typeof value === 'string' ? value : ''
}

/** Whether a query parameter is set to true. */
export function flag(request: Request, name: string): boolean {
  const value = request.query[name]
  return typeof value === 'string' && value.toLowerCase() === 'true'
}

export function methodNotAllowed(request: Request): void {
  throw httpError(405, `HTTP 405 Method Not Allowed: ${request.method}`)
}

export function notFound(): void {
  throw httpError(404, 'HTTP 404 Not Found')
}

/** Every error becomes `{"error_code", "message"}`; only what the registry could not foresee is logged. */
export function errorResponse(log: Logger) {
  return (error: unknown, request: Request, response: Response, next: NextFunction): void => {
    if (response.headersSent) {
      next(error)
      return
    }
    const known = knownError(error)
    if (known === undefined || known.status >= 500) {
      log.error('request failed', { method: request.method, path: request.path, error: messageOf(error) })
    }
    response.status(known?.status ?? 500)
    send(request, response, {
      error_code: known?.errorCode ?? 500,
      message: known?.message ?? 'Internal Server Error; see the log of the registry',
    })
  }
}

/** express and its body parser throw errors with a status, e.g. 413. */
function knownError(error: unknown): RegistryError | undefined {
  if (error instanceof RegistryError) return error
  if (error instanceof UnavailableError) return httpError(503, error.message)
  const status: unknown = error instanceof Error && 'status' in error ? error.status : undefined
  if (typeof status !== 'number' || status < 400 || status > 499) return undefined
  return httpError(status, messageOf(error))
}
