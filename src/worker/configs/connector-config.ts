import type { RawConfig } from '../../api/config.ts'
import { ConfigError, type ConfigProblem } from '../../api/errors.ts'
import { compilePattern } from '../../api/pattern.ts'
import { versionKey } from '../../runtime/plugins/configured-plugins.ts'
import { checkConnectorName } from '../../runtime/plugins/connector-keys.ts'
import { choose, converters, isNamed } from '../../runtime/plugins/plugins.ts'
import { exactlyOnceProblems } from '../../runtime/sink/exactly-once.ts'
import { topicList, topicReader } from '../../runtime/sink/read-topics.ts'
import { inOrder } from './config-infos.ts'
import { type KnownKey, knownKeys } from './known-keys.ts'
import { HEADER_CONVERTERS } from './worker-defaults.ts'

export interface CheckedConfig {
  readonly type: 'sink' | 'source' | 'unknown'
  readonly keys: readonly KnownKey[]
  /** Everything that is wrong and can be seen without opening a plugin. */
  readonly problems: readonly ConfigProblem[]
}

const MOST_KEYS = 1000
const LONGEST_VALUE = 64 * 1024
/** Checks a connector's whole configuration. Runs no code of plugins but their own pure checks. */
export function checkConnectorConfig(raw: RawConfig): CheckedConfig {
  const tooBig = sizeProblems(raw)
  if (tooBig.length > 0) return { type: 'unknown', keys: [], problems: tooBig }
  const { connector, keys, problems } = knownKeys(raw)
  const found = [...problems, ...nameProblems(raw, problems), ...headerProblems(raw)]
  // Nothing is asked of a class that nobody knows.
  if (connector?.kind === 'sink')
    found.push(...topicProblems(raw), ...taskProblems(raw), ...exactlyOnceProblems(raw, connector))
  // A connector's own check counts on values that are right each by itself.
  const own = connector?.config.parse(raw)
  if (connector !== undefined && own?.problems.length === 0)
    found.push(...(connector.validate?.(own.values, raw, topicReader(raw)) ?? []))
  return { type: connector?.kind ?? 'unknown', keys, problems: inOrder(distinct(found), keys) }
}

function sizeProblems(raw: RawConfig): ConfigProblem[] {
  const names = Object.keys(raw)
  if (names.length > MOST_KEYS) {
    return [
      { path: 'name', message: `A configuration has at most ${MOST_KEYS} keys, this one ${names.length}.` },
    ]
  }
  return names
    .filter((name) => (raw[name]?.length ?? 0) > LONGEST_VALUE)
    .map((path) => ({ path, message: `The value of ${path} is longer than ${LONGEST_VALUE} characters.` }))
}

/** Values are read without the control characters at their ends (Java's trim); a name is kept, and shown, as it is. */
function nameProblems({ name = '' }: RawConfig, found: readonly ConfigProblem[]): ConfigProblem[] {
  if (found.some(({ path }) => path === 'name')) return []
  const wrong = checkConnectorName(name.trim())
  const message = `Invalid value ${name} for configuration name: ${wrong ?? ''}`
  return wrong === undefined || name.trim() === '' ? [] : [{ path: 'name', message }]
}

/** A converter of headers that would change them is refused, never ignored. */
function headerProblems(raw: RawConfig): readonly ConfigProblem[] {
  const path = 'header.converter'
  const className = raw[path]?.trim()
  if (className === undefined) return []
  if (!HEADER_CONVERTERS.includes(className)) {
    const message = `${path}: headers travel as bytes; only SimpleHeaderConverter, StringConverter and ByteArrayConverter are accepted.`
    return [{ path, message }]
  }
  try {
    const key = versionKey.converter(path)
    const simple = className.slice(className.lastIndexOf('.') + 1)
    const known = converters.find((plugin) => isNamed(plugin, className))
    choose([known ?? { name: simple, version: '1.0.0' }], simple, { version: raw[key], key })
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems
  }
}

/** A sink makes as many tasks as `tasks.max` says, each of which costs memory and records in the workers' topics. */
const MOST_TASKS = 10_000

function taskProblems(raw: RawConfig): ConfigProblem[] {
  const most = Number(raw['tasks.max'] ?? 1)
  if (!(most > MOST_TASKS && most < 2 ** 31)) return []
  const message = `Invalid value ${most} for configuration tasks.max: Value must be no more than ${MOST_TASKS} for a sink, which makes so many tasks`
  return [{ path: 'tasks.max', message }]
}

function listProblems(path: string, text: string): ConfigProblem[] {
  const items = text.trim() === '' ? [] : text.split(',').map((item) => item.trim())
  const wrong = items.length > new Set(items).size ? 'duplicated' : items.includes('') ? 'empty' : undefined
  return wrong === undefined
    ? []
    : [{ path, message: `Configuration '${path}' values must not be ${wrong}.` }]
}

function topicProblems(raw: RawConfig): ConfigProblem[] {
  const topics = topicList(raw)
  const regex = raw['topics.regex']?.trim() ?? ''
  const hasTopics = (raw['topics'] ?? '').trim() !== ''
  const compiled = regex === '' ? undefined : compilePattern(regex)
  const problems = listProblems('topics', raw['topics'] ?? '')
  if (hasTopics === (regex !== '')) {
    const message =
      regex === ''
        ? 'Must configure one of topics or topics.regex'
        : 'topics and topics.regex are mutually exclusive options, but both are set.'
    problems.push(...['topics', 'topics.regex'].map((path) => ({ path, message })))
  }
  if (compiled !== undefined && 'problem' in compiled) {
    const message = `Invalid value ${regex} for configuration topics.regex: Invalid regex: ${compiled.problem}`
    problems.push({ path: 'topics.regex', message })
  }
  const deadLetters = raw['errors.deadletterqueue.topic.name']?.trim() ?? ''
  if (deadLetters === '') return problems
  const [words, path, shown] = hasTopics
    ? ['included in the list of topics', 'topics', `[${topics.join(', ')}]`]
    : ['matched by the regex for the topics', 'topics.regex', regex]
  if (topics.includes(deadLetters) || topicReader({ 'topics.regex': regex })(deadLetters)) {
    const message = `The DLQ topic '${deadLetters}' may not be ${words} ('${path}=${shown}') consumed by the connector`
    problems.push({ path, message })
  }
  return problems
}

function distinct(problems: readonly ConfigProblem[]): ConfigProblem[] {
  return [...new Map(problems.map((p) => [`${p.path} ${p.message}`, p])).values()]
}

/** Keys of a configuration that nothing defines. They are accepted, as in Kafka Connect, and logged once. */
export function unknownKeys(raw: RawConfig, keys: readonly KnownKey[]): string[] {
  const known = new Set(keys.map(({ name }) => name))
  return Object.keys(raw).filter((name) => !known.has(name))
}
