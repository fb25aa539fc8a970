import { type ConfigKeys, key } from '../../api/config.ts'
import type { ConfigProblem } from '../../api/errors.ts'

const JAVA_CLASSES = 'It is about classes of Java, which there are none of here.'
const NO_LATEST = 'The latest version of a subject is not used (`use.latest.version`).'

/**
 * Keys of Confluent's AvroConverter, its serializer and its registry client that change nothing here, and why. Where one is
 * given, the task's log names it once.
 */
const IGNORED: Readonly<Record<string, string>> = {
  'max.schemas.per.subject': 'A task keeps each schema that it has met.',
  'schemas.cache.config': 'A task keeps each schema that it has met.',
  'latest.compatibility.strict': NO_LATEST,
  'latest.cache.size': NO_LATEST,
  'latest.cache.ttl.sec': NO_LATEST,
  'id.compatibility.strict': 'Schemas are not chosen by id (`use.schema.id`).',
  'reference.subject.name.strategy': 'No schemas are registered to be referenced.',
  'rule.service.loader.enable': JAVA_CLASSES,
  'avro.reflection.allow.null': JAVA_CLASSES,
  'schema.reflection': JAVA_CLASSES,
  'http.connect.timeout.ms': '`http.read.timeout.ms` is for the whole request.',
  'retries.max.wait.ms': 'No wait is longer than 10 s.',
  'missing.cache.size': 'An id that the registry does not know is asked for again after 5 s.',
  'missing.id.cache.ttl.sec': 'An id that the registry does not know is asked for again after 5 s.',
  'missing.version.cache.ttl.sec': 'What the registry does not know is asked for again.',
  'missing.schema.cache.ttl.sec': 'What the registry does not know is asked for again.',
}

interface Refused {
  /** The values with which nothing changes. The first is the default. */
  readonly unless: readonly string[]
  /** What to do instead. */
  readonly instead: string
}

const off = (instead: string): Refused => ({ unless: ['false'], instead })
const unset = (instead: string): Refused => ({ unless: [''], instead })
const byClass = (...names: readonly string[]): Refused => ({
  unless: names,
  instead: 'Leave it out: records have the schema id as their first five bytes.',
})

/** Keys of the same that would change what is written or read: refused by name, so that nothing is silently otherwise. */
const REFUSED: Readonly<Record<string, Refused>> = {
  'use.latest.version': off('Output schemas are looked up, or registered, by their content.'),
  'use.latest.with.metadata': unset('Output schemas are looked up, or registered, by their content.'),
  'use.schema.id': {
    unless: ['-1'],
    instead: 'Output schemas are looked up, or registered, by their content.',
  },
  'propagate.schema.tags': off('Set tags in the registry.'),
  'schema.format': unset('Schemas are registered as they are written.'),
  'rule.executors': unset('Rules of a data contract are not run.'),
  'rule.actions': unset('Rules of a data contract are not run.'),
  'context.name.strategy': {
    unless: ['io.confluent.kafka.serializers.context.NullContextNameStrategy'],
    instead: 'Write the context into schema.registry.url: http://host:8081/contexts/.name.',
  },
  'key.schema.id.serializer': byClass('io.confluent.kafka.serializers.schema.id.PrefixSchemaIdSerializer'),
  'value.schema.id.serializer': byClass('io.confluent.kafka.serializers.schema.id.PrefixSchemaIdSerializer'),
  'key.schema.id.deserializer': byClass(
    'io.confluent.kafka.serializers.schema.id.DualSchemaIdDeserializer',
    'io.confluent.kafka.serializers.schema.id.PrefixSchemaIdDeserializer',
  ),
  'value.schema.id.deserializer': byClass(
    'io.confluent.kafka.serializers.schema.id.DualSchemaIdDeserializer',
    'io.confluent.kafka.serializers.schema.id.PrefixSchemaIdDeserializer',
  ),
  'schema.registry.basic.auth.user.info': unset('Use basic.auth.user.info.'),
  'proxy.host': unset('Name a registry that can be reached without a proxy.'),
  'proxy.port': { unless: ['', '-1'], instead: 'Name a registry that can be reached without a proxy.' },
  'avro.use.logical.type.converters': off('Decimals, dates and times are read as Kafka Connect has them.'),
  'avro.remove.java.properties': off('Remove avro.java.string from the schema itself.'),
  'specific.avro.reader': off('Records are read by the schema they were written with.'),
  'specific.avro.key.type': unset('Records are read by the schema they were written with.'),
  'specific.avro.value.type': unset('Records are read by the schema they were written with.'),
  'connect.meta.data': { unless: ['true'], instead: 'Schemas keep what Kafka Connect knows of them.' },
  'scrub.invalid.names': off(
    'Rename the fields with a transform: a name that Avro does not allow fails its record.',
  ),
  'generalized.sum.type.support': off('Unions are structs with a field per type, and enums are texts.'),
  'ignore.default.for.nullables': {
    unless: ['true'],
    instead: 'A null is never replaced by a default in Avro.',
  },
  'allow.optional.map.keys': off('A map with optional keys is an array of entries.'),
  'discard.type.doc.default': off('Schemas keep the docs and defaults of their types.'),
  'schema.backup.enabled': off('Copy the registry’s own topic.'),
}

/** The same of keys that only begin with these. */
const REFUSED_PREFIXES: Readonly<Record<string, string>> = {
  'bearer.auth.': 'Bearer tokens are not supported: use basic authentication.',
  'request.header.': 'Headers cannot be added to requests.',
}

function refusedKey(name: string, { unless, instead }: Refused) {
  const values = unless.map((value) => (value === '' ? 'empty' : value)).join(' or ')
  return key.string({
    doc: `Only ${values} is supported. ${instead}`,
    default: unless[0] ?? '',
    importance: 'LOW',
    check: (value) =>
      unless.includes(value) || unless.includes(value.toLowerCase())
        ? undefined
        : `${name} is not supported. ${instead}`,
  })
}

/** Definitions of all of them, for the check of a configuration and the reference. */
export const otherKeys: ConfigKeys = {
  ...Object.fromEntries(Object.entries(REFUSED).map(([name, refused]) => [name, refusedKey(name, refused)])),
  ...Object.fromEntries(
    Object.entries(REFUSED_PREFIXES).map(([prefix, instead]) => [
      `${prefix}*`,
      refusedKey(`${prefix}*`, unset(instead)),
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(IGNORED).map(([name, reason]) => [
      name,
      key.string({ doc: `Ignored. ${reason}`, optional: true, importance: 'LOW', ignored: reason }),
    ]),
  ),
}

/** What is given of the keys that begin with one of `REFUSED_PREFIXES`. */
export function prefixProblems(raw: Readonly<Record<string, unknown>>, prefix: string): ConfigProblem[] {
  return Object.keys(raw).flatMap((name) => {
    const begins = Object.keys(REFUSED_PREFIXES).find((each) => name.startsWith(each))
    const message = `${prefix}${name} is not supported. ${REFUSED_PREFIXES[begins ?? ''] ?? ''}`
    return begins === undefined ? [] : [{ path: prefix + name, message }]
  })
}
