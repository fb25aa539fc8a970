import { TLS_KEYS, TLS_SECRETS } from '../../tls/tls-keys.ts'

/** Every setting of security that does something, by Kafka's name. */
export const SECURITY_KEYS = {
  'security.protocol':
    'How brokers are talked to: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL. Default: PLAINTEXT.',
  'sasl.mechanism': 'How a client proves who it is: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER.',
  'sasl.jaas.config':
    'User and password, as Kafka has them: `org.apache.kafka.common.security.plain.PlainLoginModule required username="…" password="…";`',
  'sasl.login.callback.handler.class':
    'Of OAUTHBEARER: OAuthBearerLoginCallbackHandler asks the token endpoint, OAuthBearerUnsecuredLoginCallbackHandler makes tokens for tests. Default: the former where a token endpoint is set.',
  'sasl.oauthbearer.token.endpoint.url':
    'Where OAUTHBEARER gets its tokens: an http or https URL of an identity provider (client credentials), or a file URL of a token.',
  'sasl.oauthbearer.client.credentials.client.id': 'The client id for the token endpoint.',
  'sasl.oauthbearer.client.credentials.client.secret': 'The client secret for the token endpoint.',
  'sasl.oauthbearer.scope': 'The scope asked for at the token endpoint.',
  'sasl.oauthbearer.header.urlencode': 'Whether client id and secret are URL-encoded for the token endpoint.',
  ...TLS_KEYS,
} as const

export type SecurityKey = keyof typeof SECURITY_KEYS

export function isSecurityKey(name: string): name is SecurityKey {
  return Object.hasOwn(SECURITY_KEYS, name)
}

/** Settings of Java's security that change nothing here, a name, or a prefix with `*`. */
export const JAVA_SECURITY: readonly string[] = [
  'security.providers',
  'ssl.provider',
  'ssl.keymanager.algorithm',
  'ssl.trustmanager.algorithm',
  'ssl.secure.random.implementation',
  'ssl.client.auth', // of a listener of the REST API
  'sasl.login.refresh.*',
  'sasl.login.connect.timeout.ms',
  'sasl.login.read.timeout.ms',
  'sasl.login.retry.backoff.*',
  'sasl.kerberos.*',
  'sasl.oauthbearer.scope.claim.name',
  'sasl.oauthbearer.sub.claim.name',
  'sasl.oauthbearer.jwks.endpoint.*',
  'sasl.oauthbearer.clock.skew.seconds',
  'sasl.oauthbearer.expected.*',
  'sasl.oauthbearer.jwt.validator.class',
]

/** Secrets as a whole; `sasl.jaas.config` has some in it. */
export const SECRET_KEYS: readonly SecurityKey[] = [
  'sasl.oauthbearer.client.credentials.client.secret',
  ...TLS_SECRETS,
]
