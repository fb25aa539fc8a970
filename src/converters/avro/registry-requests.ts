import { once } from 'node:events'
import { type IncomingMessage, request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { messageOf } from '../../api/errors.ts'
import { readText } from '../../api/read-body.ts'
import { type TlsPeer, tlsRefusal } from '../../tls/tls-refusals.ts'
import { type Answer, NoAnswer, parsed } from './registry-answer.ts'
import type { RegistryTls } from './registry-tls.ts'

/** Registries keep a schema in one record of Kafka, which is rarely above 1 MiB, and answer with its JSON escaped. */
const LARGEST_ANSWER = 16 * 2 ** 20

export interface RegistryRequest {
  readonly method: 'GET' | 'POST'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** The certificates of the two do not fit: nothing that waiting helps. */
export class TlsRefused extends NoAnswer {}

const REGISTRY: TlsPeer = {
  prefix: 'schema.registry.',
  name: 'the registry',
  many: 'the registry',
  address: 'schema.registry.url',
  speaksNoTls:
    'it speaks no TLS at this port: write http:// in schema.registry.url, or take its port for TLS',
}

/**
 * One request, whatever the answer is; redirects are not followed.
 * @throws NoAnswer that says what happened instead, TlsRefused, ConfigError where a key or trust store cannot be used
 */
export async function askRegistry(asked: RegistryRequest, tls: RegistryTls): Promise<Answer> {
  const isSecure = asked.url.protocol === 'https:'
  const agent = isSecure ? await tls.agent() : undefined
  const late = AbortSignal.timeout(asked.timeoutMs)
  try {
    const { method, url, headers } = asked
    const options = { method, headers, signal: AbortSignal.any([asked.signal, late]) }
    const request = isSecure ? httpsRequest(url, { ...options, agent }) : httpRequest(url, options)
    request.on('error', () => undefined) // of an answer under way too, whose reader hears of it
    request.end(asked.body)
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    const text = await readText(response, LARGEST_ANSWER)
    if (text !== undefined) return { status: response.statusCode ?? 0, body: parsed(text) }
  } catch (error) {
    if (late.aborted) throw new NoAnswer(`timeout: no answer within ${asked.timeoutMs} ms`, { cause: error })
    const refused = tlsRefusal(error instanceof Error ? [error] : [], REGISTRY)
    if (refused !== undefined) throw new TlsRefused(refused, { cause: error })
    throw new NoAnswer(isSecure && isHungUp(error) ? HUNG_UP : reasonOf(error), { cause: error })
  }
  const limit = `more than ${LARGEST_ANSWER / 2 ** 20} MiB for ${asked.method} ${asked.url.pathname}`
  throw new NoAnswer(`${limit}, which were not read to their end`)
}

/** What servers do that want a certificate and say nothing. */
const HUNG_UP =
  'it closed the connection without a word; where it asks for a certificate of the client, set schema.registry.ssl.keystore.*'

function isHungUp(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNRESET'
}

/** Of several addresses of one name, none of which answers, the error has no words. */
function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
  return messageOf(error) || code
}
