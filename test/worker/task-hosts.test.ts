import { expect } from 'chai'
import { describe, it } from 'mocha'
import { SILENT } from '../../src/api/log.ts'
import type { TaskId, TaskState } from '../../src/runtime/host/protocol.ts'
import type { Death, HostedTask } from '../../src/worker/hosts/hosted-task.ts'
import { TaskHosts } from '../../src/worker/hosts/task-hosts.ts'
import type { SpawnHost } from '../../src/worker/hosts/host-process.ts'
import { Suspects } from '../../src/worker/hosts/suspects.ts'
import { TaskRun } from '../../src/worker/hosts/task-run.ts'
import { eventually } from '../support/eventually.ts'
import { type FakeHost, fakeHosts, HOST_SETTINGS } from './memory-worker.ts'

const QUICK = { everyMs: 2, timeoutMs: 5_000 }

interface Told {
  readonly states: TaskState[]
  readonly deaths: Death[]
}

function pool(max: number, deadline = 60_000, keep = 10_000, silence = 60_000) {
  const { hosts, spawn } = fakeHosts()
  const options = { settings: HOST_SETTINGS, max, deadline, maxMemory: Infinity, log: SILENT }
  const all = new TaskHosts({ ...options, spawn, keep, silence })
  const start = (task: number, alone = false): HostedTask & Told => {
    const told: Told = { states: [], deaths: [] }
    const listener = {
      state: (state: TaskState) => void told.states.push(state),
      waits: () => undefined,
      fenced: () => undefined,
      shown: () => undefined,
      metrics: () => undefined,
      passed: () => undefined,
      cleared: () => undefined,
      died: (death: Death) => void told.deaths.push(death),
    }
    return { ...all.start(id(task), { name: 'a' }, { paused: false, alone }, listener), ...told }
  }
  return { all, hosts, start }
}

const id = (task: number): TaskId => ({ connector: 'a', task })
const startsOf = (host: FakeHost | undefined): number[] =>
  (host?.heard('start') ?? []).map((message) => message.id.task)

