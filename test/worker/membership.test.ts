import { expect } from 'chai'
import { describe, it } from 'mocha'
import { type Logger, SILENT } from '../../src/api/log.ts'
import type { TopicMetadata } from '../../src/kafka/client.ts'
import { decodeAssignment, decodeSubscription } from '../../src/kafka/groups/consumer-protocol.ts'
import type { Membership } from '../../src/runtime/host/protocol.ts'
import { SinkMembership } from '../../src/worker/groups/sink-membership.ts'
import type { HostedTask } from '../../src/worker/hosts/hosted-task.ts'
import { topicSelection } from '../../src/worker/groups/topic-selection.ts'
import { eventually } from '../support/eventually.ts'
import { Recorder } from './recorded-member.ts'

const QUICK = { everyMs: 2, timeoutMs: 5_000 }

function topic(name: string, partitions: number): TopicMetadata {
  return {
    topic: name,
    error: 0,
    partitions: Array.from({ length: partitions }, (_, partition) => ({ partition, leader: 1 })),
  }
}

describe('the membership of a sink task', () => {
  function member(
    config: Record<string, string>,
    cluster: () => Promise<TopicMetadata[]>,
    log: Logger = SILENT,
    waits: (reason: string | null) => void = () => undefined,
  ) {
    const assigned: Membership[] = []
    const calls: string[] = []
    const task: HostedTask = {
      assign: (membership) => void assigned.push(membership),
      revoke: () => Promise.resolve(void calls.push('revoke')),
      lost: () => void calls.push('lost'),
      pause: () => undefined,
      resume: () => undefined,
      stop: () => Promise.resolve(),
    }
    let recorder: Recorder | undefined
    const membership = new SinkMembership(
      {
        groupId: 'connect-a',
        sessionTimeout: 10_000,
        rebalanceTimeout: 60_000,
        heartbeatInterval: 1_000,
        metadataMaxAge: 5,
        topics: topicSelection(config),
        log,
        waits,
      },
      { metadata: cluster },
      (options) => (recorder = new Recorder(options)),
      task,
    )
    if (recorder === undefined) throw new Error('no member was made')
    membership.start()
    return { membership, recorder, assigned, calls }
  }

  it('shares the partitions out by range and hands over its own with member id and generation', async () => {
    const { membership, recorder, assigned } = member({ topics: 'in' }, () =>
      Promise.resolve([topic('in', 3)]),
    )
    await eventually(() => recorder.calls.includes('start'), QUICK)
    const [protocol] = recorder.options.protocols()
    expect(protocol?.name).to.equal('range')
    const metadata = protocol?.metadata ?? Buffer.alloc(0)
    expect(decodeSubscription(metadata).topics).to.deep.equal(['in'])
    const members = ['x', 'y'].map((memberId) => ({ memberId, metadata }))
    const shares = await recorder.options.assign('range', members, 'x', 7)
    const assignment = shares.get('x') ?? Buffer.alloc(0)
    expect(decodeAssignment(assignment).assigned).to.deep.equal([{ topic: 'in', partitions: [0, 1] }])
    const place = { generation: 7, memberId: 'x', leaderId: 'x', protocol: 'range', assignment }
    await recorder.options.onAssigned(place)
    expect(assigned).to.deep.equal([
      {
        groupId: 'connect-a',
        memberId: 'x',
        generation: 7,
        partitions: [{ topic: 'in', partitions: [0, 1] }],
      },
    ])
    await membership.leave(100)
    expect(recorder.calls.at(-1)).to.equal('leave')
    await recorder.options.onAssigned(place)
    expect(assigned).to.have.lengthOf(1)
  })

  it('joins again when a topic that matches appears or grows, and not otherwise', async () => {
    let topics = [topic('flights-a', 1), topic('other', 1), topic('__consumer_offsets', 50)]
    let looks = 0
    const { membership, recorder } = member({ 'topics.regex': '.*flights.*|__.*' }, () => {
      looks++
      return Promise.resolve(topics)
    })
    await eventually(() => recorder.calls.includes('start'), QUICK)
    topics = [...topics, topic('unrelated', 3)]
    const seen = looks
    await eventually(() => looks > seen + 2, QUICK)
    expect(recorder.calls).to.deep.equal(['start'])
    topics = [...topics, topic('flights-b', 2)]
    await eventually(() => recorder.calls.length === 2, QUICK)
    const subscribed = decodeSubscription(recorder.options.protocols()[0]?.metadata ?? Buffer.alloc(0))
    expect(subscribed.topics).to.deep.equal(['flights-a', 'flights-b'])
    topics = [topic('flights-a', 4), topic('flights-b', 2)]
    await eventually(() => recorder.calls.length === 3, QUICK)
    await membership.leave(100)
  })

  it('joins again where a topic could not be seen at the moment at which it shared partitions out', async () => {
    let error = 0
    const { membership, recorder } = member({ topics: 'in' }, () =>
      Promise.resolve([{ ...topic('in', 3), error }]),
    )
    await eventually(() => recorder.calls.includes('start'), QUICK)
    const metadata = recorder.options.protocols()[0]?.metadata ?? Buffer.alloc(0)
    error = 5
    const sharing = recorder.options.assign('range', [{ memberId: 'x', metadata }], 'x', 1)
    error = 0
    await sharing
    await eventually(() => recorder.calls.includes('rejoin: topics changed'), QUICK)
    await membership.leave(100)
  })

  it('says in its status and once in the log that a topic does not exist, and waits for it', async () => {
    const told: (string | null)[] = []
    const lines: string[] = []
    const say = (message: string): void => void lines.push(message)
    const log: Logger = { ...SILENT, warn: say, info: say }
    let looks = 0
    let topics = [topic('in', 1)]
    const cluster = (): Promise<TopicMetadata[]> => {
      looks++
      return Promise.resolve(topics)
    }
    const { membership, recorder } = member({ topics: 'in,late' }, cluster, log, (reason) =>
      told.push(reason),
    )
    await eventually(() => looks > 3, QUICK)
    const reason = 'waiting for topic late to be created'
    expect([told, lines]).to.deep.equal([[reason], [reason]])
    topics = [topic('in', 1), topic('late', 1)]
    await eventually(() => recorder.calls.includes('rejoin: topics changed'), QUICK)
    expect(told).to.deep.equal([reason, null])
    expect(lines).to.deep.equal([reason, `no longer ${reason}`])
    topics = [topic('in', 1)]
    await eventually(() => told.length === 3, QUICK)
    await membership.leave(100)
    expect(told).to.deep.equal([reason, null, reason, null])
  })

  it('goes on trying while topics cannot be looked up', async () => {
    let tries = 0
    const { membership, recorder } = member({ topics: 'in' }, () =>
      ++tries < 3 ? Promise.reject(new Error('down')) : Promise.resolve([topic('in', 1)]),
    )
    await eventually(() => recorder.calls.includes('start'), QUICK)
    expect(tries).to.be.at.least(3)
    await membership.leave(100)
  })
})
