import { TaskError } from '../../api/errors.ts'

/** What a registry, or what stands in its place, answered. */
export interface Answer {
  readonly status: number
  readonly body: unknown
}

/** Subject, version or schema not found: answers of a registry. A 404 of a proxy, or of a wrong path, is none. */
const NOT_FOUND = new Set([40401, 40402, 40403])
/** Final without looking at the body: wrong credentials, and a schema that is refused. */
const FINAL = new Set([200, 401, 403, 409, 422])
/** Client errors that time may fix. */
const PASSING = new Set([404, 408, 429])

/** What came is not what a schema registry answers: it may be away, and something else there in its place. */
export class NoAnswer extends Error {}

export function isNotFound({ status, body }: Answer): boolean {
  return status === 404 && NOT_FOUND.has(errorCodeOf(body) ?? 0)
}

export function isOfRegistry(answer: Answer): boolean {
  const { status, body } = answer
  if (FINAL.has(status) || isNotFound(answer)) return true
  return status >= 400 && status < 500 && !PASSING.has(status) && errorCodeOf(body) !== undefined
}

function errorCodeOf(body: unknown): number | undefined {
  if (typeof body !== 'object' || body === null || !('error_code' in body)) return undefined
  return typeof body.error_code === 'number' ? body.error_code : undefined
}

export function expected(answer: Answer, what: string): object {
  const { status, body } = answer
  if (status === 401 || status === 403) {
    throw new TaskError(
      'registry.denied',
      `The schema registry refused to ${what} (${status}): check basic.auth.user.info and the user's rights.`,
    )
  }
  if (status !== 200)
    throw new TaskError(
      'schema.invalid',
      `The schema registry did not ${what} (${status}): ${reason(answer)}.`,
    )
  if (typeof body === 'object' && body !== null) return body
  throw new NoAnswer('HTTP 200 with a body that is not the JSON of a schema registry')
}

export function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text.slice(0, 200)
  }
}

export function idOf(body: object): number {
  const { id } = body as { id?: unknown }
  if (typeof id === 'number' && Number.isInteger(id)) return id
  throw new NoAnswer('an answer without a schema id')
}

export function reason({ body }: Answer): string {
  if (typeof body === 'object' && body !== null && 'message' in body && typeof body.message === 'string') {
    return body.message.slice(0, 2000)
  }
  return typeof body === 'string' && body !== '' ? body : 'it gave no reason'
}
