import type { RequestHandler } from 'express'
import { HttpError } from './errors.ts'

/**
 * Keeps pages of other origins out: only requests that name this machine in `Host` are taken (DNS rebinding), and none
 * that a browser sends for another site. There is no CORS.
 */
export function guard(hosts: readonly string[]): RequestHandler {
  const allowed = new Set(hosts.map((host) => host.toLowerCase()))
  const isAllowed = (host: string): boolean => {
    const name = hostName(host)
    return name === 'localhost' || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name) || allowed.has(name)
  }
  return (request, _response, next) => {
    if (!isAllowed(request.get('host') ?? ''))
      throw new HttpError(403, 'This host name is not served. Use the address that the worker listens on.')
    const origin = request.get('origin')
    const foreign = origin !== undefined && !isAllowed(origin.replace(/^https?:\/\//, ''))
    if (foreign || request.get('sec-fetch-site') === 'cross-site')
      throw new HttpError(403, 'Requests from pages of other sites are not served.')
    next()
  }
}

function hostName(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, '')
}
