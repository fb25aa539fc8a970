import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { kafkajsClient, sharedKafka } from '../support/kafka.ts'
import { WorkerCluster } from '../support/worker-cluster.ts'
import { compared, type Deviation } from './rest-expected.ts'
import { type Answer, readJson } from './rest-replay.ts'
import { FOLLOWER_SCRIPTS } from './rest-scripts.ts'
import { deleteConnectors, javaAnswers, replayAt } from './rest-suite.ts'
import { createTopic } from './rest-worker.ts'

const deviations = readJson('rest-deviations.json') as readonly Deviation[]
const deviationOf = new Map(deviations.flatMap((each) => each.steps.map((id) => [id, each] as const)))

describe('the REST API of a worker that does not lead, against Java connect-runtime 4.3.1', function () {
  this.timeout(400_000)
  const cluster = new WorkerCluster()
  const answers = new Map<string, Answer>()
  const java = new Map<string, Answer>()

  before(async () => {
    const { bootstrapServers } = await sharedKafka()
    const topic = `${cluster.name}-in`
    const admin = kafkajsClient(bootstrapServers).admin()
    await admin.connect()
    await createTopic(admin, { topic, numPartitions: 2 })
    await admin.disconnect()
    const leader = await cluster.sluice()
    const { base } = await cluster.sluice()
    for (const script of FOLLOWER_SCRIPTS) {
      for (const answer of await javaAnswers(script)) java.set(answer.id, answer)
      // What the workers have shared out may be on either.
      const workers = { base, others: [leader.base] }
      for (const [id, answer] of await replayAt(script, { ...workers, topic })) answers.set(id, answer)
      await deleteConnectors(base)
    }
  })

  after(() => cluster.stop())

  it('was asked everything that the scripts ask', () => {
    expect([...answers.keys()]).to.deep.equal([...java.keys()])
    expect(answers.size).to.be.above(200)
  })

  for (const script of FOLLOWER_SCRIPTS)
    it(`answers as Kafka Connect, or deviates as documented: ${script}`, async () => {
      const differing: object[] = []
      for (const { id } of await javaAnswers(script)) {
        const [theirs, ours] = [java.get(id), answers.get(id)]
        if (theirs === undefined || ours === undefined) throw new Error(`no answer: ${id}`)
        const { expected, actual } = compared(theirs, ours, deviationOf.get(id))
        try {
          expect(actual).to.deep.equal(expected)
        } catch {
          differing.push({ expected, actual })
        }
      }
      expect(differing).to.deep.equal([])
    })
})
