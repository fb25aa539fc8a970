import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import type { RawConfig } from '../../api/config.ts'
import { CommandError, messageOf } from '../../api/errors.ts'
import { parseProperties } from '../../runtime/config-providers/properties-file.ts'
import { type TargetState, targetOf } from '../stores/config-state.ts'

/** A connector that a file describes. */
export interface ConnectorFile {
  readonly file: string
  readonly name: string
  readonly config: RawConfig
  /** Undefined: it starts. */
  readonly target: TargetState | undefined
}

/**
 * Reads the description of a connector, in one of the three forms that Kafka Connect knows: a JSON object of its
 * configuration with `name`; a JSON object as it is posted to REST, with `name`, `config` and `initial_state`; Java
 * properties with `name`.
 * @throws CommandError `config.file`
 */
export function readConnectorFile(file: string): ConnectorFile {
  const text = readText(file)
  const data = parsedJson(file, text)
  if (data === undefined) return named(file, Object.fromEntries(parseProperties(text)))
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    throw wrong(file, 'must hold one JSON object: {"name": …, "config": {…}}')
  const body = data as Readonly<Record<string, unknown>>
  const { config } = body
  if (typeof config !== 'object' || config === null) return named(file, texts(file, body))
  return posted(file, body, texts(file, config))
}

/**
 * Of several files, each with another connector.
 * @throws CommandError `config.file`
 */
export function readConnectorFiles(files: readonly string[]): ConnectorFile[] {
  const read = files.map(readConnectorFile)
  for (const [i, { file, name }] of read.entries()) {
    const before = read.slice(0, i).find((other) => other.name === name)
    if (before !== undefined)
      throw wrong(file, `describes connector ${name}, as ${before.file} does: each needs a name of its own`)
  }
  return read
}

function posted(file: string, body: Readonly<Record<string, unknown>>, config: RawConfig): ConnectorFile {
  const { name: given, initial_state: state } = body
  const name = typeof given === 'string' ? given.trim() : (config['name']?.trim() ?? '')
  if (name === '') throw nameless(file)
  if (config['name'] !== undefined && config['name'].trim() !== name)
    throw wrong(
      file,
      `names its connector ${name}, and ${config['name'].trim()} in its config: make them the same, or leave one out`,
    )
  const target = targetOf(state)
  if (target === undefined && state !== undefined && state !== null)
    throw wrong(file, 'has an initial_state that is not RUNNING, PAUSED or STOPPED')
  return { file, name, config, target }
}

function named(file: string, config: RawConfig): ConnectorFile {
  const name = config['name']?.trim() ?? ''
  if (name === '') throw nameless(file)
  return { file, name, config, target: undefined }
}

function readText(file: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw wrong(file, `cannot be read: ${messageOf(error)}`)
  }
  if (text.includes('\0')) throw wrong(file, 'is not a text')
  return text
}

type Reviver = (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown

/** Numbers are the text that they were written in. Undefined where it is no JSON, and need not be. */
function parsedJson(file: string, text: string): unknown {
  const revive: Reviver = (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined ? source : value
  try {
    return (JSON.parse as (text: string, reviver: Reviver) => unknown)(text, revive)
  } catch (error) {
    if (extname(file) !== '.json' && !text.trimStart().startsWith('{')) return undefined
    throw wrong(file, `is not JSON: ${messageOf(error)}`)
  }
}

function texts(file: string, data: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]: [string, unknown]) => {
      if (typeof value === 'string' || typeof value === 'boolean') return [key, String(value)]
      throw wrong(file, `must have a text, a number, true or false as "${key}"`)
    }),
  )
}

function nameless(file: string): CommandError {
  return wrong(file, 'does not name its connector', 'add the key "name"')
}

function wrong(file: string, what: string, suggestion?: string): CommandError {
  const details = suggestion === undefined ? {} : { suggestion }
  return new CommandError('config.file', `The connector file ${file} ${what}`, details)
}
