import { readFile } from 'node:fs/promises'
import { hideValue } from '../../api/credentials.ts'
import { messageOf, TaskError, UnavailableError } from '../../api/errors.ts'
import type { TokenSource } from './token-config.ts'

export interface Token {
  readonly text: string
  /** On the clock of Date.now(). */
  readonly expires: number
}

const TIMEOUT_MS = 10_000
const LARGEST_ANSWER = 1024 * 1024
/** Of a token's life: then the next one is asked for. */
const FRESH = 0.8

/** Tokens of one source. One that is fresh is given again; callers at the same time share one request. */
export class Tokens {
  readonly #source: TokenSource
  #asking: Promise<Token> | null = null
  #token: (Token & { readonly since: number }) | null = null

  constructor(source: TokenSource) {
    this.#source = source
  }

  async get(): Promise<string> {
    const now = Date.now()
    const known = this.#token
    if (known !== null && now < known.since + (known.expires - known.since) * FRESH) return known.text
    this.#asking ??= obtain(this.#source).finally(() => (this.#asking = null))
    const token = await this.#asking
    this.#token = { ...token, since: now }
    hideValue(token.text)
    return token.text
  }
}

function obtain(source: TokenSource): Promise<Token> {
  if (source.kind === 'endpoint') return ask(source)
  return source.kind === 'file' ? fromFile(source.location) : Promise.resolve(unsecured(source))
}

async function ask(source: Extract<TokenSource, { kind: 'endpoint' }>): Promise<Token> {
  const { url, clientId, clientSecret, scope, urlEncode } = source
  const part = (text: string): string => (urlEncode ? encodeURIComponent(text) : text)
  const basic = Buffer.from(`${part(clientId)}:${part(clientSecret)}`).toString('base64')
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    ...(scope === undefined ? {} : { scope }),
  })
  const where = `The token endpoint ${url}`
  let response: Response
  let text: string
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Basic ${basic}`, accept: 'application/json' },
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    text = (await response.text()).slice(0, LARGEST_ANSWER)
  } catch (error) {
    throw new UnavailableError('kafka.unavailable', `${where} cannot be reached: ${causeOf(error)}`, {
      cause: error,
    })
  }
  if (response.status >= 500 || response.status === 429)
    throw new UnavailableError('kafka.unavailable', `${where} answered HTTP ${response.status}`)
  if (!response.ok)
    throw new TaskError(
      'kafka.security',
      `${where} answered HTTP ${response.status}${reasonIn(text)}. Check the client id, the secret and the scope.`,
    )
  return tokenIn(text, where)
}

function causeOf(error: unknown): string {
  return messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error)
}

/** OAuth's own words for what is wrong; nothing else of the answer is shown. */
function reasonIn(text: string): string {
  const { error, error_description: description } = objectIn(text)
  const words = [error, description].filter((each) => typeof each === 'string')
  return words.length === 0 ? '' : ` (${words.join(': ').slice(0, 200)})`
}

function objectIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const data: unknown = JSON.parse(text)
    return typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

function tokenIn(text: string, where: string): Token {
  const { access_token: token, expires_in: seconds } = objectIn(text)
  if (typeof token !== 'string' || token === '')
    throw new TaskError(
      'kafka.security',
      `${where} answered without an access_token: it is none of OAuth. Check the URL.`,
    )
  const expires = typeof seconds === 'number' ? Date.now() + seconds * 1000 : expiryOf(token)
  return { text: token, expires }
}

async function fromFile(location: string): Promise<Token> {
  try {
    const text = (await readFile(location, 'utf8')).trim()
    return { text, expires: Date.now() } // read anew each time
  } catch (error) {
    throw new TaskError(
      'kafka.security',
      `The token in ${location} cannot be read: ${messageOf(error)}. Check sasl.oauthbearer.token.endpoint.url.`,
      { cause: error },
    )
  }
}

/** Of a JWT; any other token is asked for anew each time. */
function expiryOf(token: string): number {
  const claims = objectIn(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'))
  return typeof claims['exp'] === 'number' ? claims['exp'] * 1000 : Date.now()
}

function unsecured({ claims, lifetime }: Extract<TokenSource, { kind: 'unsecured' }>): Token {
  const now = Date.now() / 1000
  const part = (data: unknown): string => Buffer.from(JSON.stringify(data)).toString('base64url')
  const text = `${part({ alg: 'none' })}.${part({ iat: now, exp: now + lifetime, ...claims })}.`
  return { text, expires: (now + lifetime) * 1000 }
}
