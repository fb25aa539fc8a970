import type { Step } from '../rest-replay.ts'
import {
  CONVERTERS,
  keysOf,
  raw,
  request,
  SINK,
  sinkConfig,
  SOURCE,
  sourceConfig,
  TRANSFORMS,
  validate,
} from './steps.ts'

const sink = (more: Readonly<Record<string, unknown>> = {}) => sinkConfig({ name: 'v', ...more })
const source = (more: Readonly<Record<string, unknown>> = {}) => sourceConfig({ name: 'v', ...more })
const cast = (more: Readonly<Record<string, unknown>> = {}) => ({
  transforms: 'c',
  'transforms.c.type': `${TRANSFORMS}.Cast$Value`,
  'transforms.c.spec': 'a:int32',
  ...more,
})

/** What single keys answer to values that are odd or wrong, alike for sinks and sources. */
const VALUES: Readonly<Record<string, readonly unknown[]>> = {
  name: ['', ' ', 'a b', 'tab\there', 'x'.repeat(300), 'köln'],
  'tasks.max': ['0', '-1', '1.5', 'many', ' 3 ', '+3', '', '2147483648', '5000', 7],
  'tasks.max.enforce': ['false', 'TRUE', 'perhaps', false],
  'key.converter.plugin.version': ['', 'latest'],
  'value.converter': [
    '',
    CONVERTERS.json,
    CONVERTERS.string,
    'JsonConverter',
    'Json',
    SINK,
    'java.lang.String',
  ],
  'key.converter': [CONVERTERS.bytes, 'NoSuch'],
  'header.converter': [CONVERTERS.simple, CONVERTERS.string, 'NoSuch'],
  transforms: ['', 'a,a', 'a', 'a, b'],
  predicates: ['p', 'p,p'],
  'config.action.reload': ['none', 'restart', 'Restart', 'later'],
  'errors.retry.timeout': ['-1', '-2', 'x', '9223372036854775807', '9223372036854775808'],
  'errors.retry.delay.max.ms': ['0', '-5', 'x', '1'],
  'errors.tolerance': ['all', 'ALL', 'some', ''],
  'errors.log.enable': ['yes', 'true', 'False', true],
  'errors.log.include.messages': ['0'],
}

const SINK_VALUES: Readonly<Record<string, readonly unknown[]>> = {
  topics: ['', ' , ', 'a,b', 'a, b', 'a,a', 'a b', ',a'],
  'errors.deadletterqueue.topic.name': ['dead', '{topic}', ' {topic} ', 'a b'],
  'errors.deadletterqueue.topic.replication.factor': ['-1', '0', 'x', '40000', '1'],
  'errors.deadletterqueue.context.headers.enable': ['x', 'true'],
  file: ['', '/no/such/folder/file'],
}

const SOURCE_VALUES: Readonly<Record<string, readonly unknown[]>> = {
  topic: ['', ' '],
  file: [''],
  'batch.size': ['0', 'x', '-1', '5'],
  'topic.creation.groups': ['a', 'a,a', 'default', ''],
  'topic.creation.default.partitions': ['1', 'x'],
  'exactly.once.support': ['requested', 'REQUESTED', 'required', 'perhaps'],
  'transaction.boundary': ['poll', 'INTERVAL', 'connector', 'never'],
  'transaction.boundary.interval.ms': ['-1', '0', 'x', '1000'],
  'offsets.storage.topic': ['', 'v-offsets'],
}

function eachValue(
  kind: string,
  plugin: string,
  config: typeof sink,
  values: Readonly<Record<string, readonly unknown[]>>,
): Step[] {
  return Object.entries(values).flatMap(([key, list]) =>
    list.map((value) => {
      const shown = String(value).length > 40 ? `${String(value).length} characters` : JSON.stringify(value)
      return validate(`${kind}, ${key} = ${shown}`, config({ [key]: value }), plugin)
    }),
  )
}

const REGEXES = ['in.*', '(?i)In.*', 'a++b', '[a-z]*+-x', '(', '{topic}|x', '[', '*']

