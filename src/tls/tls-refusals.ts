/** What messages call the other side of a connection, and its settings. */
export interface TlsPeer {
  /** Of the settings: none for brokers, `schema.registry.` for the registry. */
  readonly prefix: string
  /** `the broker`, and all of them. */
  readonly name: string
  readonly many: string
  /** Where its host name is set: `schema.registry.url`. */
  readonly address: string
  /** The clause for where nothing speaks TLS at its port. */
  readonly speaksNoTls: string
}

/**
 * Why TLS does not come about, where that is a matter of certificates and settings: a clause that says what to do, e.g.
 * `its certificate, or one that signs it, has expired: renew it …`. Undefined where it is something else.
 *
 * @param chain the error with those that caused it, the outermost first; OpenSSL's codes are in them
 */
export function tlsRefusal(chain: readonly Error[], peer: TlsPeer): string | undefined {
  const codes = chain.flatMap((each) =>
    'code' in each && typeof each.code === 'string' ? [codeOf(each.code, each.message)] : [],
  )
  for (const code of codes) {
    const found = ofCertificate(code, peer) ?? (code.startsWith('ERR_SSL_') ? ofAlert(code, peer) : undefined)
    if (found !== undefined) return found
  }
  const altName = chain.find((each) => 'code' in each && each.code === 'ERR_TLS_CERT_ALTNAME_INVALID')
  return altName === undefined ? undefined : wrongHost(altName, peer)
}

/** While a handshake is written OpenSSL's reason is in the message alone: `…:SSL routines:…:wrong version number:…`. */
function codeOf(code: string, message: string): string {
  const reason = code === 'EPROTO' ? /SSL routines:[^:]*:([^:]+)/.exec(message)?.[1] : undefined
  return reason === undefined ? code : `ERR_SSL_${reason.toUpperCase().replaceAll(' ', '_')}`
}

const UNTRUSTED = [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_UNTRUSTED',
  'CERT_SIGNATURE_FAILURE',
]

function ofCertificate(code: string, { prefix, name, many }: TlsPeer): string | undefined {
  if (UNTRUSTED.includes(code))
    return `its certificate is signed by nobody that this client trusts: set ${prefix}ssl.truststore.location or ${prefix}ssl.truststore.certificates to the authority that signs the certificates of ${many}`
  if (code === 'CERT_HAS_EXPIRED')
    return `its certificate, or one that signs it, has expired: renew it at ${name}, and check the clock of this machine`
  if (code === 'CERT_NOT_YET_VALID')
    return `its certificate is not valid yet: check the clocks of ${name} and of this machine`
  return code === 'CERT_REVOKED' ? `its certificate was revoked: renew it at ${name}` : undefined
}

function wrongHost(error: Error, { prefix, address }: TlsPeer): string {
  const reason = 'reason' in error && typeof error.reason === 'string' ? ` (${error.reason})` : ''
  return `its certificate is for another host${reason}: use a name that is in the certificate in ${address}, or, to accept any host, set ${prefix}ssl.endpoint.identification.algorithm to nothing`
}

const CLIENT_CERTIFICATE =
  /CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_UNKNOWN|CERTIFICATE_EXPIRED|CERTIFICATE_REVOKED|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED/

function ofAlert(code: string, { prefix, name, speaksNoTls }: TlsPeer): string | undefined {
  const alert = /ALERT_(.+)$/.exec(code)?.[1]
  const words = (alert ?? '').toLowerCase().replaceAll('_', ' ')
  if (CLIENT_CERTIFICATE.test(code))
    return `it does not accept this client's certificate (${words}): set ${prefix}ssl.keystore.* to a key and a certificate that an authority of ${name} has signed`
  if (/HANDSHAKE_FAILURE|PROTOCOL_VERSION|NO_SHARED_CIPHER|UNSUPPORTED_PROTOCOL|NO_PROTOCOLS/.test(code))
    return `the two share no TLS version or cipher suite, or it asks for a certificate of the client${alert === undefined ? '' : ` (${words})`}: check ${prefix}ssl.enabled.protocols, ${prefix}ssl.cipher.suites and ${prefix}ssl.keystore.*`
  return /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/.test(code) ? speaksNoTls : undefined
}
