import type { Request } from 'express'
import { invalidSchema, invalidVersion, notPermitted } from './errors.ts'
import { bodyOf, flag, parameter } from './http.ts'
import type { Registry } from './registry.ts'
import type { SchemaContent } from './registry-state.ts'
import { decodeReferences } from './topic-records.ts'
import type { SchemaVersion } from './topic-records.ts'

/** The schema of a request body `{"schema", "schemaType"?, "references"?}`; unknown properties are ignored. */
export function schemaOf(request: Request): SchemaContent {
  const body = bodyOf(request)
  const { schema, schemaType, id, version } = body
  if (typeof schema !== 'string' || schema.trim() === '')
    throw invalidSchema('the request has no "schema" text')
  if (schemaType !== undefined && schemaType !== null && typeof schemaType !== 'string') {
    throw invalidSchema('"schemaType" must be a string')
  }
  const references = decodeReferences(body['references'])
  if (references === null) {
    throw invalidSchema(
      '"references" must be a list of {"name": string, "subject": string, "version": number}',
    )
  }
  if (isGiven(id) || isGiven(version)) {
    throw notPermitted(
      'a schema cannot be registered with an id or version of its own; leave "id" and "version" out',
    )
  }
  return { schema, schemaType: schemaType ?? 'AVRO', references }
}

const isGiven = (number: unknown) => typeof number === 'number' && number > 0

/** The version that the path names: a number, `latest` or -1. */
export function versionOf(registry: Registry, request: Request, isDeletedIncluded: boolean): SchemaVersion {
  const subject = parameter(request, 'subject')
  const given = parameter(request, 'version')
  const found = isLatest(given)
    ? registry.liveVersions(subject).at(-1)
    : registry.state.version(subject, versionNumber(given))
  if (found === undefined || (found.deleted && !isDeletedIncluded)) {
    throw registry.missingVersion(subject, given, isDeletedIncluded)
  }
  return found
}

export const isLatest = (given: string) => given === 'latest' || given === '-1'

function versionNumber(given: string): number {
  const number = /^\d{1,10}$/.test(given) ? Number(given) : 0
  if (number < 1 || number > 0x7fffffff) throw invalidVersion(given)
  return number
}

export const isDeletedWanted = (request: Request) => flag(request, 'deleted')

/** As the API shows a version. */
export function shownVersion({ subject, version, id, ...content }: SchemaVersion) {
  return { subject, version, id, ...shownContent(content) }
}

/** As the API shows a schema: type and references are left out where they say nothing. */
export function shownContent({ schemaType, references, schema }: SchemaContent) {
  return {
    ...(schemaType === 'AVRO' ? {} : { schemaType }),
    ...(references.length === 0 ? {} : { references }),
    schema,
  }
}
