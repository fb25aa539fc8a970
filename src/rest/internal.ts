import express, { type Request, type RequestHandler, type Response, Router } from 'express'
import { RequestError } from '../api/errors.ts'
import { ALGORITHM_HEADER, SIGNATURE_HEADER, type SignatureProblem } from '../worker/cluster/signatures.ts'
import type { WrittenConfig } from '../worker/stores/config-store.ts'
import { requireAccess } from './access.ts'
import { requireJsonType } from './body.ts'
import { herderOf, pathParameter, type RestContext, running } from './context.ts'
import { HttpError } from './errors.ts'

/** The task configs of a connector with thousands of tasks: larger than what a client may send. */
const LARGEST = 32 * 1024 * 1024

/**
 * What workers ask of the leader: to write the task configs that a connector made, and to fence the producers of a source's
 * former tasks. Where all workers know how to, these are signed with the session key of the config topic (KIP-507).
 */
export function internalRoutes(context: RestContext): Router {
  const router = Router({ caseSensitive: true })
  const body = express.raw({ type: () => true, limit: LARGEST })
  const signed: RequestHandler[] = [
    amongWorkers(context),
    unlessSigned(context, requireAccess(context)),
    body,
    requireSignature(context),
  ]
  router.post('/connectors/:connector/tasks', ...signed, async (request, response) => {
    if (bytesOf(request).length > 0) requireJsonType(request)
    await herderOf(context).putTasks(pathParameter(request, 'connector'), taskConfigs(bytesOf(request)))
    response.status(204).end()
  })
  router.put('/connectors/:connector/fence', ...signed, async (request: Request, response: Response) => {
    await herderOf(context).fenceZombies(pathParameter(request, 'connector'))
    response.status(204).end()
  })
  return router
}

/** A standalone worker has no such routes. What is not signed at all is refused before it is read. */
function amongWorkers(context: RestContext): RequestHandler {
  return async (request, _response, next) => {
    const { sessionKeys } = running(context)
    if (sessionKeys === undefined) {
      next('route')
      return
    }
    const problem = await sessionKeys.problemOf({ body: Buffer.alloc(0), ...headersOf(request) })
    if (problem !== undefined && problem !== 'forged') throw refusal(problem, request)
    next()
  }
}

/** In a group whose members do not sign, an admin may ask for it, as for everything else. */
function unlessSigned(context: RestContext, handler: RequestHandler): RequestHandler {
  return (request, response, next) =>
    running(context).sessionKeys?.required === true ? next() : handler(request, response, next)
}

function requireSignature(context: RestContext): RequestHandler {
  return async (request, _response, next) => {
    const { sessionKeys } = running(context)
    const problem = await sessionKeys?.problemOf({ body: bytesOf(request), ...headersOf(request) })
    if (problem !== undefined) throw refusal(problem, request)
    next()
  }
}

function headersOf(request: Request) {
  return { signature: request.get(SIGNATURE_HEADER), algorithm: request.get(ALGORITHM_HEADER) }
}

/** In Kafka Connect's words: its workers log them. */
function refusal(problem: SignatureProblem, request: Request): HttpError {
  const algorithm = request.get(ALGORITHM_HEADER) ?? ''
  const told: Readonly<Record<SignatureProblem, readonly [number, string]>> = {
    unsigned: [400, 'Internal request missing required signature'],
    algorithm: [
      400,
      `This worker does not support the '${algorithm.slice(0, 100)}' key signing algorithm used by other workers. Check that all workers' configuration files permit the same set of signature algorithms (inter.worker.verification.algorithms), and correct any misconfigured worker and restart it.`,
    ],
    'no key': [
      503,
      'This worker is still starting up and has not been able to read a session key from the config topic yet',
    ],
    forged: [403, 'Internal request contained invalid signature.'],
  }
  return new HttpError(...told[problem])
}

function bytesOf({ body }: Request): Buffer {
  const bytes: unknown = body
  return Buffer.isBuffer(bytes) ? bytes : Buffer.alloc(0)
}

function taskConfigs(body: Buffer): WrittenConfig[] {
  let data: unknown
  try {
    data = JSON.parse(body.toString('utf8'))
  } catch {
    throw malformed('it is not valid JSON')
  }
  if (!Array.isArray(data)) throw malformed('it is not a list of task configs')
  return data.map((config: unknown) => {
    if (typeof config !== 'object' || config === null || Array.isArray(config))
      throw malformed('a task config is not an object')
    return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, textOf(key, value)]))
  })
}

function textOf(key: string, value: unknown): string | null {
  if (value === null || typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw malformed(`the value of "${key}" is no text`)
}

function malformed(why: string): RequestError {
  return new RequestError('request.invalid', `The request body cannot be understood: ${why}.`)
}
