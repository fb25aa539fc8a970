import { setTimeout as delay } from 'node:timers/promises'
import { ConnectError, messageOf, TaskError, UnavailableError } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import { readBody } from '../../api/read-body.ts'
import type { SchemaReference } from './writer-schema.ts'

export interface RegistryOptions {
  /** Base URLs; the next one is tried where one does not answer. */
  readonly urls: readonly string[]
  /** `user:password`; null for none, or for credentials that the URLs carry. */
  readonly userInfo: string | null
  /** How often a request is repeated when no URL gave an answer. */
  readonly retries: number
  /** The first wait between repetitions; it doubles, with jitter. */
  readonly retryWaitMs: number
  readonly timeoutMs: number
  readonly log: Logger
}

/** A schema as the registry holds it. */
export interface RegisteredSchema {
  readonly schema: string
  readonly schemaType?: string
  readonly references?: readonly SchemaReference[]
}

interface Endpoint {
  readonly base: string
  readonly authorization: string | null
}

interface Answer {
  readonly status: number
  readonly body: unknown
}

const MAX_WAIT_MS = 10_000
/** Registries keep a schema in one record of Kafka, which is rarely above 1 MiB, and answer with its JSON escaped. */
const LARGEST_ANSWER = 16 * 2 ** 20
const HASTY_MS = 2_000
const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json'

/**
 * What a converter asks of a schema registry, by Confluent's REST API. No answer, a server error or 429 is repeated
 * with back-off, and then an UnavailableError: it hurts the task, never a record. Credentials are in no message.
 */
export class RegistryClient {
  readonly #options: RegistryOptions
  readonly #endpoints: readonly Endpoint[]
  /** The endpoint that answered last. */
  #preferred = 0

  constructor(options: RegistryOptions) {
    this.#options = options
    this.#endpoints = options.urls.map((url) => endpoint(url, options.userInfo))
  }

  /** The same registry, for questions that can stay without an answer: nothing is repeated, no request takes long. */
  hasty(): RegistryClient {
    const { timeoutMs } = this.#options
    return new RegistryClient({ ...this.#options, retries: 0, timeoutMs: Math.min(timeoutMs, HASTY_MS) })
  }

  /** A schema by id; null where the registry does not know it. */
  async schemaById(id: number): Promise<RegisteredSchema | null> {
    return this.#schema(`/schemas/ids/${id}`)
  }

  /** A version of a subject; null where the registry does not know it. */
  async schemaVersion(subject: string, version: number | 'latest'): Promise<RegisteredSchema | null> {
    return this.#schema(`/subjects/${encodeURIComponent(subject)}/versions/${version}`)
  }

  /** The id of a schema under a subject; null where it is not registered there. */
  async lookup(subject: string, schema: RegisteredSchema): Promise<number | null> {
    const answer = await this.#request('POST', `/subjects/${encodeURIComponent(subject)}`, schema)
    if (answer.status === 404) return null
    return idOf(this.#expect(answer, `look up a schema of subject ${subject}`))
  }

  /** Registers a schema under a subject. A TaskError where the registry refuses it. */
  async register(subject: string, schema: RegisteredSchema): Promise<number> {
    const answer = await this.#request('POST', `/subjects/${encodeURIComponent(subject)}/versions`, schema)
    if (answer.status === 409) {
      throw new TaskError(
        'schema.incompatible',
        `The registry refuses the schema for subject ${subject} as incompatible: ${reason(answer)}. ` +
          'Write to another topic, or change the compatibility of the subject.',
      )
    }
    return idOf(this.#expect(answer, `register a schema for subject ${subject}`))
  }

  async #schema(path: string): Promise<RegisteredSchema | null> {
    const answer = await this.#request('GET', path)
    if (answer.status === 404) return null
    const body = this.#expect(answer, `answer GET ${path}`) as Partial<RegisteredSchema>
    if (typeof body.schema !== 'string')
      throw unavailable(`The schema registry's answer to GET ${path} has no schema.`)
    return body as RegisteredSchema
  }

  #expect(answer: Answer, what: string): object {
    const { status, body } = answer
    if (status === 200 && typeof body === 'object' && body !== null) return body
    if (status === 401 || status === 403) {
      throw new TaskError(
        'registry.denied',
        `The schema registry refused to ${what} (${status}): check basic.auth.user.info and the user's rights.`,
      )
    }
    const code = status === 422 ? 'schema.invalid' : 'registry.unavailable'
    throw new TaskError(code, `The schema registry did not ${what} (${status}): ${reason(answer)}.`)
  }

  async #request(method: string, path: string, body?: unknown): Promise<Answer> {
    let last = 'no URL is configured'
    for (let attempt = 0; attempt <= this.#options.retries; attempt++) {
      if (attempt > 0) await this.#backOff(attempt, last)
      for (let i = 0; i < this.#endpoints.length; i++) {
        const index = (this.#preferred + i) % this.#endpoints.length
        try {
          const answer = await this.#ask(this.#endpoints[index]!, method, path, body)
          if (answer.status < 500 && answer.status !== 429) {
            this.#preferred = index
            return answer
          }
          last = `${this.#endpoints[index]!.base} answered ${answer.status}`
        } catch (error) {
          if (error instanceof ConnectError) throw error
          last = `${this.#endpoints[index]!.base}: ${networkReason(error)}`
        }
      }
    }
    throw unavailable(
      `The schema registry cannot be reached (${last}). Check schema.registry.url and the registry; errors.retry.timeout lets a connector wait for it.`,
    )
  }

  async #backOff(attempt: number, last: string): Promise<void> {
    const wait =
      Math.min(this.#options.retryWaitMs * 2 ** (attempt - 1), MAX_WAIT_MS) * (0.8 + Math.random() * 0.4)
    this.#options.log.warn('schema registry does not answer, trying again', {
      attempt,
      waitMs: Math.round(wait),
      last,
    })
    await delay(wait)
  }

