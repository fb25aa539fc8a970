import { expect } from 'chai'
import { before, describe, it } from 'mocha'
import type { TaskError } from '../../src/index.ts'
import { type CopyTask, startCopy } from '../support/copy-task.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { kafkajsClient, sharedKafka } from '../support/kafka.ts'
import { fillTopic, type Produced, readTopic } from '../support/topics.ts'

const RECORDS = 40
const BAD = 25

interface Case {
  readonly bad: Produced
  readonly target?: Readonly<Record<string, string>>
  readonly config?: Readonly<Record<string, string>>
  readonly says: RegExp
}

const CASES: Readonly<Record<string, Case>> = {
  'is larger than the target topic takes': {
    bad: { key: 'bad', value: Buffer.alloc(20_000, '1') },
    target: { 'max.message.bytes': '10000' },
    says: /KAFKA_PRODUCE \(Producer\): The record has 20\d{3} bytes, more than max\.message\.bytes/,
  },
  'is refused by Kafka itself': {
    bad: { key: null, value: Buffer.from('1') },
    target: { 'cleanup.policy': 'compact' },
    says: /KAFKA_PRODUCE \(Producer\): Topic .* does not take the record/,
  },
  'its converter cannot read': {
    bad: { key: 'bad', value: Buffer.from('{') },
    config: { 'value.converter': 'JsonConverter', 'value.converter.schemas.enable': 'false' },
    says: /VALUE_CONVERTER \(JsonConverter\)/,
  },
}

describe('a record that is not tolerated', function () {
  this.timeout(60_000)
  let bootstrapServers: string

  before(async () => {
    bootstrapServers = (await sharedKafka()).bootstrapServers
  })

  async function createTarget(topic: string, configs: Readonly<Record<string, string>>): Promise<void> {
    const admin = kafkajsClient(bootstrapServers).admin()
    await admin.connect()
    const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
    await admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor: 1, configEntries }] })
    await admin.disconnect()
  }

  async function committed(groupId: string, topic: string): Promise<string | undefined> {
    const admin = kafkajsClient(bootstrapServers).admin()
    await admin.connect()
    const [found] = await admin.fetchOffsets({ groupId, topics: [topic] })
    await admin.disconnect()
    return found?.partitions[0]?.offset
  }

  /** Runs a task until it fails, as the worker runs one; gives its failure. */
  async function untilFailed(copy: CopyTask): Promise<TaskError> {
    const [error] = await eventually(() => (copy.failures.length > 0 ? copy.failures : null), {
      timeoutMs: 20_000,
    })
    await copy.opened.task.revoke()
    await copy.stop()
    return error as TaskError
  }

  for (const [what, { bad, target: settings = {}, config = {}, says }] of Object.entries(CASES)) {
    it(`because it ${what} ends its task: what is before it is there once, nothing after it, also with a second task`, async () => {
      const [source, target, groupId] = ['in', 'out', 'group'].map(uniqueName) as [string, string, string]
      const records = Array.from({ length: RECORDS }, (_, i) => {
        return i === BAD ? bad : { key: String(i), value: Buffer.from(String(i)) }
      })
      await createTarget(target, settings)
      await fillTopic(bootstrapServers, source, 1, records)
      const copied = { topics: source, 'target.topic': target, ...config }
      for (let task = 0; task < 2; task++) {
        const error = await untilFailed(await startCopy(bootstrapServers, copied, 1, { groupId }))
        expect(error.code).to.equal('task.tolerance')
        expect(error.message).to.match(new RegExp(`record ${source}-0@${BAD} failed in ${says.source}`))
      }
      const read = await readTopic(bootstrapServers, target)
      expect(read.map(({ key }) => String(key))).to.deep.equal(
        Array.from({ length: BAD }, (_, i) => String(i)),
      )
      expect(await committed(groupId, source)).to.equal(String(BAD))
    })
  }
})