describe('task hosts', () => {
  it('share the tasks evenly, up to the number that is set', async () => {
    const { hosts, start } = pool(2)
    for (const task of [0, 1, 2, 3]) start(task)
    await eventually(() => hosts.length === 2 && startsOf(hosts[1]).length === 2, QUICK)
    expect(hosts.map(startsOf)).to.deep.equal([
      [0, 2],
      [1, 3],
    ])
  })

  it('stay as many as is set when connectors come one by one, each checked in a host without tasks', async () => {
    const { all, hosts, start } = pool(2)
    for (const task of [0, 1, 2, 3]) {
      expect(await all.validate({ name: 'a' })).to.deep.equal([])
      start(task)
    }
    await eventually(() => hosts.flatMap(startsOf).length === 4, QUICK)
    expect(hosts.map(startsOf).filter((tasks) => tasks.length > 0)).to.deep.equal([
      [0, 2],
      [1, 3],
    ])
  })

  it('know whether their task runs alone, so that its models are read elsewhere first', async () => {
    const { hosts, start } = pool(1)
    start(0)
    start(1, true)
    await eventually(() => hosts.length === 2 && hosts.every((host) => startsOf(host).length === 1), QUICK)
    expect(hosts.map((host) => host.heard('settings').map(({ alone }) => alone))).to.deep.equal([
      [false],
      [true],
    ])
  })

  it('get the settings before anything else', async () => {
    const { hosts, start } = pool(1)
    start(0)
    await eventually(() => hosts[0]?.sent.length === 2, QUICK)
    expect(hosts[0]?.sent.map(({ type }) => type)).to.deep.equal(['settings', 'start'])
  })

  it('are killed when a plugin does not return in time; that task alone is the suspect', async () => {
    const { hosts, start } = pool(1, 60)
    const [stuck, other] = [start(0), start(1)]
    await eventually(() => other.states.length === 1, QUICK)
    hosts[0]?.say({ type: 'at', id: id(0), stage: 'transforms.score' })
    hosts[0]?.say({ type: 'at', id: id(1), stage: 'idle' })
    await eventually(() => stuck.deaths.length === 1, QUICK)
    expect(stuck.deaths[0]).to.deep.include({ suspect: true })
    expect(stuck.deaths[0]?.reason).to.contain('transforms.score')
    expect(other.deaths[0]?.suspect).to.equal(false)
  })

  it('are not killed while plugins return in time, however often they are called', async () => {
    const { hosts, start } = pool(1, 100)
    const task = start(0)
    await eventually(() => task.states.length === 1, QUICK)
    let calls = 0
    await eventually(
      () => {
        hosts[0]?.say({ type: 'at', id: id(0), stage: calls % 2 === 0 ? 'put' : 'idle' })
        return ++calls === 60
      },
      { everyMs: 5, timeoutMs: 5_000 },
    )
    expect(task.deaths).to.deep.equal([])
  })

  it('suspect nobody after a SIGKILL from outside, and after a crash whoever was in a plugin', async () => {
    const { hosts, start } = pool(1)
    const [first, second] = [start(0), start(1)]
    await eventually(() => second.states.length === 1, QUICK)
    hosts[0]?.say({ type: 'at', id: id(0), stage: 'put' })
    hosts[0]?.exit({ code: null, signal: 'SIGABRT' })
    expect([first, second].map(({ deaths }) => deaths[0]?.suspect)).to.deep.equal([true, false])
    const third = start(2)
    await eventually(() => third.states.length === 1, QUICK)
    hosts[1]?.say({ type: 'at', id: id(2), stage: 'put' })
    hosts[1]?.exit({ code: null, signal: 'SIGKILL' })
    expect(third.deaths[0]?.suspect).to.equal(false)
  })

  it('are killed when they do not give partitions up in time', async () => {
    const { hosts, start } = pool(1)
    const task = start(0)
    await eventually(() => task.states.length === 1, QUICK)
    hosts[0]?.deaf.add('revoke')
    await task.revoke(20)
    expect(hosts[0]?.alive).to.equal(false)
    expect(task.deaths[0]?.reason).to.contain('revoke')
  })

  it('check configurations apart from tasks, and say so when that takes too long', async () => {
    const { all, hosts, start } = pool(1, 50)
    start(0)
    expect(await all.validate({ name: 'a' })).to.deep.equal([])
    expect(hosts).to.have.lengthOf(2)
    hosts[1]?.deaf.add('validate')
    const problems = await all.validate({ name: 'a' })
    expect(problems[0]?.message).to.contain('50 ms')
    expect(hosts[0]?.alive).to.equal(true)
  })

  it('get nothing new to do while they are on their way out', async () => {
    const { all, hosts, start } = pool(1, 60_000, 1)
    expect(await all.validate({ name: 'a' })).to.deep.equal([])
    await eventually(() => hosts[0]?.ending, { everyMs: 1 })
    const [task, problems] = [start(0), await all.validate({ name: 'a' })]
    expect(problems).to.deep.equal([])
    await eventually(() => task.states.length === 1, QUICK)
    expect(startsOf(hosts[0])).to.deep.equal([])
    expect(hosts[0]?.heard('validate')).to.have.lengthOf(1)
  })

  it('suspect every task after a crash outside of plugins, but not one that merely cannot commit in time', async () => {
    const { hosts, start } = pool(1)
    const [first, second] = [start(0), start(1)]
    await eventually(() => second.states.length === 1, QUICK)
    hosts[0]?.exit({ code: 1, signal: null })
    expect([first, second].map(({ deaths }) => deaths[0]?.suspect)).to.deep.equal([true, true])
    const third = start(2)
    await eventually(() => third.states.length === 1, QUICK)
    hosts[1]?.deaf.add('revoke')
    await third.revoke(20)
    expect(third.deaths[0]?.suspect).to.equal(false)
  })

  it('are killed when they have said nothing at all for long, whatever they said last', async () => {
    const { hosts, start } = pool(1, 60, 10_000, 100)
    const task = start(0)
    await eventually(() => task.states.length === 1, QUICK)
    let told = 0
    await eventually(
      () => {
        hosts[0]?.say({ type: 'heartbeat' })
        return ++told === 40
      },
      { everyMs: 5, timeoutMs: 5_000 },
    )
    expect(task.deaths).to.deep.equal([])
    await eventually(() => task.deaths.length === 1, QUICK)
    expect(task.deaths[0]).to.deep.include({ suspect: false })
    expect(task.deaths[0]?.reason).to.contain('said nothing')
  })

  it('tell which rows a plugin was at when it died, and none for one that was given none', async () => {
    const { hosts, start } = pool(1)
    const rows = { topic: 't', partition: 0, first: 5n, last: 9n }
    for (const [k, last] of ['put', 'flush'].entries()) {
      const task = start(k)
      await eventually(() => task.states.length === 1, QUICK)
      hosts[k]?.say({ type: 'at', id: id(k), stage: 'put', rows })
      if (last === 'flush') hosts[k]?.say({ type: 'at', id: id(k), stage: last })
      hosts[k]?.exit({ code: null, signal: 'SIGABRT' })
      const call = last === 'put' ? { rows, stage: 'put', bySignal: false } : undefined
      expect(task.deaths[0]?.call).to.deep.equal(call)
    }
  })

  it('check configurations with a deadline that begins when the process has started', async () => {
    const silent: SpawnHost = () => ({
      ...{
        pid: 1,
        send: () => undefined,
        kill: () => killed++,
        disconnect: () => undefined,
        memory: () => 0,
      },
    })
    let killed = 0
    const options = { settings: HOST_SETTINGS, max: 1, deadline: 1, maxMemory: Infinity, log: SILENT }
    void new TaskHosts({ ...options, spawn: silent }).validate({ name: 'a' })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(killed).to.equal(0)
  })

  it('end when they have had nothing to do for a while', async () => {
    const { hosts, start } = pool(1, 60_000, 10)
    const task = start(0)
    await eventually(() => task.states.length === 1, QUICK)
    await task.stop(1_000)
    await eventually(() => hosts[0]?.alive === false, QUICK)
  })
})

