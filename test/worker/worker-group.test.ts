import { expect } from 'chai'
import { describe, it } from 'mocha'
import { SILENT } from '../../src/api/log.ts'
import {
  type ConnectAssignment,
  decodeWorkerState,
  encodeConnectAssignment,
} from '../../src/kafka/groups/connect-protocol.ts'
import type { TaskId } from '../../src/runtime/host/protocol.ts'
import { WorkerGroup } from '../../src/worker/groups/worker-group.ts'
import { readSettings } from '../../src/worker/settings/settings.ts'
import { Recorder } from './recorded-member.ts'

describe('the membership of a worker', () => {
  interface Ran {
    readonly connectors: readonly string[]
    readonly tasks: readonly TaskId[]
  }

  function group(protocol = 'sessioned', stopped: () => Promise<unknown> = () => Promise.resolve()) {
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
      dropAll: async () => {
        calls.push('drop all')
        await stopped()
      },
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
        shareOut: () => Promise.resolve(new Map()),
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

  it('hands its work back before it leaves: it joins once more, says that it runs nothing and leaves', async () => {
    const { made, recorder, options, take } = group()
    await take({ connectors: ['a'] })
    made.retire()
    const handed = made.handBack()
    expect(recorder.calls).to.deep.equal(['rejoin: the worker stops'])
    const told = decodeWorkerState(options.protocols()[0]?.metadata ?? Buffer.alloc(0))
    expect([told.leaving, told.assignment?.connectors, told.configOffset]).to.deep.equal([true, [], 5n])
    await take({})
    await handed
    expect(recorder.calls).to.have.lengthOf(1)
  })

  it('does not take an answer to what it said before for one to its farewell', async () => {
    const { made, options, take } = group()
    await take({ connectors: ['a'] })
    made.retire()
    let isOver = false
    const handed = made.handBack().then(() => (isOver = true))
    await take({})
    expect(isOver).to.equal(false)
    options.protocols()
    await take({})
    await handed
  })

  it('makes a leader that gives it work all the same forget the last round, as a Java worker does', async () => {
    const { made, recorder, options, ran, take } = group()
    await take({ connectors: ['a'] })
    made.retire()
    const handed = made.handBack()
    options.protocols()
    await take({ connectors: ['a'] })
    expect(recorder.calls).to.have.lengthOf(2)
    const told = decodeWorkerState(options.protocols()[0]?.metadata ?? Buffer.alloc(0))
    expect(told.configOffset > 5n).to.equal(true)
    await take({ error: 1 })
    await handed
    expect(ran).to.have.lengthOf(1)
  })

  it('leaves at once where it has no place, or has given its place up meanwhile', async () => {
    const { made, options, take } = group()
    await made.handBack()
    await take({ connectors: ['a'] })
    const handed = made.handBack()
    options.onLost('expired')
    await handed
  })

  it('vouches for nothing as long as it still stops what it ran in a place that it has lost', async () => {
    const stopped = Promise.withResolvers<undefined>()
    const { made, options, take } = group('sessioned', () => stopped.promise)
    await take({ connectors: ['a'] })
    expect(made.heldUntil).to.equal(Infinity)
    options.onLost('expired')
    await take({ connectors: ['a'] })
    expect(made.heldUntil).to.equal(0)
    stopped.resolve(undefined)
    await new Promise(setImmediate)
    expect(made.heldUntil).to.equal(Infinity)
  })
})
