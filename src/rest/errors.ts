import type { NextFunction, Request, Response } from 'express'
import { withoutCredentials } from '../api/credentials.ts'
import {
  ConfigError,
  ConflictError,
  type ConnectError,
  messageOf,
  ModelError,
  NotFoundError,
  OperationError,
  RequestError,
  UnavailableError,
} from '../api/errors.ts'
import type { Logger } from '../api/log.ts'

/** An error of HTTP itself, with its code: the only place besides `httpCode` where codes live. */
export class HttpError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.name = 'HttpError'
    this.status = status
  }
}

const CODES: readonly [abstract new (...args: never[]) => ConnectError, number][] = [
  [ConfigError, 400],
  [RequestError, 400],
  [ModelError, 400],
  [NotFoundError, 404],
  [ConflictError, 409],
  [UnavailableError, 503],
]

/** Errors above 500 whose words are for whoever asked. */
const SHOWN = [UnavailableError, OperationError, HttpError]

function httpCode(error: unknown): number {
  if (error instanceof HttpError) return error.status
  const known = CODES.find(([kind]) => error instanceof kind)
  if (known !== undefined) return known[1]
  // Express and body reading mark what the client did wrong with a 4xx status.
  const status = error instanceof Error && 'status' in error ? error.status : undefined
  return typeof status === 'number' && status >= 400 && status < 500 ? status : 500
}

/** The body of every error: Kafka Connect's. Stack traces and secrets of URLs are never part of it. */
export function sendError(response: Response, code: number, message: string): void {
  response.status(code).json({ error_code: code, message: withoutCredentials(message) })
}

/** Turns whatever a route threw into an answer. What we did not foresee is logged and says nothing of our insides. */
export function errorMapper(log: Logger) {
  // Express knows an error handler by its four parameters.
  return (error: unknown, request: Request, response: Response, next: NextFunction): void => {
    if (response.headersSent) {
      // The time limit had answered already: there is nobody left to tell.
      if (!response.writableEnded) next(error)
      return
    }
    const code = httpCode(error)
    if (code === 503 || code === 409) response.set('Retry-After', '1')
    if (code < 500 || SHOWN.some((kind) => error instanceof kind)) {
      sendError(response, code, messageOf(error))
      return
    }
    log.error('a request failed', { method: request.method, path: request.path, error })
    sendError(response, code, 'The worker could not handle the request; its log says why.')
  }
}
