import {
  AuthenticationError,
  MultipleErrors,
  NetworkError,
  ProtocolError,
  TimeoutError,
  UserError,
} from '@platformatic/kafka'
import { messageOf } from '../../api/errors.ts'
import { type TlsPeer, tlsRefusal } from '../../tls/tls-refusals.ts'
import type { SecurityConfig } from './security-config.ts'

/** Errors with a cause each, the outermost first; of several at once, all. */
export function chainOf(error: unknown): readonly Error[] {
  const chain: Error[] = []
  const walk = (inner: unknown): void => {
    if (!(inner instanceof Error) || chain.includes(inner) || chain.length > 20) return
    chain.push(inner)
    walk(inner.cause)
    if (inner instanceof MultipleErrors) for (const each of inner.errors as unknown[]) walk(each)
  }
  walk(error)
  return chain
}

/**
 * Why a broker and a client do not come together, where that is a matter of their settings: a clause that says what to do,
 * e.g. `its certificate has expired: renew it`. Undefined where trying again may help.
 */
export function refusal(error: unknown, security: SecurityConfig): string | undefined {
  const chain = chainOf(error)
  const tls = tlsRefusal(chain, BROKER)
  if (tls !== undefined) return tls
  return saslRefusal(chain, security) ?? wrongProtocol(chain, security)
}

const SPEAKS_NO_TLS =
  'it speaks no TLS at this port: set security.protocol to PLAINTEXT or SASL_PLAINTEXT, or take the port of its TLS listener'

/** What messages about TLS call a broker and its settings. */
const BROKER: TlsPeer = {
  prefix: '',
  name: 'the broker',
  many: 'the brokers',
  address: "bootstrap.servers and in the broker's advertised.listeners",
  speaksNoTls: SPEAKS_NO_TLS,
}

function saslRefusal(chain: readonly Error[], { sasl }: SecurityConfig): string | undefined {
  const apiId = (id: string): ProtocolError | undefined =>
    chain.find((each): each is ProtocolError => each instanceof ProtocolError && each.apiId === id)
  const mechanism = sasl?.mechanism ?? ''
  if (apiId('UNSUPPORTED_SASL_MECHANISM') !== undefined) {
    const offered = mechanismsIn(chain)
    const others = offered.length === 0 ? '' : ` It offers ${offered.join(', ')}.`
    return `it does not know ${mechanism} at this port: change sasl.mechanism.${others}`
  }
  if (apiId('ILLEGAL_SASL_STATE') !== undefined)
    return `it wants no SASL at this port: set security.protocol to PLAINTEXT or SSL, or take the port of its SASL listener`
  const denied = apiId('SASL_AUTHENTICATION_FAILED')
  if (denied === undefined && !isAnswered(chain)) return undefined
  const said = denied === undefined ? (chain.at(-1)?.message ?? '') : serverMessage(denied)
  const who = mechanism === 'OAUTHBEARER' ? 'the token' : 'user and password'
  return `it refuses ${who} of ${mechanism}${said === '' ? '' : ` (${said.slice(0, 200)})`}: check sasl.jaas.config`
}

/** The library calls it an authentication that failed too when the connection is lost in the middle of one. */
function isAnswered(chain: readonly Error[]): boolean {
  const at = chain.findIndex((each) => each instanceof AuthenticationError)
  return (
    at >= 0 && !chain.slice(at).some((each) => each instanceof NetworkError || each instanceof TimeoutError)
  )
}

function serverMessage(error: ProtocolError): string {
  const said: unknown = (error as { serverErrorMessage?: unknown }).serverErrorMessage
  return typeof said === 'string' ? said : ''
}

function mechanismsIn(chain: readonly Error[]): string[] {
  for (const each of chain) {
    const response: unknown = (each as { response?: unknown }).response
    if (typeof response !== 'object' || response === null || !('mechanisms' in response)) continue
    if (Array.isArray(response.mechanisms))
      return response.mechanisms.filter((name): name is string => typeof name === 'string')
  }
  return []
}

function wrongProtocol(chain: readonly Error[], { tls, sasl }: SecurityConfig): string | undefined {
  if (chain.some((each) => each instanceof UserError && messageOf(each).includes('requires TLS')))
    return `it speaks TLS at this port: set security.protocol to ${sasl === null ? 'SSL' : 'SASL_SSL'}, and ssl.truststore.*`
  const aborted = chain.some((each) => each.message.includes('secure TLS connection was established'))
  return tls !== null && aborted ? SPEAKS_NO_TLS : undefined
}
