import { rm } from 'node:fs/promises'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { uniqueName } from '../support/eventually.ts'
import { kafkajsClient, sharedKafka } from '../support/kafka.ts'
import { compared, type Deviation } from './rest-expected.ts'
import { linesFile, prepare, readChangesScript, replayChanges } from './rest-changes.ts'
import { type Answer, JAVA_NAMES, readJson } from './rest-replay.ts'
import { startTestWorker, type TestWorker } from './rest-worker.ts'

const { answers: golden } = readJson('golden/rest-changes.json') as { readonly answers: readonly Answer[] }
const deviations = readJson('rest-changes-deviations.json') as readonly Deviation[]
const deviationOf = new Map(deviations.flatMap((each) => each.steps.map((id) => [id, each] as const)))

describe('offsets, topics and loggers over REST, against Java connect-runtime 4.3.1', function () {
  this.timeout(180_000)
  const topic = uniqueName('conformance')
  let worker: TestWorker
  let answers: ReadonlyMap<string, Answer>

  before(async () => {
    const { bootstrapServers } = await sharedKafka()
    await prepare(kafkajsClient(bootstrapServers), topic)
    worker = await startTestWorker(topic)
    const where = { ...JAVA_NAMES, base: worker.base, topic }
    answers = new Map((await replayChanges(where)).map((answer) => [answer.id, answer]))
  })

  after(async () => {
    await worker.stop()
    await rm(linesFile(topic), { force: true })
  })

  it('was recorded with the script and the deviations as they are', () => {
    const asked = readChangesScript().flatMap((step) => ('id' in step ? [step.id] : []))
    expect(golden.map(({ id }) => id)).to.deep.equal(asked)
    expect(asked).to.include.members([...deviationOf.keys()])
    expect(deviations.flatMap(({ steps }) => steps)).to.have.lengthOf(deviationOf.size)
  })

  for (const java of golden) {
    const deviation = deviationOf.get(java.id)
    const title = deviation === undefined ? 'answers as Kafka Connect' : 'deviates as documented'
    it(`${title}: ${java.id}`, () => {
      const answer = answers.get(java.id)
      if (answer === undefined) throw new Error('no answer')
      const { expected, actual } = compared(java, answer, deviation)
      expect(actual).to.deep.equal(expected)
    })
  }
})
