import type { Role } from '../access/roles.ts'

/** Requests that change how things run, and not what there is. */
const OPERATION: readonly (readonly [methods: string, path: RegExp])[] = [
  ['PUT', /^\/connectors\/[^/]+\/(?:pause|resume|stop)\/?$/],
  ['POST', /^\/connectors\/[^/]+\/restart\/?$/],
  ['POST', /^\/connectors\/[^/]+\/tasks\/[^/]+\/restart\/?$/],
  ['PATCH DELETE', /^\/connectors\/[^/]+\/offsets\/?$/],
  ['PUT', /^\/connectors\/[^/]+\/topics\/reset\/?$/],
  ['PUT', /^\/admin\/loggers\/[^/]+\/?$/],
]

const LOOKING = ['GET', 'HEAD', 'OPTIONS']

/**
 * What a request needs: a reader may look, an operator act on what is there, and everything else is for an admin, so that a
 * route that is added is not open by mistake. To validate is an admin's: it runs a plugin's own checks with what the worker
 * may reach. Null: whoever asks, as probes of a platform show no credentials.
 */
export function neededRole(method: string, path: string): Role | null {
  if (LOOKING.includes(method)) return /^\/health\/?$/.test(path) ? null : 'reader'
  const isOperation = OPERATION.some(
    ([methods, pattern]) => methods.split(' ').includes(method) && pattern.test(path),
  )
  return isOperation ? 'operator' : 'admin'
}

/** Whether a request is one that is told of in the audit log. */
export function isChange(method: string, path: string): boolean {
  return !LOOKING.includes(method) && !/^\/connector-plugins\/[^/]+\/config\/validate\/?$/.test(path)
}
