import { isIP } from 'node:net'
import type { RequestHandler } from 'express'
import type { RestContext } from './context.ts'
import { hostInHeader, isLoopback } from '../api/hosts.ts'
import { HttpError } from './errors.ts'

/**
 * Keeps pages of other origins out: only requests that name this machine, a member of its cluster or a configured name in
 * `Host` are taken (DNS rebinding), and none that a browser sends for another site. There is no CORS. An address in numbers
 * is nothing that DNS can give to a page, so where the network may ask at all, each is taken.
 */
export function guard({ hosts, network = false, members = () => [] }: Guarded): RequestHandler {
  const allowed = new Set(hosts.map((host) => (isIP(host) === 6 ? host.toLowerCase() : hostInHeader(host))))
  const isAllowed = (host: string): boolean => {
    const name = hostInHeader(host)
    if (isLoopback(name)) return true
    if (allowed.has(name) || (network && isIP(name) !== 0)) return true
    return members().some((member) => hostInHeader(member) === name)
  }
  return (request, _response, next) => {
    const host = request.get('host') ?? ''
    if (!isAllowed(host))
      throw new HttpError(
        403,
        `The host name ${JSON.stringify(hostInHeader(host).slice(0, 100))} is not served. Use the address that the worker listens on, or add the name to the worker's setting rest.allowed.hosts.`,
      )
    const origin = request.get('origin')
    const foreign = origin !== undefined && !isAllowed(origin.replace(/^https?:\/\//, ''))
    if (foreign || request.get('sec-fetch-site') === 'cross-site')
      throw new HttpError(403, 'Requests from pages of other sites are not served.')
    next()
  }
}

type Guarded = Pick<RestContext, 'hosts' | 'network' | 'members'>
