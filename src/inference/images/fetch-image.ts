import type { LookupAddress } from 'node:dns'
import { lookup } from 'node:dns/promises'
import http, { type IncomingMessage, type RequestOptions } from 'node:http'
import https from 'node:https'
import { isIP } from 'node:net'
import { isPrivateAddress, isPublicAddress } from './addresses.ts'
import { asImageError, imageError } from './image-error.ts'
import { endsWhole } from './image-type.ts'
import { tooLarge } from './read-local-image.ts'

const MAX_REDIRECTS = 3

/** From where images may be fetched, and how long and large they may be. */
export interface FetchRules {
  /** Origins (`https://images.example.com`, `http://cdn.example.com:8080`); no others are asked, nor redirected to. */
  readonly origins: readonly string[]
  readonly maxBytes: number
  /** Of the whole fetch, redirects included. */
  readonly timeoutMs: number
  /** Whether an origin may have a loopback or private address; none may have others that are not public. */
  readonly privateAddresses: boolean
  /** For tests. */
  readonly resolve?: (host: string) => Promise<readonly LookupAddress[]>
}

/**
 * Fetches an image. Guards against server-side request forgery: only allowed origins, a name is resolved once and the
 * address that was vetted is the one that is connected to, each redirect is checked like the first URL, proxies of the
 * environment are not used.
 */
export async function fetchImage(location: string, rules: FetchRules): Promise<Buffer> {
  const deadline = AbortSignal.timeout(rules.timeoutMs)
  let url = location
  try {
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const found = await fetchOnce(parse(url, rules), rules, deadline)
      if (Buffer.isBuffer(found)) return found
      url = found.redirect
    }
  } catch (error) {
    if (deadline.aborted) throw imageError(`The image did not arrive within ${rules.timeoutMs} ms.`, error)
    throw asImageError('The image cannot be fetched', error)
  }
  throw imageError(`The location redirects more than ${MAX_REDIRECTS} times.`)
}

function parse(location: string, { origins }: FetchRules): URL {
  const url = URL.parse(location)
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw imageError('The location is not an http or https URL.')
  }
  if (url.username !== '' || url.password !== '')
    throw imageError('The URL must not hold a user or password.')
  if (!origins.includes(url.origin)) {
    throw imageError(`Nothing is fetched from ${url.origin}: it is not in http.allowed.origins.`)
  }
  return url
}

/** One vetted address of the URL's host. All of its addresses must be allowed: a name that has both kinds is an attack. */
async function vettedAddress(url: URL, rules: FetchRules, deadline: AbortSignal): Promise<LookupAddress> {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const family = isIP(host)
  const resolve = rules.resolve ?? ((name: string) => lookup(name, { all: true }))
  const addresses = family === 0 ? await orAborted(resolve(host), deadline) : [{ address: host, family }]
  const isAllowed = (address: string) =>
    isPublicAddress(address) || (rules.privateAddresses && isPrivateAddress(address))
  const [first] = addresses
  if (first === undefined || !addresses.every(({ address }) => isAllowed(address))) {
    const setting = rules.privateAddresses
      ? ''
      : ' The worker allows private ones by images.private.addresses.'
    throw imageError(`Nothing is fetched from ${url.origin}: its address is not a public one.${setting}`)
  }
  return first
}

async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

async function fetchOnce(
  url: URL,
  rules: FetchRules,
  deadline: AbortSignal,
): Promise<Buffer | { redirect: string }> {
  const { address, family } = await vettedAddress(url, rules, deadline)
  const response = await request(url, {
    agent: false,
    signal: deadline,
    headers: { accept: 'image/jpeg, image/png, image/webp', 'accept-encoding': 'identity' },
    // The name is not resolved a second time: it might have another address by now.
    lookup: (_host, options, done) => {
      if (options.all === true) done(null, [{ address, family }])
      else done(null, address, family)
    },
  })
  try {
    const { statusCode = 0, headers } = response
    if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
      return { redirect: new URL(headers.location, url).href }
    }
    if (statusCode !== 200) throw imageError(`${url.origin} answers with status ${statusCode}.`)
    const body = await readBody(response, rules.maxBytes)
    deadline.throwIfAborted() // a body without a length ends like a whole one then
    return body
  } finally {
    response.destroy()
  }
}

function request(url: URL, options: RequestOptions): Promise<IncomingMessage> {
  const send = url.protocol === 'https:' ? https.get : http.get
  return new Promise((resolve, reject) => {
    send(url, options, resolve).on('error', reject)
  })
}

async function readBody(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  if (Number(response.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes)
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) throw tooLarge(maxBytes)
    chunks.push(chunk)
  }
  const body = Buffer.concat(chunks)
  // HTTP tells a cut body by its length or its chunks; without them by nothing, and only the image itself says where it ends.
  const isDelimited = response.headers['content-length'] ?? response.headers['transfer-encoding']
  if (isDelimited === undefined && !endsWhole(body))
    throw imageError(
      'The connection was closed before the end of the image. Let the server say its content-length.',
    )
  return body
}