  async #ask(
    { base, authorization }: Endpoint,
    method: string,
    path: string,
    body: unknown,
  ): Promise<Answer> {
    const response = await fetch(base + path, {
      method,
      redirect: 'manual',
      headers: {
        accept: CONTENT_TYPE,
        ...(body === undefined ? {} : { 'content-type': CONTENT_TYPE }),
        ...(authorization === null ? {} : { authorization }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(this.#options.timeoutMs),
    })
    const text = await readBody(response, LARGEST_ANSWER)
    if (text === undefined)
      throw unavailable(
        `The schema registry's answer to ${method} ${path} has more than ${LARGEST_ANSWER / 2 ** 20} MiB, and was not read to its end. Check schema.registry.url.`,
      )
    return { status: response.status, body: parsed(text) }
  }
}

function endpoint(url: string, userInfo: string | null): Endpoint {
  const { username, password, origin, pathname } = new URL(url)
  const own = username === '' ? null : `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  const credentials = userInfo ?? own
  return {
    base: origin + pathname.replace(/\/+$/, ''),
    authorization:
      credentials === null ? null : `Basic ${Buffer.from(credentials, 'utf8').toString('base64')}`,
  }
}

function unavailable(message: string): UnavailableError {
  return new UnavailableError('registry.unavailable', message)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text.slice(0, 200)
  }
}

function idOf(body: object): number {
  const { id } = body as { id?: unknown }
  if (typeof id === 'number' && Number.isInteger(id)) return id
  throw unavailable('The schema registry answered without a schema id.')
}

function reason({ body }: Answer): string {
  if (typeof body === 'object' && body !== null && 'message' in body && typeof body.message === 'string') {
    return body.message.slice(0, 2000)
  }
  return typeof body === 'string' && body !== '' ? body : 'it gave no reason'
}

/** fetch hides what happened in the cause. */
function networkReason(error: unknown): string {
  return error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error)
}
