import { expect } from 'chai'
import { describe, it } from 'mocha'
import { SILENT } from '../../src/api/log.ts'
import { clusterProblems } from '../../src/worker/configs/cluster-check.ts'
import { sinkGroup } from '../../src/worker/groups/sink-group.ts'
import { readSettings } from '../../src/worker/settings/settings.ts'
import { checkConnectorConfig, unknownKeys } from '../../src/worker/configs/connector-config.ts'

const GOOD: Readonly<Record<string, string>> = {
  name: 'a',
  'connector.class': 'TopicSink',
  topics: 'in',
  'target.topic': 'out',
}

function pathsOf(more: Record<string, string>, without: readonly string[] = []): string[] {
  const raw = Object.fromEntries(
    Object.entries({ ...GOOD, ...more }).filter(([name]) => !without.includes(name)),
  )
  return [...new Set(checkConnectorConfig(raw).problems.map(({ path }) => path))].sort()
}

describe('checkConnectorConfig', () => {
  it('finds nothing wrong with a good configuration, whatever else it holds', () => {
    expect(pathsOf({ 'some.other.key': 'x' })).to.deep.equal([])
    expect(
      pathsOf({
        'tasks.max': '4',
        'consumer.override.auto.offset.reset': 'latest',
        'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
        'errors.tolerance': 'all',
        'errors.deadletterqueue.topic.name': 'dead',
        transforms: 'score',
        'transforms.score.type': 'ScoreH2OGbm$Value',
        'transforms.score.model': 'airline-delay',
      }),
    ).to.deep.equal([])
  })

  it('refuses a class that is not known, whatever it looks like', () => {
    for (const name of [
      'Nope',
      '../../x',
      'data:text/javascript,0',
      'node:child_process',
      '__proto__',
      'constructor',
    ])
      expect(pathsOf({ 'connector.class': name }), name).to.deep.equal(['connector.class'])
    expect(pathsOf({ transforms: 'a', 'transforms.a.type': '../../x' })).to.deep.equal(['transforms.a.type'])
    expect(pathsOf({ 'key.converter': 'constructor' })).to.deep.equal(['key.converter'])
    expect(pathsOf({ 'target.value.converter': 'Nope' })).to.deep.equal(['target.value.converter'])
  })

  it('refuses task counts that are none', () => {
    for (const count of ['0', '-1', '1000000000', 'x', '1.5', ''])
      expect(pathsOf({ 'tasks.max': count }), count).to.deep.equal(['tasks.max'])
  })

  it('takes task counts that Kafka Connect takes, and of a sink no more than it could make', () => {
    expect(pathsOf({ 'tasks.max': '5000' })).to.deep.equal([])
    expect(pathsOf({ 'tasks.max': '10001' })).to.deep.equal(['tasks.max'])
    const source = { 'connector.class': 'FileStreamSource', topic: 'lines', 'tasks.max': '10001' }
    expect(pathsOf(source, ['topics', 'target.topic'])).to.deep.equal([])
  })

  it('tells twice of a number that is none where it has a least value, and once where not', () => {
    const messages = (key: string, value: string) =>
      checkConnectorConfig({ ...GOOD, [key]: value }).problems.map(({ message }) => message)
    expect(messages('tasks.max', 'x')).to.deep.equal([
      'Invalid value x for configuration tasks.max: Not a number of type INT',
      'Invalid value null for configuration tasks.max: Value must be non-null',
    ])
    expect(messages('errors.retry.timeout', 'x')).to.have.lengthOf(1)
    expect(messages('tasks.max', ' 0 ')).to.deep.equal([
      'Invalid value 0 for configuration tasks.max: Value must be at least 1',
    ])
  })

  it('refuses topics that are named twice, or not at all', () => {
    const messages = (topics: string) =>
      checkConnectorConfig({ ...GOOD, topics }).problems.map(({ message }) => message)
    expect(messages('a,a')).to.deep.equal(["Configuration 'topics' values must not be duplicated."])
    expect(messages('a,')).to.deep.equal(["Configuration 'topics' values must not be empty."])
    expect(messages('a, b')).to.deep.equal([])
  })

  it('takes a start by duration, patterns in any case, and long names, as Kafka Connect does', () => {
    const reset = 'consumer.override.auto.offset.reset'
    for (const value of ['by_duration:PT1H', 'by_duration:P7D', 'BY_DURATION:p1dt2h3m4.5s', 'EARLIEST'])
      expect(pathsOf({ [reset]: value }), value).to.deep.equal([])
    for (const value of [
      'by_duration:',
      'by_duration:P',
      'by_duration:PT',
      'by_duration:-PT1H',
      'by_duration:1h',
    ])
      expect(pathsOf({ [reset]: value }), value).to.deep.equal([reset])
    for (const regex of ['(?i)In.*', 'a++b', '[a-z]*+-x'])
      expect(pathsOf({ 'topics.regex': regex }, ['topics']), regex).to.deep.equal([])
    expect(pathsOf({ name: 'x'.repeat(300) })).to.deep.equal([])
    expect(pathsOf({ name: 'x'.repeat(1001) })).to.deep.equal(['name'])
    const file = { 'connector.class': 'FileStreamSink', file: '/tmp/${date:now:yyyy}' }
    expect(pathsOf(file, ['target.topic'])).to.deep.equal([])
  })

  it('wants exactly one of topics and topics.regex', () => {
    expect(pathsOf({ 'topics.regex': 'in.*' })).to.deep.equal(['topics', 'topics.regex'])
    expect(pathsOf({}, ['topics'])).to.deep.equal(['topics', 'topics.regex'])
    expect(pathsOf({ topics: ' , ' })).to.include('topics')
    expect(pathsOf({ 'topics.regex': 'fl.*' }, ['topics'])).to.deep.equal([])
  })

  it('refuses loops: dead letters or targets that are read again', () => {
    const dead = 'errors.deadletterqueue.topic.name'
    expect(pathsOf({ [dead]: 'in' })).to.deep.equal(['topics'])
    expect(pathsOf({ 'topics.regex': 'in.*', [dead]: 'in-dead' }, ['topics'])).to.deep.equal(['topics.regex'])
    expect(pathsOf({ 'topics.regex': 'in.*', [dead]: 'dead' }, ['topics'])).to.deep.equal([])
    expect(pathsOf({ 'target.topic': 'in' })).to.deep.equal(['target.topic'])
    expect(pathsOf({ topics: 'a,b', 'target.topic': 'b' })).to.deep.equal(['target.topic'])
    const pattern = { 'topics.regex': 'in.*' }
    expect(pathsOf({ ...pattern, 'target.topic': 'in-2' }, ['topics'])).to.deep.equal(['target.topic'])
    expect(pathsOf({ ...pattern, 'target.topic': '${topic}' }, ['topics'])).to.deep.equal(['target.topic'])
    expect(pathsOf({ ...pattern, 'target.topic': 'out' }, ['topics'])).to.deep.equal([])
    expect(pathsOf({ ...pattern, 'target.topic': 'out-${topic}' }, ['topics'])).to.deep.equal([])
  })

  it('checks transforms: undefined, duplicate, without type', () => {
    expect(pathsOf({ transforms: 'a' })).to.deep.equal(['transforms.a.type'])
    expect(
      pathsOf({ transforms: 'a,a', 'transforms.a.type': 'ScoreH2OGbm$Value', 'transforms.a.model': 'm' }),
    ).to.deep.equal(['transforms'])
    expect(pathsOf({ transforms: 'a', 'transforms.a.type': 'ScoreH2OGbm$Value' })).to.deep.equal([
      'transforms.a.model',
    ])
    expect(pathsOf({ transforms: 'a', 'transforms.a.type': 'ScoreH2OGbm' })).to.deep.equal([
      'transforms.a.type',
    ])
  })

  it('knows predicates, and what transforms say of them', () => {
    const more = {
      transforms: 'a',
      'transforms.a.type': 'ScoreH2OGbm$Value',
      'transforms.a.model': 'm',
      'transforms.a.predicate': 'p',
      'transforms.a.negate': 'true',
      predicates: 'p',
      'predicates.p.type': 'TopicNameMatches',
      'predicates.p.pattern': 'in.*',
    }
    expect(pathsOf(more)).to.deep.equal([])
    const { keys } = checkConnectorConfig({ ...GOOD, ...more })
    expect(unknownKeys(more, keys)).to.deep.equal([])
    expect(pathsOf({ ...more, 'predicates.p.pattern': '(' })).to.deep.equal(['predicates.p.pattern'])
    expect(pathsOf({ ...more, 'predicates.p.type': 'Nope' })).to.deep.equal(['predicates.p.type'])
    expect(pathsOf({ ...more, 'transforms.a.predicate': 'q' })).to.deep.equal(['transforms.a.predicate'])
    expect(pathsOf({ ...more, 'transforms.a.negate': 'x' })).to.deep.equal(['transforms.a.negate'])
    expect(pathsOf({ ...more, predicates: 'p,p' })).to.deep.equal(['predicates'])
    const without = { ...more, predicates: 'p,q' }
    expect(pathsOf(without)).to.deep.equal(['predicates.q.type'])
  })

  it('refuses by name what it does not support yet', () => {
    const json = 'org.apache.kafka.connect.json.JsonConverter'
    for (const name of ['X', json]) {
      expect(pathsOf({ 'header.converter': name })).to.deep.equal(['header.converter'])
    }
    for (const name of [
      'SimpleHeaderConverter',
      'StringConverter',
      'org.apache.kafka.connect.converters.ByteArrayConverter',
    ]) {
      expect(pathsOf({ 'header.converter': name })).to.deep.equal([])
    }
  })

  it('refuses names with a slash, a NUL or no characters, and more keys than a person writes', () => {
    for (const name of ['', 'a/b', 'a\0b', 'x'.repeat(10_240)])
      expect(pathsOf({ name }), name).to.deep.equal(['name'])
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`k${i}`, 'v']))
    expect(pathsOf(many)).to.deep.equal(['name'])
  })

  it('answers at once whatever the patterns and values are', () => {
    const pattern = { 'topics.regex': `${'.{0,249}'.repeat(5)}z` }
    expect(pathsOf({ ...pattern, 'target.topic': 'a'.repeat(249) }, ['topics'])).to.deep.equal([
      'topics.regex',
    ])
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`k${i}`, '${a:'.repeat(16_000)]))
    expect(pathsOf(many)).to.deep.equal([])
  })

  it('refuses names that a client cannot put into a path', () => {
    for (const name of ['.', '..', 'a/b', '\ud800', 'a\u0007'])
      expect(pathsOf({ name }), JSON.stringify(name)).to.deep.equal(['name'])
    for (const name of ['...', '.a', 'a b', '%2E', 'ä?#']) expect(pathsOf({ name }), name).to.deep.equal([])
  })

  it('says which keys nothing reads', () => {
    const raw = { ...GOOD, 'transfoms.x.type': 'X', 'target.topik': 'y' }
    expect(unknownKeys(raw, checkConnectorConfig(raw).keys)).to.deep.equal([
      'transfoms.x.type',
      'target.topik',
    ])
  })
})

