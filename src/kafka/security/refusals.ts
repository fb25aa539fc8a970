import {
  AuthenticationError,
  MultipleErrors,
  NetworkError,
  ProtocolError,
  TimeoutError,
  UserError,
} from '@platformatic/kafka'
import { messageOf } from '../../api/errors.ts'
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
  const codes = chain.flatMap((each) => ('code' in each && typeof each.code === 'string' ? [each.code] : []))
  for (const code of codes) {
    const found = CERTIFICATES[code] ?? (code.startsWith('ERR_SSL_') ? tlsAlert(code) : undefined)
    if (found !== undefined) return found
  }
  const altName = chain.find((each) => 'code' in each && each.code === 'ERR_TLS_CERT_ALTNAME_INVALID')
  if (altName !== undefined) return wrongHost(altName)
  return saslRefusal(chain, security) ?? wrongProtocol(chain, security)
}

const UNTRUSTED =
  'its certificate is signed by nobody that this client trusts: set ssl.truststore.location or ssl.truststore.certificates to the authority that signs the certificates of the brokers'

const CERTIFICATES: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  CERT_UNTRUSTED: UNTRUSTED,
  CERT_SIGNATURE_FAILURE: UNTRUSTED,
  CERT_HAS_EXPIRED:
    'its certificate, or one that signs it, has expired: renew it at the broker, and check the clock of this machine',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: check the clocks of the broker and of this machine',
  CERT_REVOKED: 'its certificate was revoked: renew it at the broker',
}

function wrongHost(error: Error): string {
  const reason = 'reason' in error && typeof error.reason === 'string' ? ` (${error.reason})` : ''
  return `its certificate is for another host${reason}: use a name that is in the certificate in bootstrap.servers and in the broker's advertised.listeners, or, to accept any host, set ssl.endpoint.identification.algorithm to nothing`
}

const CLIENT_CERTIFICATE =
  /CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_UNKNOWN|CERTIFICATE_EXPIRED|CERTIFICATE_REVOKED|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED/

function tlsAlert(code: string): string | undefined {
  const alert = /ALERT_(.+)$/.exec(code)?.[1]
  const words = (alert ?? '').toLowerCase().replaceAll('_', ' ')
  if (CLIENT_CERTIFICATE.test(code))
    return `it does not accept this client's certificate (${words}): set ssl.keystore.* to a key and a certificate that an authority of the broker has signed`
  if (/HANDSHAKE_FAILURE|PROTOCOL_VERSION|NO_SHARED_CIPHER|UNSUPPORTED_PROTOCOL|NO_PROTOCOLS/.test(code))
    return `the two share no TLS version or cipher suite, or it asks for a certificate of the client${alert === undefined ? '' : ` (${words})`}: check ssl.enabled.protocols, ssl.cipher.suites and ssl.keystore.*`
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/.test(code)) return SPEAKS_NO_TLS
  return undefined
}

const SPEAKS_NO_TLS =
  'it speaks no TLS at this port: set security.protocol to PLAINTEXT or SASL_PLAINTEXT, or take the port of its TLS listener'

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
