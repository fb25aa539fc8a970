import type { Request, RequestHandler, Response } from 'express'
import { RequestError } from '../api/errors.ts'
import type { Logger } from '../api/log.ts'
import type { ModelDirectory } from '../worker/model-directory.ts'
import type { RunningWorker } from '../worker/worker.ts'
import type { RestAccess } from './access.ts'
import type { WriteAudit } from './audit.ts'
import { HttpError } from './errors.ts'

export type WorkerView = Pick<
  RunningWorker,
  'herder' | 'clusterId' | 'inGroup' | 'place' | 'sessionKeys' | 'peers' | 'signatures'
>

/** What the routes show: the worker once it runs. */
export interface RestContext {
  /** Undefined while the worker starts. */
  worker(): WorkerView | undefined
  /** Sluice's own version. */
  readonly version: string
  /** Host names besides loopback under which the API is reached. */
  readonly hosts: readonly string[]
  /** Whether other machines may ask at all. Default: no. */
  readonly network?: boolean
  /** Hosts of the members of the cluster as they are at present, each with or without a port. */
  members?(): readonly string[]
  readonly log: Logger
  /** Absent: whoever reaches the API may do everything. */
  readonly access?: RestAccess
  /** Absent: nobody is told what changes. */
  readonly audit?: WriteAudit
  /** Absent: no models are listed or taken. */
  readonly models?: ModelDirectory
}

export const STARTING = 'The worker is still starting up.'

/** The worker, or 503 while it starts. */
export function running(context: RestContext): WorkerView {
  const worker = context.worker()
  if (worker === undefined) throw new HttpError(503, STARTING)
  return worker
}

export function herderOf(context: RestContext): RunningWorker['herder'] {
  return running(context).herder
}

/** A parameter of the path; express has decoded it. */
export function pathParameter(request: Request, name: string): string {
  const value: unknown = request.params[name]
  if (typeof value === 'string') return value
  throw new RequestError('request.invalid', `The path lacks its ${name}.`)
}

export function taskNumber(request: Request): number {
  const text = pathParameter(request, 'task')
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new HttpError(404, `Unknown task number: ${text}`)
}

/** A flag of the query: `true` in any case, else false. Of several the first counts. */
export function flag(request: Request, name: string): boolean {
  return queryValues(request, name)[0]?.toLowerCase() === 'true'
}

export function queryValues(request: Request, name: string): string[] {
  const value: unknown = request.query[name]
  return (Array.isArray(value) ? value : [value]).filter((each): each is string => typeof each === 'string')
}

/** 400 where the query has a parameter that is not `known`, or one of them twice. */
export function refuseOtherQueries(request: Request, known: readonly string[]): void {
  for (const [name, value] of Object.entries(request.query)) {
    const shown = JSON.stringify(name.slice(0, 100))
    if (!known.includes(name))
      throw new HttpError(
        400,
        `There is no parameter ${shown} here. The parameters are: ${known.join(', ')}.`,
      )
    if (typeof value !== 'string')
      throw new HttpError(400, `The parameter ${shown} is there twice: send it once.`)
  }
}

/** For the end of each route: OPTIONS is told which methods there are, any other method 405. Both name them in `Allow`. */
export const methodNotAllowed: RequestHandler = (request, response) => {
  const allowed = methodsOf(request.route)
  response.set('Allow', allowed)
  if (request.method !== 'OPTIONS') throw new HttpError(405, `${request.method} is not allowed here.`)
  response.type('text/plain').send(allowed)
}

function methodsOf(route: unknown): string {
  const { stack } = route as { readonly stack: readonly { readonly method?: string }[] }
  const methods = new Set(stack.flatMap(({ method }) => (method === undefined ? [] : [method.toUpperCase()])))
  return [...methods, ...(methods.has('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ')
}

/** The absolute URL of a connector, for `Location`. */
export function locate(request: Request, response: Response, connector: string): void {
  const host = request.get('host') ?? ''
  response.location(`${request.protocol}://${host}/connectors/${encodeURIComponent(connector)}`)
}
