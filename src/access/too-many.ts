import type { ServerResponse } from 'node:http'
import { TooManyAttempts } from './access.ts'

/**
 * Waits for who is asking, and answers 429 with Retry-After where too many wrong credentials came from his address.
 *
 * @param httpError makes the error that the server answers with
 */
export async function orTooMany<T>(
  identity: Promise<T>,
  response: ServerResponse,
  httpError: (status: number, message: string) => Error,
): Promise<T> {
  try {
    return await identity
  } catch (error) {
    if (!(error instanceof TooManyAttempts)) throw error
    response.setHeader('Retry-After', String(error.wait))
    throw httpError(429, error.message)
  }
}