const TOGETHER: readonly Step[] = [
  validate('a sink', sink()),
  validate('a sink without a name', sinkConfig()),
  validate('a sink without topics', sink({ topics: undefined })),
  validate('topics and a pattern', sink({ 'topics.regex': 'x.*' })),
  ...REGEXES.map((regex) => validate(`pattern ${regex}`, sink({ topics: undefined, 'topics.regex': regex }))),
  validate(
    'pattern that has the dead letters',
    sink({ topics: undefined, 'topics.regex': 'in.*', 'errors.deadletterqueue.topic.name': 'in-dead' }),
  ),
  validate('a key that nobody knows', sink({ note: 'x' })),
  validate('a null', sink({ note: null })),
  validate('a null for a known key', sink({ 'tasks.max': null })),
  validate('three errors', sink({ 'tasks.max': 'x', 'errors.tolerance': 'some', 'errors.log.enable': 'x' })),
  validate('alias FileStreamSink', sink({ 'connector.class': 'FileStreamSink' }), 'FileStreamSink'),
  validate('short name', sink({ 'connector.class': 'FileStreamSinkConnector' }), 'FileStreamSinkConnector'),
  validate('full name at a short path', sink(), 'FileStreamSink'),
  validate('short name at a full path', sink({ 'connector.class': 'FileStreamSink' }), SINK),
  validate('the class of another plugin', sink(), SOURCE),
  validate('a version that is there', sink({ 'connector.plugin.version': '[0,)' })),
  validate('a version that is not there', sink({ 'connector.plugin.version': '[99,)' })),
  validate('a version that is none', sink({ 'connector.plugin.version': '[' })),
  validate('latest', sink({ 'connector.plugin.version': 'latest' })),
  validate(
    'JsonConverter',
    sink({ 'value.converter': CONVERTERS.json, 'value.converter.schemas.enable': 'false' }),
  ),
  validate(
    'JsonConverter, wrong',
    sink({
      'value.converter': CONVERTERS.json,
      'value.converter.schemas.enable': 'x',
      'value.converter.schemas.cache.size': 'y',
    }),
  ),
  validate(
    'two converters',
    sink({ 'key.converter': CONVERTERS.string, 'value.converter': CONVERTERS.json }),
  ),
  validate(
    'three converters',
    sink({
      'header.converter': CONVERTERS.simple,
      'key.converter': CONVERTERS.string,
      'value.converter': CONVERTERS.bytes,
    }),
  ),
  validate(
    'a converter’s version',
    sink({ 'value.converter': CONVERTERS.json, 'value.converter.plugin.version': '[0,)' }),
  ),
  validate(
    'a converter’s version that is not there',
    sink({ 'value.converter': CONVERTERS.json, 'value.converter.plugin.version': '99' }),
  ),
  validate('converter options without a converter', sink({ 'value.converter.schemas.enable': 'x' })),
  validate('a source', source(), SOURCE),
  validate('a source without a topic', source({ topic: undefined }), SOURCE),
  validate('a source without a file', source({ file: undefined }), SOURCE),
  validate('a source with a pattern for topics', source({ topics: 'a', 'topics.regex': 'b' }), SOURCE),
  validate(
    'topics of a source are created',
    source({ 'topic.creation.default.partitions': '1', 'topic.creation.default.replication.factor': '1' }),
    SOURCE,
  ),
  validate(
    'topics of a source are created in groups',
    source({
      'topic.creation.groups': 'g',
      'topic.creation.g.include': 'x.*',
      'topic.creation.default.partitions': '1',
      'topic.creation.default.replication.factor': '1',
    }),
    SOURCE,
  ),
]

const ALIASES: readonly Step[] = [
  validate('a transform', sink(cast())),
  validate('a transform on keys', sink(cast({ 'transforms.c.type': `${TRANSFORMS}.Cast$Key` }))),
  validate('a transform without its key', sink({ ...cast(), 'transforms.c.spec': undefined })),
  validate('a transform with a wrong key', sink(cast({ 'transforms.c.spec': 'a:nothing' }))),
  validate('a transform that is none', sink(cast({ 'transforms.c.type': SINK }))),
  validate('a transform’s version', sink(cast({ 'transforms.c.plugin.version': '[0,)' }))),
  validate('a transform’s version that is not there', sink(cast({ 'transforms.c.plugin.version': '99' }))),
  validate(
    'two transforms',
    sink({
      ...cast(),
      transforms: 'c, r',
      'transforms.r.type': `${TRANSFORMS}.RegexRouter`,
      'transforms.r.regex': 'a',
      'transforms.r.replacement': 'b',
    }),
  ),
  validate(
    'an InsertField',
    sink({
      transforms: 'i',
      'transforms.i.type': `${TRANSFORMS}.InsertField$Value`,
      'transforms.i.static.field': 'x',
      'transforms.i.static.value': 'y',
    }),
  ),
  validate(
    'a predicate',
    sink(
      cast({
        'transforms.c.predicate': 'p',
        predicates: 'p',
        'predicates.p.type': `${TRANSFORMS}.predicates.TopicNameMatches`,
        'predicates.p.pattern': 'a.*',
      }),
    ),
  ),
  validate(
    'a predicate’s version that is not there',
    sink(
      cast({
        'transforms.c.predicate': 'p',
        predicates: 'p',
        'predicates.p.type': `${TRANSFORMS}.predicates.TopicNameMatches`,
        'predicates.p.pattern': 'a.*',
        'predicates.p.plugin.version': '99',
      }),
    ),
  ),
  validate(
    'a predicate with a wrong pattern',
    sink(
      cast({
        'transforms.c.predicate': 'p',
        predicates: 'p',
        'predicates.p.type': `${TRANSFORMS}.predicates.TopicNameMatches`,
        'predicates.p.pattern': '(',
      }),
    ),
  ),
  validate('a predicate without a type', sink(cast({ 'transforms.c.predicate': 'p', predicates: 'p' }))),
  validate('a predicate that is not there', sink(cast({ 'transforms.c.predicate': 'q' }))),
  validate('negate alone', sink(cast({ 'transforms.c.negate': 'true' }))),
  validate(
    'negate that is no boolean',
    sink(
      cast({
        'transforms.c.negate': 'x',
        'transforms.c.predicate': 'p',
        predicates: 'p',
        'predicates.p.type': `${TRANSFORMS}.predicates.RecordIsTombstone`,
      }),
    ),
  ),
]

