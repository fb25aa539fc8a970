import { type Response, Router } from 'express'
import { RequestError } from '../api/errors.ts'
import type { SourceMap } from '../api/plugins.ts'
import { type GivenOffset, sourceMapProblem } from '../worker/connector-offsets.ts'
import { jsonBody, type JsonObject } from './body.ts'
import { herderOf, methodNotAllowed, pathParameter, type RestContext } from './context.ts'

/** `/connectors/{connector}/offsets`. */
export function offsetRoutes(context: RestContext): Router {
  const router = Router({ caseSensitive: true })
  router
    .route('/connectors/:connector/offsets')
    .get(async (request, response) => {
      const offsets = await herderOf(context).offsets.list(pathParameter(request, 'connector'))
      sendExact(response, { offsets })
    })
    .patch(async (request, response) => {
      const name = pathParameter(request, 'connector')
      const offsets = offsetsOf(jsonBody(request, 'exact'))
      if (offsets.length === 0) {
        const message = 'Partitions / offsets need to be provided for an alter offsets request'
        throw new RequestError('request.invalid', message)
      }
      response.json({ message: await herderOf(context).alterOffsets(name, offsets) })
    })
    .delete(async (request, response) => {
      response.json({ message: await herderOf(context).resetOffsets(pathParameter(request, 'connector')) })
    })
    .all(methodNotAllowed)
  return router
}

function offsetsOf(body: JsonObject): GivenOffset[] {
  const unknown = Object.keys(body).find((key) => key !== 'offsets')
  if (unknown !== undefined) throw wrong(`it has the key "${unknown}", and only "offsets" is known`)
  const offsets = body['offsets'] ?? []
  if (!Array.isArray(offsets)) throw wrong('"offsets" is not a list')
  return offsets.map((each: unknown) => {
    if (!isObject(each)) throw wrong('an offset is not an object with a partition and an offset')
    const unknown = Object.keys(each).find((key) => key !== 'partition' && key !== 'offset')
    if (unknown !== undefined)
      throw wrong(`an offset has the key "${unknown}", and only "partition" and "offset" are known`)
    const { partition = null, offset = null } = each
    return {
      partition: partition === null ? null : sourceMap(partition, 'a partition'),
      offset: offset === null ? null : sourceMap(offset, 'an offset'),
    }
  })
}

function sourceMap(value: unknown, what: string): SourceMap {
  const problem = sourceMapProblem(value)
  if (problem !== undefined) throw wrong(`${what} ${problem}`)
  return value as SourceMap
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null
}

function wrong(why: string): RequestError {
  return new RequestError('request.invalid', `The request body cannot be understood: ${why}.`)
}

/** Integers beyond 2^53 keep all their digits. */
function sendExact(response: Response, body: object): void {
  const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown }
  const text = JSON.stringify(body, (_key, value: unknown) =>
    typeof value === 'bigint' ? rawJSON(String(value)) : value,
  )
  response.type('application/json').send(text)
}
