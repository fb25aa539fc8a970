import { TOKEN_ALGORITHMS } from '../../access/bearer-tokens.ts'
import { roleProblem } from '../../access/roles.ts'
import { integer, list, text, type WorkerKey } from './worker-key.ts'

function hostProblem(written: string): string | undefined {
  const isHost = /^(?:[A-Za-z0-9_-]+\.)*[A-Za-z0-9_-]+$|^\[[0-9A-Fa-f:.]+\]$/.test(written)
  return isHost ? undefined : 'must hold names of hosts without a port'
}

/** Of the REST API: where it listens, who may ask, and what others are told of it. */
export const REST_KEYS = {
  listeners: list(
    'Where the REST API listens: one URL, http:// or https:// ([TLS](../security.md#tls)). An address that other machines can reach needs authentication, or rest.allow.network.',
    'http://127.0.0.1:8083',
  ),
  'rest.allow.network': text(
    'Whether the REST API may listen without authentication on an address that other machines can reach: whoever reaches it can then change what runs, and read and write with the rights of the worker.',
    'false',
    { ours: true, oneOf: ['true', 'false'], anyCase: true },
  ),
  'rest.allowed.hosts': list(
    'Names, besides its own and addresses of networks, under which the REST API is asked: of a proxy, or a service of Kubernetes. Any other is refused, against DNS rebinding.',
    '',
    { ours: true, check: hostProblem },
  ),
  'rest.advertised.host.name': text('The host that other workers and clients are told.', ''),
  'rest.advertised.port': integer(
    'The port that other workers and clients are told; 0: the one listened on.',
    0,
    {
      max: 65_535,
    },
  ),
  'rest.advertised.listener': text(
    'The protocol that other workers and clients are told: http or https. Default: that of the listener.',
    '',
    { oneOf: ['', 'http', 'https'], anyCase: true },
  ),
  'rest.auth.basic.users.file': text(
    'A file of users who may ask the REST API, with their roles and hashes of their passwords: see [who may ask](../security.md#users-with-passwords).',
    '',
    { ours: true },
  ),
  'rest.auth.bearer.jwks': text(
    'Where the keys are (JWKS) with which tokens are signed: an https URL or a file. See [tokens](../security.md#tokens-of-an-identity-provider).',
    '',
    { ours: true },
  ),
  'rest.auth.bearer.issuer': text('Whose tokens are taken (`iss`).', '', { ours: true }),
  'rest.auth.bearer.audience': list('For whom they must be (`aud`): one of these.', '', { ours: true }),
  'rest.auth.bearer.algorithms': list('How they may be signed.', 'RS256,PS256,ES256,EdDSA', {
    ours: true,
    check: (item) =>
      TOKEN_ALGORITHMS.includes(item) ? undefined : `must be of ${TOKEN_ALGORITHMS.join(', ')}`,
  }),
  'rest.auth.bearer.role.claim': text(
    'The claim that says what their owner may do: a name, or names with dots between them (`realm_access.roles`).',
    'role',
    { ours: true },
  ),
  'rest.auth.bearer.roles': list(
    'What the values of that claim mean, each as `value:role`; `*` is any. Empty: they are reader, operator or admin themselves.',
    '',
    { ours: true, check: roleProblem },
  ),
  'rest.auth.certificate.roles': list(
    'What the owners of certificates may do, each as `common name:role`; `*` is any other whose certificate is trusted. See [certificates](../security.md#certificates).',
    '',
    { ours: true, check: roleProblem },
  ),
  'rest.audit.log': text(
    'A file to which a line of JSON is added for each request that changes something. Empty: where there is authentication these are in the log, with the logger `sluice.audit`.',
    '',
    { ours: true },
  ),
  'rest.rate.limit': integer('How many requests per second one caller may send; 0: any number.', 0, {
    ours: true,
    max: 100_000,
  }),
} as const satisfies Readonly<Record<string, WorkerKey>>