const OVERRIDES: readonly Step[] = [
  validate('a consumer override', sink({ 'consumer.override.auto.offset.reset': 'latest' })),
  validate('a reset by duration', sink({ 'consumer.override.auto.offset.reset': 'by_duration:PT1H' })),
  validate('a consumer override that nobody knows', sink({ 'consumer.override.no.such.key': 'x' })),
  validate(
    'a consumer override of a source',
    source({ 'consumer.override.auto.offset.reset': 'latest' }),
    SOURCE,
  ),
  validate('a producer override of a sink', sink({ 'producer.override.linger.ms': '5' })),
  validate('a producer override', source({ 'producer.override.compression.type': 'gzip' }), SOURCE),
  validate(
    'two producer overrides',
    source({ 'producer.override.linger.ms': '5', 'producer.override.batch.size': '100' }),
    SOURCE,
  ),
  validate('a reference to a provider that is not there', sink({ file: '${date:now:yyyy}' })),
]

const BROKEN: readonly Step[] = [
  raw('validate: not JSON', 'PUT', `/connector-plugins/${SINK}/config/validate`, '{'),
  raw('validate: a list', 'PUT', `/connector-plugins/${SINK}/config/validate`, '[]'),
  raw('validate: null', 'PUT', `/connector-plugins/${SINK}/config/validate`, 'null'),
  raw('validate: a text', 'PUT', `/connector-plugins/${SINK}/config/validate`, '"x"'),
  raw('validate: text/plain', 'PUT', `/connector-plugins/${SINK}/config/validate`, '{}', 'text/plain'),
  raw(
    'validate: a list as a value',
    'PUT',
    `/connector-plugins/${SINK}/config/validate`,
    '{"connector.class":["x"]}',
  ),
  request('validate: POST', 'POST', `/connector-plugins/${SINK}/config/validate`, {}),
  request('validate: a path without a plugin', 'PUT', '/connector-plugins//config/validate', {}),
]

const PLUGINS: readonly Step[] = [
  ...[SINK, SOURCE, 'FileStreamSink', 'FileStreamSourceConnector', CONVERTERS.bytes, CONVERTERS.json].map(
    (each) => keysOf(each),
  ),
  ...[CONVERTERS.string, CONVERTERS.simple, `${TRANSFORMS}.Cast$Value`, `${TRANSFORMS}.RegexRouter`].map(
    (each) => keysOf(each),
  ),
  ...[`${TRANSFORMS}.predicates.TopicNameMatches`, `${TRANSFORMS}.predicates.RecordIsTombstone`].map((each) =>
    keysOf(each),
  ),
  keysOf('NoSuchPlugin'),
  keysOf('java.lang.String'),
  keysOf(SINK, '?version=latest'),
  keysOf(SINK, '?version=%5B0,)'),
  keysOf(SINK, '?version=99'),
  keysOf(SINK, '?version=%5B99,)'),
  keysOf(SINK, '?version=%5B'),
  keysOf(SINK, '?version='),
  request('keys with a slash', 'GET', `/connector-plugins/${SINK}/config/`),
  request('keys: POST', 'POST', `/connector-plugins/${SINK}/config`, {}),
  request('plugins: DELETE', 'DELETE', '/connector-plugins'),
  request('plugins: below', 'GET', `/connector-plugins/${SINK}/nope`),
]

export const validateSteps: readonly Step[] = [
  ...PLUGINS,
  ...TOGETHER,
  ...ALIASES,
  ...OVERRIDES,
  ...BROKEN,
  ...eachValue('sink', SINK, sink, { ...VALUES, ...SINK_VALUES }),
  ...eachValue('source', SOURCE, source, SOURCE_VALUES),
]
