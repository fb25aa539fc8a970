import type { RawConfig } from '../../api/config.ts'
import { ConfigError, type ConfigProblem } from '../../api/errors.ts'
import { compilePattern } from '../../api/pattern.ts'
import { versionKey } from '../../runtime/plugins/configured-plugins.ts'
import { checkConnectorName } from '../../runtime/plugins/connector-keys.ts'
import { choose, converters, isNamed } from '../../runtime/plugins/plugins.ts'
import { topicList, topicReader } from '../../runtime/sink/read-topics.ts'
import { type KnownKey, knownKeys } from './known-keys.ts'

export interface CheckedConfig {
  readonly type: 'sink' | 'source' | 'unknown'
  readonly keys: readonly KnownKey[]
  /** Everything that is wrong and can be seen without opening a plugin. */
  readonly problems: readonly ConfigProblem[]
}

const MOST_KEYS = 1000
const LONGEST_VALUE = 64 * 1024
/**
 * Headers travel as the bytes they are. These give the same: a transform that makes a header writes its text, and none
 * reads the values of others. Any other converter would change them.
 */
const HEADER_CONVERTERS = [
  'SimpleHeaderConverter',
  'org.apache.kafka.connect.storage.SimpleHeaderConverter',
  'StringConverter',
  'org.apache.kafka.connect.storage.StringConverter',
  'ByteArrayConverter',
  'org.apache.kafka.connect.converters.ByteArrayConverter',
]

/** Checks a connector's whole configuration. Runs no code of plugins but their own pure checks. */
export function checkConnectorConfig(raw: RawConfig): CheckedConfig {
  const tooBig = sizeProblems(raw)
  if (tooBig.length > 0) return { type: 'unknown', keys: [], problems: tooBig }
  const { connector, keys, problems } = knownKeys(raw)
  const found = [...problems, ...nameProblems(raw), ...headerProblems(raw)]
  if (connector?.kind === 'sink') found.push(...topicProblems(raw)) // nothing is asked of a class that nobody knows
  // A connector's own check counts on values that are right each by itself.
  const own = connector?.config.parse(raw)
  if (connector !== undefined && own?.problems.length === 0)
    found.push(...(connector.validate?.(own.values, raw, topicReader(raw)) ?? []))
  return { type: connector?.kind ?? 'unknown', keys, problems: distinct(found) }
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
function nameProblems({ name = '' }: RawConfig): ConfigProblem[] {
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

function topicProblems(raw: RawConfig): ConfigProblem[] {
  const topics = topicList(raw)
  const regex = raw['topics.regex']?.trim() ?? ''
  const compiled = regex === '' ? undefined : compilePattern(regex)
  const problems: ConfigProblem[] = []
  if (topics.length > 0 === (regex !== '')) {
    const message =
      regex === ''
        ? 'Must configure one of topics or topics.regex'
        : 'topics and topics.regex are mutually exclusive options, but both are set.'
    problems.push(...['topics', 'topics.regex'].map((path) => ({ path, message })))
  }
  if (compiled !== undefined && 'problem' in compiled) {
    const message = `Invalid value ${regex} for configuration topics.regex: ${compiled.problem}`
    problems.push({ path: 'topics.regex', message })
  }
  const deadLetters = raw['errors.deadletterqueue.topic.name']?.trim() ?? ''
  if (topics.includes(deadLetters) || topicReader({ 'topics.regex': regex })(deadLetters)) {
    const path = 'errors.deadletterqueue.topic.name'
    const message = `The dead letter topic ${deadLetters} is one of the topics that the connector reads. Choose another.`
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
