import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { uniqueName } from '../support/eventually.ts'
import { kafkajsClient, sharedKafka } from '../support/kafka.ts'
import { comparableAnswer, type Deviation, expectedAnswer } from './rest-expected.ts'
import {
  type Answer,
  JAVA_NAMES,
  type Names,
  readGolden,
  readJson,
  readScript,
  replay,
} from './rest-replay.ts'
import { type GoldenRecord, readTopic, recordsOf } from './rest-topics.ts'
import { createTopic, startTestWorker, type TestWorker } from './rest-worker.ts'

const golden = readGolden()
const topics = readJson('golden/rest-topics.json') as Record<'configs' | 'status', readonly GoldenRecord[]>
const deviations = readJson('rest-deviations.json') as readonly Deviation[]
const deviationOf = new Map(deviations.flatMap((each) => each.steps.map((id) => [id, each] as const)))

/** Their answers list plugins, of which each worker has its own: compared below. */
const PLUGIN_LISTS = new Set([
  'plugins',
  'plugins with a slash',
  'plugins: all kinds',
  'plugins: connectorsOnly=maybe',
  'plugin config',
  'plugin config of a converter',
])

describe('the REST API against Java connect-runtime 4.3.1', function () {
  this.timeout(180_000)
  let worker: TestWorker
  let answers: ReadonlyMap<string, Answer>
  let names: Names
  let written: Record<'configs' | 'status', GoldenRecord[]>

  before(async () => {
    const { bootstrapServers } = await sharedKafka()
    const prefix = uniqueName('conformance')
    const topic = `${prefix}-in`
    const kafka = kafkajsClient(bootstrapServers)
    const admin = kafka.admin()
    await admin.connect()
    await createTopic(admin, { topic, numPartitions: 2 })
    await admin.disconnect()
    worker = await startTestWorker(prefix)
    names = { base: worker.base, topic, sink: 'TopicSink', converter: 'ByteArrayConverter' }
    answers = new Map((await replay(readScript(), names)).map((answer) => [answer.id, answer]))
    const [configs, status] = [`${prefix}-configs`, `${prefix}-status`]
    written = { configs: await readTopic(kafka, configs), status: await readTopic(kafka, status) }
  })

  after(() => worker.stop())

  it('was recorded with the script and the deviations as they are', () => {
    const asked = readScript().flatMap((step) => ('id' in step ? [step.id] : []))
    expect(golden.map(({ id }) => id)).to.deep.equal(asked)
    expect(asked).to.include.members([...deviationOf.keys()])
    expect(deviations.flatMap(({ steps }) => steps)).to.have.lengthOf(deviationOf.size)
  })

  for (const java of golden.filter(({ id }) => !PLUGIN_LISTS.has(id))) {
    const deviation = deviationOf.get(java.id)
    const title = deviation === undefined ? 'answers as Kafka Connect' : 'deviates as documented'
    it(`${title}: ${java.id}`, () => {
      const answer = answers.get(java.id)
      if (answer === undefined) throw new Error('no answer')
      expect(comparableAnswer(answer, deviation)).to.deep.equal(expectedAnswer(java, deviation))
    })
  }

  for (const connector of ['a', 'b', 'köln bonn', 's', 'p', 'r']) {
    it(`writes the same records into the config topic, in the same order: connector ${connector}`, () => {
      const java = recordsOf(connector, topics.configs, { base: 'http://none', ...JAVA_NAMES })
      expect(java).not.to.deep.equal([])
      expect(recordsOf(connector, written.configs, names)).to.deep.equal(java)
    })
  }

  it('writes statuses under the same keys, into the same partitions', () => {
    const places = (records: readonly GoldenRecord[]): string[] => {
      const found = records.flatMap(({ key, partition }) => {
        return key === null || /topic-|x\/y/.test(key) ? [] : [`${key} in ${partition}`]
      })
      return [...new Set(found)].sort()
    }
    expect(places(topics.status)).to.have.length.above(10)
    expect(places(written.status)).to.deep.equal(places(topics.status))
  })

  it('lists plugins with the same shape, in the same order of kinds', () => {
    for (const id of PLUGIN_LISTS) {
      const [ours, java] = [answers.get(id), golden.find((each) => each.id === id)]
      expect([id, ours?.status, ours?.type]).to.deep.equal([id, java?.status, java?.type])
    }
    const kinds = (id: string, of: (id: string) => Answer | undefined): string[] => {
      const found = of(id)?.body as { class: string; type: string; version: string }[]
      for (const plugin of found) expect(plugin).to.have.all.keys('class', 'type', 'version')
      return [...new Set(found.map(({ type }) => type))]
    }
    for (const id of ['plugins', 'plugins: all kinds', 'plugins: connectorsOnly=maybe']) {
      const java = kinds(id, () => golden.find((each) => each.id === id))
      const ours = kinds(id, () => answers.get(id))
      expect(java.filter((kind) => ours.includes(kind))).to.deep.equal(ours)
      expect(ours.includes('converter')).to.equal(java.includes('converter'))
    }
  })

  it('defines the framework’s keys as Kafka Connect does', () => {
    const java = definitions(golden.find(({ id }) => id === 'plugin config'))
    const ours = definitions(answers.get('plugin config'))
    const common = java.filter(({ name }) => ours.some((each) => each.name === name))
    expect(
      java.map(({ name }) => name).filter((name) => !common.some((each) => each.name === name)),
    ).to.have.members(NOT_YET)
    const defined = ours.filter(({ name }) => common.some((each) => each.name === name))
    const known = common.map((each) => ({ ...each, ...OTHERWISE[each.name] }))
    expect(defined).to.deep.equal(known)
  })
})

interface KeyInfo {
  readonly name: string
  readonly order_in_group?: number
}

/** The places in a group count keys that only one of the two has: only the order of the list is compared. */
function definitions(answer: Answer | undefined): KeyInfo[] {
  return (answer?.body as KeyInfo[]).map((key) => ({ ...key, order_in_group: 0 }))
}

/** Keys of Kafka Connect that this version does not know, and the option of the Java connector. */
const NOT_YET = ['file', 'tasks.max.enforce']

/** What is defined otherwise, and why. */
const OTHERWISE: Readonly<Record<string, object>> = {
  // It is the name of a plugin like any other.
  'connector.class': { type: 'CLASS' },
  // The latest version of a plugin is its own.
  'connector.plugin.version': { default_value: '0.1.0' },
  // There is no type SHORT; the broker's default works on one broker as well as on many.
  'errors.deadletterqueue.topic.replication.factor': { type: 'INT', default_value: '-1' },
}
