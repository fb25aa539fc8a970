/** The attributes that several kinds of Avro schema share. */
import { isPrimitive } from './avro-schema.ts'
import type { AvroName } from './avro-schema.ts'
import { invalidSchema } from './errors.ts'
import { isJsonArray, writeJson } from './json.ts'
import type { JsonObject } from './json.ts'

/** Name, doc and aliases of a named type; names take the namespace around them. */
export function namedParts(json: JsonObject, space: string | null) {
  const given = text(json, 'name')
  if (given === null) throw invalidSchema(`no name in ${shorten(writeJson(json))}`)
  const name = avroName(given, text(json, 'namespace') ?? space)
  if (isPrimitive(name.full)) throw invalidSchema(`a type may not be named after a primitive: ${name.full}`)
  for (const part of name.space?.split('.') ?? []) checkName(part)
  return {
    name,
    doc: text(json, 'doc'),
    aliases: aliases(json).map((alias) => avroName(alias, name.space)),
  }
}

function avroName(given: string, defaultSpace: string | null): AvroName {
  const dot = given.lastIndexOf('.')
  const name = given.slice(dot + 1)
  checkName(name)
  const space = (dot < 0 ? defaultSpace : given.slice(0, dot)) || null
  return { name, space, full: space === null ? name : `${space}.${name}` }
}

/** Letters of any script, as Java Avro allows them. */
export function checkName(name: string): void {
  if (/^[\p{L}_][\p{L}\p{Nd}_]*$/u.test(name)) return
  throw invalidSchema(name === '' ? 'a name is empty' : `"${shorten(name)}" is not a valid name`)
}

export function aliases(json: JsonObject): readonly string[] {
  const given = json.get('aliases')
  if (given === undefined) return []
  if (!isJsonArray(given) || !given.every((alias) => typeof alias === 'string')) {
    throw invalidSchema(`aliases must be an array of strings in ${shorten(writeJson(json))}`)
  }
  return [...new Set(given)]
}

export function text(json: JsonObject, key: string): string | null {
  const value = json.get(key)
  return typeof value === 'string' ? value : null
}

export function props(json: JsonObject, reserved: readonly string[]): JsonObject {
  return new Map([...json].filter(([key]) => !reserved.includes(key)))
}

/** For messages. */
export const shorten = (given: string) => (given.length <= 200 ? given : `${given.slice(0, 200)}…`)
