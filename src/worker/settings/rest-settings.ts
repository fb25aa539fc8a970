import { resolve } from 'node:path'
import type { AccessSettings } from '../../access/access.ts'
import { type BearerSettings, keysProblem } from '../../access/bearer-tokens.ts'
import { type RoleTable, roleTable } from '../../access/roles.ts'
import { listOf } from '../../api/config.ts'
import type { ConfigProblem } from '../../api/errors.ts'
import { type Listener, openProblem, parseListener, type Protocol } from './listener.ts'
import { type ClientAuth, ListenerTls, readListenerTls } from './listener-tls.ts'

/** The REST API of a worker: where it listens, who may ask, and what of it other workers are told. */
export interface RestSettings {
  readonly listener: Listener
  /** Null: whoever reaches it may do everything. */
  readonly access: AccessSettings | null
  /** A file for a line per change; null: they are logged, where there is authentication. */
  readonly auditFile: string | null
  /** Requests per second of one caller; 0: as many as he likes. */
  readonly rateLimit: number
  readonly advertisedProtocol: Protocol
  /** With what other workers are asked that advertise https. */
  readonly peerTls: ListenerTls
}

type RestKey =
  | 'listeners'
  | 'rest.allow.network'
  | 'rest.advertised.listener'
  | 'rest.auth.basic.users.file'
  | `rest.auth.bearer.${'jwks' | 'issuer' | 'audience' | 'algorithms' | 'role.claim' | 'roles'}`
  | 'rest.auth.certificate.roles'
  | 'rest.audit.log'
  | 'rest.rate.limit'

type Read = (name: RestKey) => string

const USERS: RestKey = 'rest.auth.basic.users.file'

/** Adds what is wrong to `problems`; undefined where the listener itself cannot be understood. */
export function readRest(
  read: Read,
  raw: ReadonlyMap<string, string>,
  problems: ConfigProblem[],
): RestSettings | undefined {
  const address = parseListener(listOf(read('listeners')))
  if ('problem' in address) {
    problems.push({ path: 'listeners', message: address.problem })
    return undefined
  }
  const { protocol, host, port } = address
  const advertisedProtocol = advertised(read, protocol, problems)
  const tls = readListenerTls(raw, protocol === 'https')
  if (protocol === 'https' || advertisedProtocol === 'https') problems.push(...tls.problems)
  const peerTls = new ListenerTls(tls)
  const access = readAccess(read, tls.clientAuth, problems)
  const allowed = read('rest.allow.network').toLowerCase() === 'true'
  const open = openProblem(host, {
    written: read('listeners').trim(),
    authentication: access !== null,
    allowed,
  })
  if (open !== undefined) problems.push({ path: 'listeners', message: open })
  return {
    listener: { host, port, ...(protocol === 'https' ? { tls: peerTls } : {}) },
    access,
    auditFile: read('rest.audit.log') === '' ? null : resolve(read('rest.audit.log')),
    rateLimit: Number(read('rest.rate.limit')),
    advertisedProtocol,
    peerTls,
  }
}

/** Workers that do not sign what they ask of each other would not be let in. */
export function unsignedProblems({ access }: RestSettings, protocol: string): ConfigProblem[] {
  if (access === null || protocol.toLowerCase() === 'sessioned') return []
  const message =
    'must be sessioned where the REST API has authentication: else what workers ask of each other is not signed.'
  return [{ path: 'connect.protocol', message }]
}

function advertised(read: Read, protocol: Protocol, problems: ConfigProblem[]): Protocol {
  const written = read('rest.advertised.listener').toLowerCase()
  if (written === 'https') return 'https'
  if (written === 'http' && protocol === 'https')
    problems.push({ path: 'rest.advertised.listener', message: 'is http, but the listener speaks https.' })
  return protocol
}

function readAccess(read: Read, clientAuth: ClientAuth, problems: ConfigProblem[]): AccessSettings | null {
  const file = read(USERS)
  const users = file === '' ? null : { file: resolve(file), setting: USERS }
  const bearer = readBearer(read, problems)
  const certificates = readCertificates(read, clientAuth, users === null && bearer === null, problems)
  if (users === null && bearer === null && certificates === null) return null
  return { users, bearer, certificates }
}

function readBearer(read: Read, problems: ConfigProblem[]): BearerSettings | null {
  const keys = read('rest.auth.bearer.jwks')
  if (keys === '') return null
  const wrong = keysProblem(keys)
  if (wrong !== undefined) problems.push({ path: 'rest.auth.bearer.jwks', message: wrong })
  const [issuer, audience] = [read('rest.auth.bearer.issuer'), listOf(read('rest.auth.bearer.audience'))]
  const needed = 'is needed with rest.auth.bearer.jwks: tokens for others would be let in.'
  if (issuer === '') problems.push({ path: 'rest.auth.bearer.issuer', message: needed })
  if (audience.length === 0) problems.push({ path: 'rest.auth.bearer.audience', message: needed })
  return {
    keys: /^https?:\/\//i.test(keys) ? keys : resolve(keys),
    issuer,
    audience,
    algorithms: listOf(read('rest.auth.bearer.algorithms')),
    roleClaim: read('rest.auth.bearer.role.claim'),
    roles: roleTable(listOf(read('rest.auth.bearer.roles'))),
  }
}

/**
 * As in Kafka Connect, where nothing but a certificate is asked for, it lets in whoever has one that is trusted.
 */
function readCertificates(
  read: Read,
  clientAuth: ClientAuth,
  isOnly: boolean,
  problems: ConfigProblem[],
): RoleTable | null {
  const path = 'rest.auth.certificate.roles'
  const roles = roleTable(listOf(read(path)))
  if (roles.size > 0) {
    if (clientAuth !== 'none') return roles
    const message =
      'needs a listener of https with listeners.https.ssl.client.auth=requested or required: nobody shows a certificate else.'
    problems.push({ path, message })
  }
  return isOnly && clientAuth === 'required' ? new Map([['*', 'admin']]) : null
}
