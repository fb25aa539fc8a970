import { type ConfigKey, type ConfigType, type Importance, key, type RawConfig } from '../../api/config.ts'
import { sinkKeys } from '../../runtime/plugins/connector-keys.ts'
import { ignoredSourceKeys, sourceKeys } from '../../runtime/source/source-keys.ts'
import type { KnownKey } from './key-finder.ts'
import { overrideKeys } from './override-keys.ts'

type ClientName = 'consumer' | 'producer' | 'admin'
type Row = readonly [type: ConfigType, importance: Importance, default_: string | null]

/** How Kafka's own clients define the settings that connectors override most: types, importances and defaults. */
const CLIENT_KEYS: Readonly<Record<string, Row>> = {
  'consumer.auto.offset.reset': ['STRING', 'MEDIUM', 'latest'],
  'consumer.isolation.level': ['STRING', 'MEDIUM', 'read_uncommitted'],
  'consumer.group.id': ['STRING', 'HIGH', null],
  'consumer.session.timeout.ms': ['INT', 'HIGH', '45000'],
  'consumer.metadata.max.age.ms': ['LONG', 'LOW', '300000'],
  'consumer.max.poll.records': ['INT', 'MEDIUM', '500'],
  'consumer.max.poll.interval.ms': ['INT', 'MEDIUM', '300000'],
  'consumer.fetch.min.bytes': ['INT', 'HIGH', '1'],
  'consumer.fetch.max.bytes': ['INT', 'MEDIUM', '52428800'],
  'consumer.max.partition.fetch.bytes': ['INT', 'HIGH', '1048576'],
  'producer.compression.type': ['STRING', 'HIGH', 'none'],
  'producer.linger.ms': ['LONG', 'MEDIUM', '5'],
  'producer.batch.size': ['INT', 'MEDIUM', '16384'],
  'producer.buffer.memory': ['LONG', 'HIGH', '33554432'],
  'producer.retries': ['INT', 'HIGH', '2147483647'],
  'producer.acks': ['STRING', 'LOW', 'all'],
  'producer.enable.idempotence': ['BOOLEAN', 'LOW', 'true'],
  'producer.delivery.timeout.ms': ['INT', 'MEDIUM', '120000'],
  'producer.max.request.size': ['INT', 'MEDIUM', '1048576'],
  'producer.max.in.flight.requests.per.connection': ['INT', 'LOW', '5'],
}

const PARSERS: Partial<Record<ConfigType, ConfigKey['parse']>> = {
  INT: key.int({ doc: '' }).parse,
  LONG: key.long({ doc: '' }).parse,
  BOOLEAN: key.boolean({ doc: '' }).parse,
}
const OWN: Readonly<Record<string, ConfigKey>> = {
  ...sinkKeys.keys,
  ...overrideKeys.keys,
  ...sourceKeys.keys,
  ...ignoredSourceKeys.keys,
}

/** The overrides that a configuration has for the clients that its connector uses, in Kafka Connect's order. */
export function givenOverrides(raw: RawConfig, kind: 'sink' | 'source'): KnownKey[] {
  return clientsOf(raw, kind).flatMap((client) => {
    const prefix = `${client}.override.`
    const given = Object.keys(raw)
      .filter((name) => name.startsWith(prefix))
      .sort()
    return given.map((name) => overrideOf(client, name, name.slice(prefix.length)))
  })
}

/** Sinks read, and write dead letters alone; sources write. What makes topics is used where a configuration asks for some. */
function clientsOf(raw: RawConfig, kind: 'sink' | 'source'): readonly ClientName[] {
  if (kind === 'source') {
    const creates = Object.keys(raw).some((name) => name.startsWith('topic.creation.'))
    return creates ? ['producer', 'admin'] : ['producer']
  }
  const hasDeadLetters = (raw['errors.deadletterqueue.topic.name'] ?? '').trim() !== ''
  return hasDeadLetters ? ['producer', 'consumer', 'admin'] : ['consumer']
}

function overrideOf(client: ClientName, name: string, ownName: string): KnownKey {
  const row = CLIENT_KEYS[`${client}.${ownName}`]
  const doc = OWN[name]?.doc ?? `The setting ${ownName} of this connector's own ${client}.`
  const text = key.string({ doc, optional: true }) as ConfigKey
  if (row === undefined) return { name, ownName, key: text, group: null, isUndefined: true }
  const [type, importance, byDefault] = row
  const parse = PARSERS[type] ?? text.parse
  const definition: ConfigKey = {
    ...text,
    type,
    importance,
    parse,
    ...(byDefault === null ? {} : { default: byDefault }),
  }
  return { name, ownName, key: definition, group: null }
}
