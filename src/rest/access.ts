import type { Request, RequestHandler, Response } from 'express'
import type { Access } from '../access/access.ts'
import { Buckets } from '../access/buckets.ts'
import { allows } from '../access/roles.ts'
import { orTooMany } from '../access/too-many.ts'
import { type Caller, digestOf, PEER_HEADER } from '../worker/cluster/peer-signatures.ts'
import { addressOf, commonName } from './connection.ts'
import { type RestContext, running } from './context.ts'
import { HttpError } from './errors.ts'
import { neededRole } from './needed-role.ts'

/** Who may ask, and how often. */
export interface RestAccess {
  readonly access: Access
  /** Requests per second of one caller; 0: any number. */
  readonly rateLimit: number
}

interface Known {
  readonly caller: Caller
  /** The digest of the body that another worker has signed; undefined where a client asks itself. */
  readonly digest?: string
}

const known = new WeakMap<object, Known>()
const NO_BODY = digestOf(Buffer.alloc(0))

/** Who asks; undefined where nobody was asked for it, or nobody has proven it. */
export function callerOf(request: Request): Caller | undefined {
  return known.get(request)?.caller
}

/** Whether another worker passes on what it was asked, or asks for itself. */
export function isFromWorker(request: Request): boolean {
  return known.get(request)?.digest !== undefined
}

/** For readers of bodies: what another worker has signed must be what came. */
export function checkDigest(request: object, _response: unknown, body: Buffer): void {
  const digest = known.get(request)?.digest
  if (digest !== undefined && digest !== digestOf(body))
    throw new HttpError(403, 'The body is not the one that the other worker has signed.')
}

/** Lets a request on whose caller is known and has the role that it needs; where there is no authentication, any. */
export function requireAccess(context: RestContext): RequestHandler {
  const { access: rest } = context
  if (rest === undefined) return (_request, _response, next) => next()
  const { access, rateLimit } = rest
  const limit =
    rateLimit === 0 ? undefined : new Buckets({ burst: Math.max(1, rateLimit), perSecond: rateLimit })
  return async (request, response, next) => {
    const needed = neededRole(request.method, request.path)
    if (needed === null) {
      next()
      return
    }
    const found = (await signedBy(context, request)) ?? (await shown(access, request, response))
    if (found === undefined) throw unauthenticated(access, response)
    known.set(request, found)
    const { caller } = found
    if (limit !== undefined && caller.by !== 'worker')
      takeTurn(limit, `${caller.by} ${caller.name}`, response)
    if (!allows(caller.role, needed)) throw forbidden(caller, needed)
    next()
  }
}

async function signedBy(context: RestContext, request: Request): Promise<Known | undefined> {
  const signature = request.get(PEER_HEADER)
  if (signature === undefined) return undefined
  const { signatures } = running(context)
  const { method, originalUrl: path } = request
  const found = await signatures?.verify({ method, path, signature })
  if (found === undefined) return undefined
  const hasBody =
    request.get('transfer-encoding') !== undefined || (request.get('content-length') ?? '0') !== '0'
  if (!hasBody && found.digest !== NO_BODY) return undefined
  return found
}

async function shown(access: Access, request: Request, response: Response): Promise<Known | undefined> {
  const address = addressOf(request)
  const credentials = {
    authorization: request.get('authorization'),
    certificate: commonName(request),
    address,
  }
  const tooMany = (status: number, message: string) => new HttpError(status, message)
  const identity = await orTooMany(access.identify(credentials), response, tooMany)
  return identity === undefined ? undefined : { caller: { ...identity, address } }
}

function takeTurn(limit: Buckets, key: string, response: Response): void {
  const wait = limit.wait(key)
  if (wait > 0) {
    response.set('Retry-After', String(wait))
    throw new HttpError(429, `You ask more often than rest.rate.limit allows. Try again in ${wait} s.`)
  }
  limit.take(key)
}

/** The same words for whatever is missing or wrong. */
function unauthenticated({ challenges }: Access, response: Response): HttpError {
  if (challenges.length > 0) response.set('WWW-Authenticate', challenges)
  const how = challenges.length > 0 ? 'a user and password, or a token, that are' : 'a certificate that is'
  return new HttpError(401, `Who are you? Send ${how} known here.`)
}

function forbidden({ name, role }: Caller, needed: string): HttpError {
  const has = role === null ? 'has no role here' : `has the role ${role}`
  return new HttpError(403, `${JSON.stringify(name)} ${has}; this needs the role ${needed}.`)
}
