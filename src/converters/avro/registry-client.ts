import { setTimeout as delay } from 'node:timers/promises'
import type { Outside } from '../../api/converter.ts'
import { ConfigError, messageOf, TaskError, UnavailableError } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import { type Answer, expected, idOf, isNotFound, isOfRegistry, NoAnswer, reason } from './registry-answer.ts'
import { askRegistry, TlsRefused } from './registry-requests.ts'
import { RegistryTls } from './registry-tls.ts'
import type { RegisteredSchema, SchemaRegistry } from './schema-registry.ts'

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
  /** Whether schemas are looked up and registered in their normal form. */
  readonly normalize?: boolean
  /** For URLs that begin with https. Default: the usual authorities, and no certificate of the client. */
  readonly tls?: RegistryTls
  readonly log: Logger
  /** Who is told that requests wait. Default: nobody. */
  readonly outside?: Outside | undefined
}

interface Endpoint {
  readonly base: string
  readonly authorization: string | null
}

interface Question {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: RegisteredSchema
}

const MAX_WAIT_MS = 10_000
const HASTY_MS = 2_000
const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json'
/**
 * What a converter asks of a schema registry, by Confluent's REST API. What is no answer about a schema (a server error,
 * a redirect, a page of a proxy, nothing at all) is repeated with back-off, and is then an UnavailableError: the task
 * waits, and no record is hurt. Certificates that do not fit are a matter of settings: a TaskError. Credentials are in no
 * message.
 */
export class RegistryClient implements SchemaRegistry {
  readonly #options: RegistryOptions
  readonly #endpoints: readonly Endpoint[]
  readonly #tls: RegistryTls
  /** The endpoint that answered last. */
  #preferred = 0

  constructor(options: RegistryOptions) {
    this.#options = options
    this.#endpoints = options.urls.map((url) => endpoint(url, options.userInfo))
    this.#tls = options.tls ?? new RegistryTls({})
  }

  hasty(): RegistryClient {
    const { timeoutMs } = this.#options
    return new RegistryClient({
      ...this.#options,
      tls: this.#tls,
      retries: 0,
      timeoutMs: Math.min(timeoutMs, HASTY_MS),
    })
  }

  async schemaById(id: number): Promise<RegisteredSchema | null> {
    return this.#schema(`/schemas/ids/${id}`)
  }

  async schemaVersion(subject: string, version: number | 'latest'): Promise<RegisteredSchema | null> {
    return this.#schema(`/subjects/${encodeURIComponent(subject)}/versions/${version}`)
  }

  async lookup(subject: string, schema: RegisteredSchema): Promise<number | null> {
    const what = `look up a schema of subject ${subject}`
    const path = this.#subjectPath(subject, '')
    return this.#request({ method: 'POST', path, body: schema }, (answer) =>
      isNotFound(answer) ? null : idOf(expected(answer, what)),
    )
  }

  async register(subject: string, schema: RegisteredSchema): Promise<number> {
    const path = this.#subjectPath(subject, '/versions')
    return this.#request({ method: 'POST', path, body: schema }, (answer) => {
      if (answer.status !== 409) return idOf(expected(answer, `register a schema for subject ${subject}`))
      throw new TaskError(
        'schema.incompatible',
        `The registry refuses the schema for subject ${subject} as incompatible: ${reason(answer)}. ` +
          'Write to another topic, or change the compatibility of the subject.',
      )
    })
  }

  #subjectPath(subject: string, rest: string): string {
    const query = this.#options.normalize === true ? '?normalize=true' : ''
    return `/subjects/${encodeURIComponent(subject)}${rest}${query}`
  }

  #schema(path: string): Promise<RegisteredSchema | null> {
    return this.#request({ method: 'GET', path }, (answer) => {
      if (isNotFound(answer)) return null
      const body = expected(answer, `answer GET ${path}`) as Partial<RegisteredSchema>
      if (typeof body.schema !== 'string') throw new NoAnswer('an answer without a schema')
      return body as RegisteredSchema
    })
  }

  /** Asks until an answer can be read; `read` throws NoAnswer where it is none of a schema registry. */
  #request<T>(question: Question, read: (answer: Answer) => T): Promise<T> {
    const { outside } = this.#options
    const never = new AbortController().signal
    return outside === undefined
      ? this.#attempts(question, read, never)
      : outside((signal) => this.#attempts(question, read, signal))
  }

  async #attempts<T>(question: Question, read: (answer: Answer) => T, signal: AbortSignal): Promise<T> {
    let last = 'no URL is configured'
    for (let attempt = 0; attempt <= this.#options.retries; attempt++) {
      if (attempt > 0) await this.#backOff(attempt, last, signal)
      let refused = 0
      for (let i = 0; i < this.#endpoints.length; i++) {
        const index = (this.#preferred + i) % this.#endpoints.length
        const endpoint = this.#endpoints[index]!
        try {
          const found = read(await this.#ask(endpoint, question, signal))
          this.#preferred = index
          return found
        } catch (error) {
          if (error instanceof TaskError || error instanceof ConfigError) throw error
          signal.throwIfAborted()
          last = `${endpoint.base}: ${messageOf(error)}`
          if (error instanceof TlsRefused) refused++
        }
      }
      if (refused > 0 && refused === this.#endpoints.length)
        throw new TaskError('registry.denied', `No answer from the schema registry at ${last}.`)
    }
    throw new UnavailableError(
      'registry.unavailable',
      `No answer from the schema registry at ${last}. Check schema.registry.url and the registry.`,
      { waitsFor: `the schema registry at ${last}` },
    )
  }

  async #backOff(attempt: number, last: string, signal: AbortSignal): Promise<void> {
    const wait =
      Math.min(this.#options.retryWaitMs * 2 ** (attempt - 1), MAX_WAIT_MS) * (0.8 + Math.random() * 0.4)
    // Who waits for the answer says so; these lines alone would be many.
    this.#options.log.debug('the schema registry is asked again', {
      attempt,
      waitMs: Math.round(wait),
      last,
    })
    await delay(wait, undefined, { signal })
  }

  /** @throws NoAnswer where what came is none of a schema registry */
  async #ask(
    { base, authorization }: Endpoint,
    { method, path, body }: Question,
    signal: AbortSignal,
  ): Promise<Answer> {
    const headers = {
      accept: CONTENT_TYPE,
      ...(body === undefined ? {} : { 'content-type': CONTENT_TYPE }),
      ...(authorization === null ? {} : { authorization }),
    }
    const { timeoutMs } = this.#options
    const text = body === undefined ? undefined : JSON.stringify(body)
    const url = new URL(base + path)
    const answer = await askRegistry({ method, url, headers, body: text, timeoutMs, signal }, this.#tls)
    if (!isOfRegistry(answer)) throw new NoAnswer(`HTTP ${answer.status}`)
    return answer
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
