import type { RequestStep, Step } from '../rest-replay.ts'

/** Java's names, which Sluice takes too: these scripts are the same, letter by letter, at both workers. */
export const SINK = 'org.apache.kafka.connect.file.FileStreamSinkConnector'
export const SOURCE = 'org.apache.kafka.connect.file.FileStreamSourceConnector'
export const CONVERTERS = {
  bytes: 'org.apache.kafka.connect.converters.ByteArrayConverter',
  json: 'org.apache.kafka.connect.json.JsonConverter',
  string: 'org.apache.kafka.connect.storage.StringConverter',
  simple: 'org.apache.kafka.connect.storage.SimpleHeaderConverter',
} as const
export const TRANSFORMS = 'org.apache.kafka.connect.transforms'

type Values = Readonly<Record<string, unknown>>

export function sinkConfig(more: Values = {}): Values {
  return { 'connector.class': SINK, topics: '{topic}', file: '/dev/null', ...more }
}

export function sourceConfig(more: Values = {}): Values {
  return { 'connector.class': SOURCE, topic: '{topic}-lines', file: '{folder}/lines.txt', ...more }
}

/** One whose lines can be written: the workers' converters take bytes alone, and the broker creates no topics. */
export function runningSource(more: Values = {}): Values {
  return sourceConfig({
    'key.converter': CONVERTERS.string,
    'value.converter': CONVERTERS.string,
    'topic.creation.default.partitions': '1',
    'topic.creation.default.replication.factor': '1',
    ...more,
  })
}

export function request(id: string, method: string, path: string, body?: unknown): RequestStep {
  return { id, method, path, ...(body === undefined ? {} : { body }) }
}

export function raw(id: string, method: string, path: string, text: string, type?: string): RequestStep {
  return { id, method, path, raw: text, type: type ?? 'application/json' }
}

/** `validate`, whose whole answer is compared. */
export function validate(id: string, body: Values, plugin: string = SINK): RequestStep {
  const path = `/connector-plugins/${plugin}/config/validate`
  return { id: `validate: ${id}`, method: 'PUT', path, body, whole: true }
}

/** The keys of a plugin. */
export function keysOf(plugin: string, query = ''): RequestStep {
  return {
    id: `keys of ${plugin}${query}`,
    method: 'GET',
    path: `/connector-plugins/${plugin}/config${query}`,
  }
}

export function settled(connector: string, state: string, tasks: readonly string[]): Step {
  return { await: connector, state, tasks }
}

/** Asks until the answer has this text in it. */
export function until(path: string, has: string): Step {
  return { until: path, has }
}