describe('a task', () => {
  function run() {
    const { all, hosts } = pool(4, 60)
    const reports: string[] = []
    const task = new TaskRun({
      id: id(0),
      config: { name: 'a' },
      paused: false,
      hosts: all,
      suspects: new Suspects(),
      join: () => ({ start: () => undefined, rejoin: () => undefined, leave: () => Promise.resolve() }),
      report: (state, trace) => void reports.push(trace === null ? state : `${state} ${trace}`),
      stopTimeout: 1_000,
      log: SILENT,
    })
    task.start()
    return { task, hosts, reports }
  }

  it('starts again in a new host when its host was killed', async () => {
    const { task, hosts, reports } = run()
    await eventually(() => reports.length === 1, QUICK)
    hosts[0]?.exit({ code: null, signal: 'SIGKILL' })
    await eventually(() => reports.length === 3, QUICK)
    expect(reports[1]).to.match(/^RESTARTING .*SIGKILL/)
    expect(reports[2]).to.equal('RUNNING')
    await task.stop()
  })

  it('is FAILED, with the stage in its trace, when it ran into its deadline three times', async () => {
    const { task, hosts, reports } = run()
    for (const kill of [0, 1, 2]) {
      await eventually(() => reports.filter((report) => report === 'RUNNING').length === kill + 1, QUICK)
      hosts[kill]?.say({ type: 'at', id: id(0), stage: 'transforms.score' })
      await eventually(() => hosts[kill]?.alive === false, QUICK)
    }
    await eventually(() => task.state === 'FAILED', QUICK)
    expect(reports.at(-1)).to.match(/^FAILED .*transforms\.score.*task\.deadline\.ms/)
    expect(hosts).to.have.lengthOf(3)
  })

  it('that failed is stopped for good before it starts anew', async () => {
    const { all, hosts } = pool(1)
    const options = {
      id: id(0),
      config: { name: 'a' },
      paused: false,
      hosts: all,
      suspects: new Suspects(),
      report: () => undefined,
      stopTimeout: 5_000,
      log: SILENT,
    }
    const member = { start: () => undefined, rejoin: () => undefined, leave: () => Promise.resolve() }
    const joined: HostedTask[] = []
    const join = (task: HostedTask) => {
      joined.push(task)
      return member
    }
    const failed = new TaskRun({ ...options, join })
    failed.start()
    await eventually(() => joined.length === 1, QUICK)
    hosts[0]?.deaf.add('stop')
    hosts[0]?.say({ type: 'state', id: id(0), state: 'FAILED', trace: 'DataError: bad' })
    const restarted = new TaskRun({ ...options, join })
    const restart = failed.stop().then(() => restarted.start())
    await eventually(() => hosts[0]?.heard('stop').length === 1, QUICK)
    hosts[0]?.say({ type: 'stopped', id: id(0) })
    await restart
    await eventually(() => joined.length === 2, QUICK)
    joined[1]?.assign({ groupId: 'g', memberId: 'm', generation: 2, partitions: [] })
    expect(hosts[0]?.sent.map(({ type }) => type)).to.deep.equal([
      'settings',
      'start',
      'stop',
      'start',
      'assign',
    ])
  })

  it('keeps nothing open once it has failed', async () => {
    const { task, hosts, reports } = run()
    await eventually(() => reports.length === 1, QUICK)
    hosts[0]?.say({ type: 'state', id: id(0), state: 'FAILED', trace: 'DataError: bad' })
    await eventually(() => hosts[0]?.heard('stop').length === 1, QUICK)
    expect(reports.at(-1)).to.equal('FAILED DataError: bad')
    await task.stop()
  })
})
