import { expect } from 'chai'
import { describe, it } from 'mocha'
import { type Logger, SILENT } from '../../src/api/log.ts'
import type { TopicMetadata } from '../../src/kafka/client.ts'
import {
  type ConnectAssignment,
  decodeWorkerState,
  encodeConnectAssignment,
} from '../../src/kafka/groups/connect-protocol.ts'
import { decodeAssignment, decodeSubscription } from '../../src/kafka/groups/consumer-protocol.ts'
import type { GroupMemberOptions } from '../../src/kafka/groups/group.ts'
import type { Membership, TaskId } from '../../src/runtime/host/protocol.ts'
import { readSettings } from '../../src/worker/settings/settings.ts'
import { SinkMembership } from '../../src/worker/groups/sink-membership.ts'
import type { HostedTask } from '../../src/worker/hosts/hosted-task.ts'
import { topicSelection } from '../../src/worker/groups/topic-selection.ts'
import { WorkerGroup } from '../../src/worker/groups/worker-group.ts'
import { eventually } from '../support/eventually.ts'

const QUICK = { everyMs: 2, timeoutMs: 5_000 }

function topic(name: string, partitions: number): TopicMetadata {
  return {
    topic: name,
    error: 0,
    partitions: Array.from({ length: partitions }, (_, partition) => ({ partition, leader: 1 })),
  }
}

/** A member that only remembers what it was told. */
class Recorder {
  readonly heldUntil = Infinity
  readonly calls: string[] = []
  readonly options: GroupMemberOptions
  constructor(options: GroupMemberOptions) {
    this.options = options
  }
  start(): Promise<void> {
    this.calls.push('start')
    return Promise.resolve()
  }
  rejoin(reason: string): void {
    this.calls.push(`rejoin: ${reason}`)
  }
  leave(): Promise<void> {
    this.calls.push('leave')
    return Promise.resolve()
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
    const shares = await recorder.options.assign('range', members, 'x')
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
    const sharing = recorder.options.assign('range', [{ memberId: 'x', metadata }], 'x')
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

describe('the membership of a worker', () => {
  interface Ran {
    readonly connectors: readonly string[]
    readonly tasks: readonly TaskId[]
  }

  function group(protocol = 'sessioned') {
    const { settings } = readSettings(
      new Map(
        Object.entries({
          'group.id': 'g',
          'config.storage.topic': 'c',
          'offset.storage.topic': 'o',
          'status.storage.topic': 's',
          'connect.protocol': protocol,
        }),
      ),
    )
    const ran: Ran[] = []
    const [calls, before]: [string[], number[]] = [[], []]
    const configs = { offset: 5n, readToEnd: () => Promise.resolve(void calls.push('read')) }
    const work = {
      runOnly: (connectors: readonly string[], tasks: readonly TaskId[]) =>
        Promise.resolve(void ran.push({ connectors, tasks })),
      dropAll: () => Promise.resolve(void calls.push('drop all')),
    }
    let recorder: Recorder | undefined
    if (settings.mode.kind !== 'distributed') throw new Error('a worker of a group is one of a cluster')
    const made = new WorkerGroup(
      {
        mode: settings.mode,
        settings,
        url: 'http://127.0.0.1:1/',
        configs,
        work,
        shareOut: () => new Map(),
        onGeneration: (generation) => void before.push(generation, ran.length),
        onTaken: () => undefined,
        log: SILENT,
      },
      (options) => (recorder = new Recorder(options)),
    )
    if (recorder === undefined) throw new Error('no member was made')
    const { options } = recorder
    const take = (more: Partial<ConnectAssignment>, name = 'sessioned', version: 0 | 2 = 2) => {
      const assignment: ConnectAssignment = {
        error: 0,
        leader: 'm',
        leaderUrl: 'http://127.0.0.1:1/',
        configOffset: 5n,
        connectors: [],
        tasks: [],
        revokedConnectors: [],
        revokedTasks: [],
        delayMs: 0,
        ...more,
      }
      const bytes = encodeConnectAssignment(assignment, version)
      return options.onAssigned({
        generation: 1,
        memberId: 'm',
        leaderId: 'm',
        protocol: name,
        assignment: bytes,
      })
    }
    return { made, recorder, options, ran, calls, before, take }
  }

  it('offers the protocols from the one that is set downwards', () => {
    expect(
      group()
        .options.protocols()
        .map(({ name }) => name),
    ).to.deep.equal(['sessioned', 'compatible', 'default'])
    expect(
      group('compatible')
        .options.protocols()
        .map(({ name }) => name),
    ).to.deep.equal(['compatible', 'default'])
    expect(
      group('eager')
        .options.protocols()
        .map(({ name }) => name),
    ).to.deep.equal(['default'])
  })

  it('adds what is new, stops what is revoked and joins again, and tells what it runs', async () => {
    const { recorder, options, ran, before, take } = group()
    const [zero, one] = [0, 1].map((task) => ({ connector: 'a', task }))
    if (zero === undefined || one === undefined) throw new Error('unreachable')
    await take({ connectors: ['a'], tasks: [zero, one] })
    await options.onRevoked()
    expect(ran.at(-1)).to.deep.equal({ connectors: ['a'], tasks: [zero, one] })
    expect(recorder.calls).to.deep.equal([])
    await take({ connectors: ['b'], revokedTasks: [one] })
    expect(ran.at(-1)).to.deep.equal({ connectors: ['a', 'b'], tasks: [zero] })
    expect(recorder.calls).to.deep.equal(['rejoin: work was given up'])
    const told = decodeWorkerState(options.protocols()[0]?.metadata ?? Buffer.alloc(0))
    expect([told.configOffset, before]).to.deep.equal([5n, [1, 0, 1, 1]])
    expect(told.assignment).to.deep.include({ connectors: ['a', 'b'], tasks: [zero], revokedTasks: [] })
  })

  it('reads on and joins again when the configurations were behind', async () => {
    const { recorder, ran, calls, take } = group()
    await take({ error: 1, configOffset: 9n })
    expect(calls).to.deep.equal(['read'])
    expect(ran).to.deep.equal([])
    expect(recorder.calls).to.have.lengthOf(1)
  })

  it('stops everything before joining again under the eager protocol alone', async () => {
    const eager = group('eager')
    await eager.take({ connectors: ['a'] }, 'default', 0)
    await eager.options.onRevoked()
    expect(eager.calls).to.deep.equal(['drop all'])
  })

  it('stops everything when it has lost its place, and says that it is not in its group', async () => {
    const { made, options, calls, take } = group()
    await take({ connectors: ['a'] })
    expect(made.inGroup).to.equal(true)
    options.onLost('expired')
    expect([made.inGroup, calls]).to.deep.equal([false, ['drop all']])
    expect(decodeWorkerState(options.protocols()[0]?.metadata ?? Buffer.alloc(0)).assignment).to.equal(null)
  })
})
