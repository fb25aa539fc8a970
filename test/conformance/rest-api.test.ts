import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { uniqueName } from '../support/eventually.ts'
import { kafkajsClient, sharedKafka } from '../support/kafka.ts'
import { compared, type Deviation } from './rest-expected.ts'
import { readGolden } from './rest-golden.ts'
import { type Answer, JAVA_NAMES, type Names, readJson } from './rest-replay.ts'
import { type ScriptName, SCRIPTS } from './rest-scripts.ts'
import { classesFor, deleteConnectors, javaAnswers, replayAt } from './rest-suite.ts'
import { type GoldenRecord, readTopic, recordsOf } from './rest-topics.ts'
import { createTopic, startTestWorker, type TestWorker } from './rest-worker.ts'

const topics = readJson('golden/rest-topics.json') as Record<'configs' | 'status', readonly GoldenRecord[]>
const deviations = readJson('rest-deviations.json') as readonly Deviation[]
const deviationOf = new Map(deviations.flatMap((each) => each.steps.map((id) => [id, each] as const)))
const scripts = Object.keys(SCRIPTS) as ScriptName[]

/** Their answers list plugins, of which each worker has its own: compared below. */
const PLUGIN_LISTS = new Set([
  'plugins',
  'plugins with a slash',
  'plugins: all kinds',
  'plugins: connectorsOnly=maybe',
  'plugin config',
  'plugin config of a converter',
])

/** The ids of a script's requests, in order. */
function idsOf(script: ScriptName): string[] {
  return SCRIPTS[script].flatMap((step) => ('id' in step ? [step.id] : []))
}

describe('the REST API against Java connect-runtime 4.3.1', function () {
  this.timeout(300_000)
  let worker: TestWorker
  let written: Record<'configs' | 'status', GoldenRecord[]>
  const names: Pick<Names, 'base' | 'topic'> = { base: '', topic: '' }
  const answers = new Map<ScriptName, ReadonlyMap<string, Answer>>()
  const java = new Map<ScriptName, ReadonlyMap<string, Answer>>()

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
    Object.assign(names, { base: worker.base, topic })
    for (const script of scripts) {
      java.set(script, new Map((await javaAnswers(script)).map((answer) => [answer.id, answer])))
      answers.set(script, await replayAt(script, names))
      if (script !== 'base') await deleteConnectors(worker.base)
      if (script !== 'base') continue
      const [configs, status] = [`${prefix}-configs`, `${prefix}-status`]
      written = { configs: await readTopic(kafka, configs), status: await readTopic(kafka, status) }
      await deleteConnectors(worker.base)
    }
  })

  after(() => worker.stop())

  it('was recorded with the scripts and the deviations as they are', () => {
    for (const script of scripts) expect(readGolden(script).map(({ id }) => id)).to.deep.equal(idsOf(script))
    const asked = scripts.flatMap(idsOf)
    expect(new Set(asked)).to.have.lengthOf(asked.length)
    expect(asked).to.include.members([...deviationOf.keys()])
    expect(deviations.flatMap(({ steps }) => steps)).to.have.lengthOf(deviationOf.size)
    expect(asked).to.have.length.above(300)
  })

  for (const script of scripts)
    for (const id of idsOf(script).filter((each) => !PLUGIN_LISTS.has(each))) {
      const deviation = deviationOf.get(id)
      const title = deviation === undefined ? 'answers as Kafka Connect' : 'deviates as documented'
      it(`${title}: ${id}`, () => {
        const [ours, theirs] = [answers.get(script)?.get(id), java.get(script)?.get(id)]
        if (ours === undefined || theirs === undefined) throw new Error('no answer')
        const { expected, actual } = compared(theirs, ours, deviation)
        expect(actual).to.deep.equal(expected)
      })
    }

  for (const connector of ['a', 'b', 'köln bonn', 's', 'p', 'r']) {
    it(`writes the same records into the config topic, in the same order: connector ${connector}`, () => {
      const theirs = recordsOf(connector, topics.configs, {
        base: 'http://none',
        folder: '/none',
        ...JAVA_NAMES,
      })
      expect(theirs).not.to.deep.equal([])
      const own = { ...names, folder: '/none', ...classesFor('base') }
      expect(recordsOf(connector, written.configs, own)).to.deep.equal(theirs)
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
    const [ours, theirs] = [answers.get('base'), java.get('base')]
    for (const id of PLUGIN_LISTS)
      expect([id, ours?.get(id)?.status, ours?.get(id)?.type]).to.deep.equal([
        id,
        theirs?.get(id)?.status,
        theirs?.get(id)?.type,
      ])
    const kinds = (answer: Answer | undefined): string[] => {
      const found = answer?.body as { class: string; type: string; version: string }[]
      for (const plugin of found) expect(plugin).to.have.all.keys('class', 'type', 'version')
      return [...new Set(found.map(({ type }) => type))]
    }
    for (const id of ['plugins', 'plugins: all kinds', 'plugins: connectorsOnly=maybe'])
      expect(kinds(ours?.get(id))).to.deep.equal(kinds(theirs?.get(id)))
  })
})
