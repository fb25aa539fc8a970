import express, { type Request, type RequestHandler } from 'express'
import { RequestError } from '../api/errors.ts'
import { checkDigest } from './access.ts'
import { HttpError } from './errors.ts'

const LARGEST = 1024 * 1024
const DEEPEST = 16
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype'])

/**
 * Reads a body of any type up to 1 MiB (413 above), so that a body that is not JSON can be refused on every route: a
 * page of another origin can send other types without being asked (415).
 */
export function readBody(): RequestHandler[] {
  return [
    express.raw({ type: () => true, limit: LARGEST, verify: checkDigest }),
    (request, _response, next) => {
      const body: unknown = request.body
      if (Buffer.isBuffer(body) && body.length > 0) requireJsonType(request)
      next()
    },
  ]
}

export function requireJsonType(request: Request): void {
  const [type = '', ...parameters] = (request.get('content-type') ?? '').toLowerCase().split(';')
  if (type.trim() !== 'application/json')
    throw new HttpError(415, 'The body must be JSON, with the header Content-Type: application/json.')
  const charset = parameters.map((each) => each.trim()).find((each) => each.startsWith('charset='))
  if (charset !== undefined && !/^charset="?utf-?8"?$/.test(charset))
    throw new HttpError(415, 'The body must be encoded in UTF-8.')
}

export type JsonObject = Readonly<Record<string, unknown>>

/**
 * The body as a JSON object. Numbers are the `text` they were written in; or `exact`: numbers, and bigints beyond 2^53. Of
 * equal keys the last one counts.
 */
export function jsonBody(request: Request, numbers: 'text' | 'exact' = 'text'): JsonObject {
  const body: unknown = request.body
  const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0)
  if (bytes.length === 0) {
    requireJsonType(request)
    throw malformed('it is empty')
  }
  const data = parse(decode(bytes), numbers)
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    throw malformed('it is not a JSON object')
  return data as JsonObject
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw malformed('it is not UTF-8')
  }
}

type Reviver = (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown

function parse(text: string, numbers: 'text' | 'exact'): unknown {
  if (depth(text) > DEEPEST) throw malformed(`it is nested deeper than ${DEEPEST} levels`)
  const revive: Reviver = (key, value, { source }) => {
    if (FORBIDDEN_KEYS.has(key)) throw malformed(`it has the key "${key}", which is not allowed`)
    if (typeof value !== 'number' || source === undefined) return value
    if (numbers === 'text') return source
    return Number.isSafeInteger(value) || !/^-?\d+$/.test(source) ? value : BigInt(source)
  }
  try {
    return (JSON.parse as (text: string, reviver: Reviver) => unknown)(text, revive)
  } catch (error) {
    throw error instanceof RequestError ? error : malformed('it is not valid JSON')
  }
}

/** How deep brackets nest outside of strings; found before parsing, which would build it all. */
function depth(text: string): number {
  let [now, deepest] = [0, 0]
  for (const token of text.match(/"(?:[^"\\]|\\[^])*"|[[\]{}]/g) ?? []) {
    if (token === '{' || token === '[') deepest = Math.max(deepest, ++now)
    else if (token === '}' || token === ']') now--
  }
  return deepest
}

function malformed(why: string): RequestError {
  return new RequestError('request.invalid', `The request body cannot be understood: ${why}.`)
}

/** A configuration: scalars become strings as they were written; lists and objects are refused, and null unless allowed. */
export function stringMap(data: unknown, what: string): Record<string, string> {
  const entries = Object.entries(nullableStringMap(data, what))
  const missing = entries.find(([, value]) => value === null)
  if (missing !== undefined)
    throw new RequestError(
      'request.invalid',
      `The value of "${missing[0]}" is null. Leave the key out instead.`,
    )
  return Object.fromEntries(entries.map(([key, value]) => [key, value ?? '']))
}

export function nullableStringMap(data: unknown, what: string): Record<string, string | null> {
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    throw new RequestError('request.invalid', `${what} must be an object of strings.`)
  return Object.fromEntries(
    Object.entries(data).map(([key, value]: [string, unknown]) => {
      if (value === null || typeof value === 'string') return [key, value]
      if (typeof value === 'boolean') return [key, String(value)]
      throw new RequestError(
        'request.invalid',
        `The value of "${key}" must be a string, not a list or an object.`,
      )
    }),
  )
}
