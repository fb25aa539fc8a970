import express, { type Request, type RequestHandler } from 'express'
import type { NewVersion } from '../worker/model-directory.ts'
import { checkDigest } from './access.ts'
import { queryValues, refuseOtherQueries } from './context.ts'
import { HttpError } from './errors.ts'
import { type Part, readParts } from './multipart.ts'

const LARGEST_MIB = 64
const BYTES = 'application/octet-stream'
const FORM = 'multipart/form-data'

type SentModel = Omit<NewVersion, 'name' | 'version'>

/** Both types are sent by PUT alone, which a page of another origin may not without being asked (CORS). */
export const requireModelType: RequestHandler = (request, _response, next) => {
  const type = typeOf(request)
  if (type !== BYTES && type !== FORM)
    throw new HttpError(415, `The body must be a model file as ${BYTES}, or the parts of a ${FORM}. ${HINT}`)
  next()
}

/** Before the body is read: a version that is misspelt would else become another one. */
export const requireModelQuery: RequestHandler = (request, _response, next) => {
  refuseOtherQueries(request, typeOf(request) === FORM ? ['version'] : ['version', 'file'])
  next()
}

const readBytes: RequestHandler = express.raw({
  type: () => true,
  limit: LARGEST_MIB * 2 ** 20,
  verify: checkDigest,
})

export const readModelBody: RequestHandler = (request, response, next) =>
  readBytes(request, response, (error?: unknown) => {
    const isTooLarge = error instanceof Error && 'status' in error && error.status === 413
    const advice = 'Copy the model into its folder below models.dir.'
    next(isTooLarge ? new HttpError(413, `The body is larger than ${LARGEST_MIB} MiB. ${advice}`) : error)
  })

/** What a request that was read holds: the model file alone, named by `?file=`, or as parts of a form (RFC 7578). */
export function sentModel(request: Request): SentModel {
  const body: unknown = request.body
  if (!Buffer.isBuffer(body) || body.length === 0) throw new HttpError(400, `The body is empty. ${HINT}`)
  if (typeOf(request) === FORM) return sentParts(request, body)
  const [file = ''] = queryValues(request, 'file')
  return { file, bytes: body }
}

function typeOf(request: Request): string {
  const [type = ''] = (request.get('content-type') ?? '').toLowerCase().split(';')
  return type.trim()
}

const PARTS = ['model', 'manifest', 'probe']

function sentParts(request: Request, body: Buffer): SentModel {
  const parts = new Map<string, Part>()
  for (const part of readParts(body, request.get('content-type') ?? '')) {
    const shown = JSON.stringify(part.name.slice(0, 100))
    if (!PARTS.includes(part.name))
      throw new HttpError(400, `There is a part ${shown}: the parts are ${PARTS.join(', ')}. ${HINT}`)
    if (parts.has(part.name)) throw new HttpError(400, `There are two parts ${shown}: send each once.`)
    if (part.bytes.length === 0)
      throw new HttpError(400, `The part ${shown} is empty: fill it, or leave it out.`)
    parts.set(part.name, part)
  }
  const model = parts.get('model')
  if (model?.file == null) throw new HttpError(400, `There is no part "model" that is a file. ${HINT}`)
  const [manifest, probe] = [parts.get('manifest'), parts.get('probe')]
  return {
    file: model.file,
    bytes: model.bytes,
    ...(manifest === undefined ? {} : { manifest: manifest.bytes }),
    ...(probe === undefined ? {} : { probe: probe.bytes }),
  }
}

const HINT =
  'E.g.: curl -X PUT -F model=@fraud.zip -F manifest=@manifest.json -F probe=@probe.jsonl …/sluice/models/fraud'
