import { expect } from 'chai'
import { describe, it } from 'mocha'
import { type Logger, SILENT } from '../../src/api/log.ts'
import type { TopicMetadata } from '../../src/kafka/client.ts'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
} from '../../src/kafka/groups/consumer-protocol.ts'
import type { Membership } from '../../src/runtime/host/protocol.ts'
import { SinkMembership } from '../../src/worker/groups/sink-membership.ts'
import type { HostedTask } from '../../src/worker/hosts/hosted-task.ts'
import { groupInstanceId, sinkAssignors } from '../../src/worker/groups/sink-group.ts'
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
    const revoked: Membership['partitions'][] = []
    const replaced: string[] = []
    /** What a revocation waits for. */
    const gate: { closed?: PromiseWithResolvers<undefined> } = {}
    const task: HostedTask = {
      assign: (membership) => void assigned.push(membership),
      revoke: async (_, keep) => {
        await gate.closed?.promise
        if (keep === undefined) calls.push('revoke')
        else revoked.push(keep.partitions)
      },
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
        assignors: sinkAssignors(config),
        groupInstanceId: groupInstanceId(config, 0),
        replaced: (reason) => replaced.push(reason),
        log,
        waits,
      },
      { metadata: cluster },
      (options) => (recorder = new Recorder(options)),
      task,
    )
    if (recorder === undefined) throw new Error('no member was made')
    membership.start()
    return { membership, recorder, assigned, calls, revoked, replaced, gate }
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
        groupInstanceId: null,
        cooperative: false,
        partitions: [{ topic: 'in', partitions: [0, 1] }],
      },
    ])
    await membership.leave(100)
    expect(recorder.calls.at(-1)).to.equal('leave')
    await recorder.options.onAssigned(place)
    expect(assigned).to.have.lengthOf(1)
  })

  it('goes on while its group rebalances cooperatively, and joins again once it has given up what it must', async () => {
    const strategy = { 'consumer.override.partition.assignment.strategy': 'cooperative-sticky' }
    const { membership, recorder, assigned, calls, revoked } = member({ topics: 'in', ...strategy }, () =>
      Promise.resolve([topic('in', 3)]),
    )
    await eventually(() => recorder.calls.includes('start'), QUICK)
    const { options } = recorder
    const said = () => decodeSubscription(options.protocols()[0]?.metadata ?? Buffer.alloc(0))
    const take = (generation: number, ...partitions: number[]) => {
      const share = partitions.length === 0 ? [] : [{ topic: 'in', partitions }]
      const assignment = encodeAssignment({ assigned: share, userData: null })
      return options.onAssigned({
        generation,
        memberId: 'x',
        leaderId: 'x',
        protocol: 'cooperative-sticky',
        assignment,
      })
    }
    expect([options.cooperative, said().generation, said().owned]).to.deep.equal([true, -1, []])
    await take(1, 0, 1)
    await options.onRevoked()
    expect([calls, recorder.calls]).to.deep.equal([[], ['start']])
    expect([said().generation, said().owned]).to.deep.equal([1, [{ topic: 'in', partitions: [0, 1] }]])
    await take(2, 1, 2)
    expect(revoked).to.deep.equal([[{ topic: 'in', partitions: [1] }]])
    expect(
      assigned.map(({ generation, partitions }) => [generation, partitions[0]?.partitions]),
    ).to.deep.equal([
      ...[
        [1, [0, 1]],
        [2, [1, 2]],
      ],
    ])
    expect(recorder.calls).to.deep.equal(['start', 'rejoin: partitions were given up'])
    options.onLost('expired')
    expect([calls.at(-1), said().owned]).to.deep.equal(['lost', []])
    await membership.leave(100)
  })

  it('takes nothing more where it was lost while it gave something up', async () => {
    const strategy = { 'consumer.override.partition.assignment.strategy': 'CooperativeStickyAssignor' }
    const { membership, recorder, assigned, gate } = member({ topics: 'in', ...strategy }, () =>
      Promise.resolve([topic('in', 3)]),
    )
    await eventually(() => recorder.calls.includes('start'), QUICK)
    const { options } = recorder
    const take = (generation: number, partitions: number[]) => {
      const assignment = encodeAssignment({ assigned: [{ topic: 'in', partitions }], userData: null })
      return options.onAssigned({
        generation,
        memberId: 'x',
        leaderId: 'x',
        protocol: 'cooperative-sticky',
        assignment,
      })
    }
    await take(1, [0, 1])
    gate.closed = Promise.withResolvers<undefined>()
    const taken = take(2, [1])
    options.onLost('expired')
    gate.closed.resolve(undefined)
    await taken
    expect([assigned.length, recorder.calls]).to.deep.equal([1, ['start']])
    await membership.leave(100)
  })

  it('is a static member by an id of its connector and task, and says so to the task that commits', async () => {
    const config = { topics: 'in', 'consumer.override.group.instance.id': 'fraud' }
    const { membership, recorder, assigned, replaced } = member(config, () =>
      Promise.resolve([topic('in', 1)]),
    )
    await eventually(() => recorder.calls.includes('start'), QUICK)
    expect(recorder.options.groupInstanceId).to.equal('fraud-0')
    const assignment = encodeAssignment({ assigned: [{ topic: 'in', partitions: [0] }], userData: null })
    const place = { generation: 3, memberId: 'x', leaderId: 'x', protocol: 'range', assignment }
    await recorder.options.onAssigned(place)
    expect(assigned[0]).to.include({ groupInstanceId: 'fraud-0', generation: 3 })
    recorder.options.onReplaced?.('somebody else')
    expect(replaced).to.deep.equal(['somebody else'])
    await membership.leave(100, { willReturn: true })
    expect(recorder.calls.at(-1)).to.equal('leave, to return')
    recorder.options.onReplaced?.('its own successor')
    expect(replaced).to.have.lengthOf(1)
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