describe('clusterProblems', () => {
  const { settings } = readSettings(
    new Map([
      ['bootstrap.servers', '127.0.0.1:9092'],
      ['group.id', 'connect-cluster'],
      ['config.storage.topic', 'connect-configs'],
      ['offset.storage.topic', 'connect-offsets'],
      ['status.storage.topic', 'connect-status'],
    ]),
  )
  const paths = (more: Record<string, string>) =>
    clusterProblems({ ...GOOD, ...more }, settings).map(({ path }) => path)

  it('finds topics that are not for connectors to write', () => {
    expect(paths({})).to.deep.equal([])
    const reserved = [
      'connect-configs',
      'connect-offsets',
      'connect-status',
      '_schemas',
      '__consumer_offsets',
    ]
    for (const topic of [...reserved, '__transaction_state', '__cluster_metadata', '__share_group_state'])
      for (const path of ['target.topic', 'errors.deadletterqueue.topic.name'])
        expect(paths({ [path]: topic }), topic).to.deep.equal([path])
  })

  it('finds the workers’ topics among those to read, and no pattern matches them', () => {
    expect(paths({ topics: 'in,connect-configs' })).to.deep.equal(['topics'])
    const { topics } = sinkGroup(settings, { name: 'a', 'topics.regex': '.*' }, SILENT)
    expect(['connect-configs', 'in'].map((topic) => topics.includes(topic))).to.deep.equal([false, true])
  })

  it('takes the assignors and the static ids of a sink from its overrides', () => {
    const read = (more: Record<string, string>, task = 0) => {
      const { assignors, groupInstanceId } = sinkGroup(
        settings,
        { name: 'a', topics: 'in', ...more },
        SILENT,
        task,
      )
      return [assignors.map(({ name }) => name).join(), groupInstanceId]
    }
    const strategy = 'consumer.override.partition.assignment.strategy'
    const instance = 'consumer.override.group.instance.id'
    expect(read({})).to.deep.equal(['range,cooperative-sticky', null])
    expect(read({ [strategy]: 'StickyAssignor', [instance]: ' fraud ' }, 3)).to.deep.equal([
      'sticky',
      'fraud-3',
    ])
  })

  it('finds a consumer group that is the workers’ own', () => {
    const override = 'consumer.override.group.id'
    expect(paths({ [override]: ' connect-cluster ' })).to.deep.equal([override])
    expect(paths({ name: 'cluster' })).to.deep.equal(['name'])
    expect(paths({ name: 'cluster', [override]: 'x' })).to.deep.equal([])
  })
})
