import type { RawConfig } from '../../api/config.ts'
import { hideValue } from '../../api/credentials.ts'

/** Where the tokens of OAUTHBEARER come from. */
export type TokenSource =
  | {
      readonly kind: 'endpoint'
      readonly url: string
      readonly clientId: string
      readonly clientSecret: string
      readonly scope: string | undefined
      readonly urlEncode: boolean
    }
  /** A file that something else keeps fresh. */
  | { readonly kind: 'file'; readonly location: string }
  /** Made here, signed by nobody: for tests. */
  | {
      readonly kind: 'unsecured'
      readonly claims: Readonly<Record<string, unknown>>
      readonly lifetime: number
    }

type Options = ReadonlyMap<string, string>
type Tell = (path: string, message: string) => void

const URL_KEY = 'sasl.oauthbearer.token.endpoint.url'
const HANDLER_KEY = 'sasl.login.callback.handler.class'
const JAAS_KEY = 'sasl.jaas.config'
const HANDLERS: Readonly<Record<string, TokenSource['kind']>> = {
  OAuthBearerLoginCallbackHandler: 'endpoint',
  OAuthBearerUnsecuredLoginCallbackHandler: 'unsecured',
}

/** Reads where tokens come from, of the settings and of the options in `sasl.jaas.config`. */
export function readTokenSource(raw: RawConfig, options: Options, tell: Tell): TokenSource | null {
  const written = raw[URL_KEY]?.trim() ?? ''
  const handler = raw[HANDLER_KEY]?.trim() ?? ''
  const fallback = written === '' ? 'unsecured' : 'endpoint'
  const kind = handler === '' ? fallback : HANDLERS[handler.slice(handler.lastIndexOf('.') + 1)]
  if (kind === undefined) {
    tell(
      HANDLER_KEY,
      `must be one of Kafka's own: ${Object.keys(HANDLERS).join(' or ')}. No other Java class can be loaded.`,
    )
    return null
  }
  if (kind === 'unsecured') return readUnsecured(options, tell)
  const retriever = raw['sasl.oauthbearer.jwt.retriever.class']?.trim() ?? ''
  if (retriever !== '' && !/\.(?:Default|ClientCredentials|File)JwtRetriever$/.test(retriever)) {
    tell(
      'sasl.oauthbearer.jwt.retriever.class',
      'names a Java class, which cannot be loaded: only client credentials and a file of a token are supported.',
    )
    return null
  }
  return readEndpoint(raw, options, { written, tell })
}

function readEndpoint(
  raw: RawConfig,
  options: Options,
  { written, tell }: { readonly written: string; readonly tell: Tell },
): TokenSource | null {
  const url = URL.canParse(written) ? new URL(written) : null
  if (url === null || !['http:', 'https:', 'file:'].includes(url.protocol)) {
    const message = written === '' ? 'is required' : 'must be an http, https or file URL'
    tell(URL_KEY, `${message}: the token endpoint of the identity provider.`)
    return null
  }
  if (url.protocol === 'file:') return { kind: 'file', location: decodeURIComponent(url.pathname) }
  const own = 'sasl.oauthbearer.client.credentials.client.'
  const clientId = raw[`${own}id`] ?? options.get('clientId') ?? ''
  const clientSecret = raw[`${own}secret`] ?? options.get('clientSecret') ?? ''
  if (clientSecret !== '') hideValue(clientSecret)
  if (clientId === '') tell(JAAS_KEY, `has no clientId="…", and ${own}id is not set.`)
  if (clientSecret === '') tell(JAAS_KEY, `has no clientSecret="…", and ${own}secret is not set.`)
  const scope = raw['sasl.oauthbearer.scope'] ?? options.get('scope')
  const urlEncode = raw['sasl.oauthbearer.header.urlencode']?.trim().toLowerCase() === 'true'
  return { kind: 'endpoint', url: written, clientId, clientSecret, scope, urlEncode }
}

const HOUR_SECONDS = 3600

/** Claims by the options of Kafka's own handler: `unsecuredLoginStringClaim_sub="alice"`. */
function readUnsecured(options: Options, tell: Tell): TokenSource {
  const claims: Record<string, unknown> = {}
  for (const [name, value] of options) {
    const [, type, claim = ''] = /^unsecuredLogin(String|Number|List)Claim_(.+)$/.exec(name) ?? []
    if (type === 'String') claims[claim] = value
    else if (type === 'Number') claims[claim] = Number(value)
    else if (type === 'List') claims[claim] = listOf(value)
  }
  const principal = options.get('unsecuredLoginPrincipalClaimName') ?? 'sub'
  if (claims[principal] === undefined)
    tell(
      JAAS_KEY,
      `has no unsecuredLoginStringClaim_${principal}="…", which says who the client is; or set ${URL_KEY}.`,
    )
  const lifetime = Number(options.get('unsecuredLoginLifetimeSeconds') ?? HOUR_SECONDS)
  if (!(lifetime > 0))
    tell(JAAS_KEY, 'must have a number of seconds above 0 as unsecuredLoginLifetimeSeconds.')
  return { kind: 'unsecured', claims, lifetime }
}

/** Kafka's form of a list: its first character separates the items. */
function listOf(value: string): string[] {
  return value === '' ? [] : value.slice(1).split(value.charAt(0))
}
