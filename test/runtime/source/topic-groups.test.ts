import { expect } from 'chai'
import { describe, it } from 'mocha'
import { SILENT, TaskError } from '../../../src/index.ts'
import type { NewTopic } from '../../../src/kafka/admin.ts'
import { TargetTopics } from '../../../src/runtime/source/target-topics.ts'
import { newTopicFor } from '../../../src/runtime/source/topic-groups.ts'

const DEFAULT = { 'topic.creation.default.replication.factor': '1', 'topic.creation.default.partitions': '3' }
import { eventually } from '../../support/eventually.ts'

describe('topic.creation.*', () => {
  it('says nothing where it is not configured', () => {
    expect(newTopicFor({ name: 'a' })).to.equal(undefined)
  })

  it('gives each topic the settings of the first group that has it, else of the default', () => {
    const create = newTopicFor({
      ...DEFAULT,
      'topic.creation.default.cleanup.policy': 'compact',
      'topic.creation.groups': 'logs, wide',
      'topic.creation.logs.include': 'log.*,trace',
      'topic.creation.logs.exclude': 'log-not',
      'topic.creation.logs.retention.ms': '1000',
      'topic.creation.wide.include': 'log-.*',
      'topic.creation.wide.partitions': '-1',
    })
    expect(create?.('x')).to.deep.equal({
      ...{ topic: 'x', partitions: 3, replicationFactor: 1 },
      configs: { 'cleanup.policy': 'compact' },
    })
    expect(create?.('log-a')).to.deep.include({ partitions: 3, configs: { 'retention.ms': '1000' } })
    expect(create?.('trace')).to.deep.include({ configs: { 'retention.ms': '1000' } })
    expect(create?.('a-trace'), 'the whole name').to.deep.include({
      configs: { 'cleanup.policy': 'compact' },
    })
    expect(create?.('log-not')).to.deep.include({ partitions: -1, replicationFactor: 1, configs: {} })
  })
})

describe('the topics that a source writes to', () => {
  /** A cluster that creates topics by itself, or does not. */
  function cluster(auto: boolean, existing: readonly string[] = []) {
    const topics = new Set(existing)
    const created: NewTopic[] = []
    const client = {
      partitionCount: (topic: string) => Promise.resolve(topics.has(topic) ? 1 : null),
      metadata: (names: readonly string[] | null) =>
        Promise.resolve(
          (names ?? []).map((topic) => ({
            ...{ topic, error: topics.has(topic) ? 0 : 3 },
            partitions: topics.has(topic) ? [{ partition: 0, leader: 1 }] : [],
          })),
        ),
      requestTopic: (topic: string) => {
        if (auto) topics.add(topic)
        return Promise.resolve()
      },
    }
    const create = (_client: unknown, topic: NewTopic) => {
      created.push(topic)
      topics.add(topic.topic)
      return Promise.resolve('created' as const)
    }
    const failures: unknown[] = []
    const failed = (error: unknown) => void failures.push(error)
    return { client, create, created, topics, failures, failed, log: SILENT }
  }

  const problem = (work: Promise<void>): Promise<unknown> =>
    work.then(
      () => undefined,
      (error: unknown) => error,
    )

  it('are left alone where they exist', async () => {
    const kafka = cluster(false, ['t'])
    await new TargetTopics({ ...kafka, enabled: true, newTopicFor: newTopicFor(DEFAULT) }).ensure('t')
    expect(kafka.created).to.deep.equal([])
  })

  it('are created again where they were deleted, once for all that finds them missing', async () => {
    const kafka = cluster(false)
    const topics = new TargetTopics({ ...kafka, enabled: true, newTopicFor: newTopicFor(DEFAULT) })
    topics.missing('dead-letters') // of somebody else
    await topics.ensure('t')
    kafka.topics.clear()
    topics.missing('t')
    await topics.ensure('t')
    topics.missing('t')
    expect(kafka.created.map(({ topic }) => topic)).to.deep.equal(['t', 't'])
    expect(kafka.failures).to.deep.equal([])
  })

  it('fail their source where they were deleted and nobody may create them', async () => {
    const kafka = cluster(false, ['t'])
    const topics = new TargetTopics({ ...kafka, enabled: false, newTopicFor: undefined })
    await topics.ensure('t')
    kafka.topics.clear()
    topics.missing('t')
    await eventually(() => expect(kafka.failures).to.have.length(1), { timeoutMs: 20_000 })
    expect(String(kafka.failures[0])).to.contain('Topic t does not exist')
  }).timeout(25_000)

  it('are created as the connector says', async () => {
    const kafka = cluster(false)
    await new TargetTopics({ ...kafka, enabled: true, newTopicFor: newTopicFor(DEFAULT) }).ensure('t')
    expect(kafka.created).to.deep.equal([{ topic: 't', partitions: 3, replicationFactor: 1, configs: {} }])
  })

  it('are left to the brokers where the connector or the worker says nothing', async () => {
    for (const [enabled, create] of [
      [true, undefined],
      [false, newTopicFor(DEFAULT)],
    ] as const) {
      const kafka = cluster(true)
      await new TargetTopics({ ...kafka, enabled, newTopicFor: create }).ensure('t')
      expect(kafka.created).to.deep.equal([])
    }
  })

  it('are missing with a reason where nobody may create them', async () => {
    const silent = new TargetTopics({ ...cluster(false), enabled: true, newTopicFor: undefined })
    const error = await problem(silent.ensure('t'))
    expect(error).to.be.instanceOf(TaskError).and.include({ code: 'kafka.topic' })
    expect(String(error))
      .to.contain('Topic t does not exist')
      .and.contain('topic.creation.default.partitions')
    const disabled = new TargetTopics({
      ...cluster(false),
      enabled: false,
      newTopicFor: newTopicFor(DEFAULT),
    })
    expect(String(await problem(disabled.ensure('t')))).to.contain('topic.creation.enable=false')
  }).timeout(20_000)
})
