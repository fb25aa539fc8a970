import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { ConfigError, messageOf } from '../../api/errors.ts'
import { parseProperties } from '../../runtime/config-providers/properties-file.ts'

/** The settings in a file of JSON (`.json`) or Java properties. @throws ConfigError */
export function readFile(file: string): Map<string, string> {
  let content: string
  try {
    content = readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConfigError([{ path: file, message: `cannot be read: ${messageOf(error)}` }])
  }
  if (content.includes('\0'))
    throw new ConfigError([{ path: file, message: 'is not a text. Name a file of settings.' }])
  return extname(file) === '.json' ? fromJson(file, content) : parseProperties(content)
}

function fromJson(file: string, content: string): Map<string, string> {
  let data: unknown
  try {
    data = JSON.parse(content)
  } catch (error) {
    throw new ConfigError([{ path: file, message: `is not JSON: ${messageOf(error)}` }])
  }
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    throw new ConfigError([{ path: file, message: 'must hold one JSON object of settings.' }])
  return new Map(
    Object.entries(data).map(([key, value]: [string, unknown]) => [key, settingText(key, value)]),
  )
}

function settingText(key: string, value: unknown): string {
  if (Array.isArray(value)) return value.map((item: unknown) => settingText(key, item)).join(',')
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return String(value)
  throw new ConfigError([
    { path: key, message: 'must be a string, a number, true, false or a list of these.' },
  ])
}

/**
 * `CONNECT_BOOTSTRAP_SERVERS` is `bootstrap.servers`, as in Confluent's images: `_` is a dot, `__` an underscore,
 * `___` a dash.
 */
export function fromEnvironment(env: NodeJS.ProcessEnv): Map<string, string> {
  const found = new Map<string, string>()
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('CONNECT_') || value === undefined) continue
    const parts = name.slice('CONNECT_'.length).toLowerCase().split(/(_+)/)
    const key = parts.map((part) => ({ _: '.', __: '_', ___: '-' })[part] ?? part).join('')
    if (key !== '') found.set(key, value)
  }
  return found
}
