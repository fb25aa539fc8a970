import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { RawConfig } from '../api/config.ts'
import { CommandError, messageOf } from '../api/errors.ts'
import { parseProperties } from '../runtime/config-providers/properties-file.ts'

type Json = Readonly<Record<string, unknown>>
type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown

/**
 * The configuration of a connector in a file: JSON, as `{"name": …, "config": {…}}` or a flat object, or Java properties
 * (`.properties`).
 * @throws CommandError `config.file`
 */
export async function readConnectorFile(file: string): Promise<RawConfig> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw wrong(`${file} cannot be read: ${messageOf(error)}`, error)
  })
  if (path.extname(file) === '.properties') return Object.fromEntries(parseProperties(text))
  const json = parsed(file, text)
  const { name, config } = json
  if (!isObject(config)) return configOf(file, json)
  const values = configOf(file, config)
  if (name === undefined) return values
  if (typeof name !== 'string') throw wrong(`${file}: "name" must be a string`)
  if (values['name'] !== undefined && values['name'] !== name)
    throw wrong(`${file}: the name in "config", ${values['name']}, is not "name", ${name}`)
  return { name, ...values }
}

/** The values of a configuration as texts: numbers as they were written. */
export function configOf(where: string, json: Json): Record<string, string> {
  const entries = Object.entries(json).map(([key, value]): [string, string] => {
    if (typeof value === 'string') return [key, value]
    if (typeof value === 'boolean') return [key, String(value)]
    throw wrong(`${where}: the value of "${key}" must be a string, not a list, an object or null`)
  })
  return Object.fromEntries(entries)
}

/** Numbers are the text that they were written in. */
function parsed(file: string, text: string): Json {
  const asWritten: Reviver = (_key, value, { source }) => (typeof value === 'number' ? source : value)
  let json: unknown
  try {
    json = (JSON.parse as (text: string, reviver: Reviver) => unknown)(text, asWritten)
  } catch (error) {
    throw wrong(`${file} is not JSON: ${messageOf(error)}`, error)
  }
  if (isObject(json)) return json
  throw wrong(`${file} holds no JSON object: write {"name": …, "config": {…}}`)
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function wrong(message: string, cause?: unknown): CommandError {
  return new CommandError('config.file', message, { cause })
}
