import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { RawConfig } from '../../src/api/config.ts'
import { NotFoundError, TaskError } from '../../src/api/errors.ts'
import { traceOf } from '../../src/runtime/delivery/trace.ts'
import type { TaskId } from '../../src/runtime/host/protocol.ts'
import { requireClass } from '../../src/worker/configs/required-class.ts'
import { MissingPlugins } from '../../src/worker/groups/missing-plugins.ts'
import type { Status } from '../../src/worker/stores/status-store.ts'

const CONNECTOR = -1
const OURS = traceOf(new TaskError('plugin.unknown', 'Worker h:1 cannot run it: There is no connector "X".'))
const JAVAS = [
  'org.apache.kafka.connect.errors.ConnectException: Failed to find any class that implements Connector and which name matches X, available connectors are: …',
  'org.apache.kafka.common.config.ConfigException: Invalid value X for configuration task.class: Class X could not be found.',
]

/** A leader whose members are on the hosts `h:1`, `h:2` and so on. */
function leader() {
  const configs = new Map<string, RawConfig>([['a', { 'connector.class': 'X' }]])
  const statuses = new Map<number, Status>()
  const missing = new MissingPlugins({
    configs: {
      get: (name) => {
        const config = configs.get(name)
        return config && { config, target: 'STARTED', tasks: [] }
      },
    },
    statuses: { connector: () => statuses.get(CONNECTOR), task: (_, task) => statuses.get(task) },
  })
  let now = 1
  const said = (task: number, worker: number, status: Partial<Status> = {}): boolean => {
    const all = {
      state: 'FAILED',
      trace: OURS,
      reason: null,
      generation: now,
      version: null,
      ...status,
    } as const
    statuses.set(task, { ...all, workerId: `h:${worker}` })
    return missing.heard('a', { ...all, workerId: `h:${worker}` })
  }
  /** `held`: by member, the host on which it is and what of the connector it runs. */
  const round = (generation: number, held: Readonly<Record<string, readonly [number, ...number[]]>>) => {
    now = generation
    const members = Object.entries(held).map(([memberId, [worker, ...tasks]]) => {
      const [connectors, ids] = [
        tasks.includes(CONNECTOR) ? ['a'] : [],
        tasks.filter((task) => task !== CONNECTOR),
      ]
      const none = { revokedConnectors: [], revokedTasks: [], delayMs: 0, error: 0, configOffset: 0n }
      const assigned = { connectors, tasks: ids.map((task): TaskId => ({ connector: 'a', task })) }
      const assignment = { ...none, ...assigned, leader: '', leaderUrl: '' }
      return [memberId, { url: `http://h:${worker}/`, assignment }] as const
    })
    const unable = missing.lookAt({ members: new Map(members), generation, lastGeneration: generation - 1 })
    return [...unable({ connector: 'a', task: 0 })]
  }
  return { configs, missing, said, round }
}

describe('what is known of plugins that workers do not have', () => {
  it('is what a member says of what it runs, in our words or in Java’s', () => {
    for (const trace of [OURS, ...JAVAS])
      for (const task of [CONNECTOR, 0]) {
        const { said, round } = leader()
        round(1, { m1: [1], m2: [2] })
        expect(said(task, 1, { trace })).to.equal(true)
        expect(round(2, { m1: [1, task], m2: [2] })).to.deep.equal(['m1'])
        expect(round(3, { m1: [1], m2: [2, task] })).to.deep.equal(['m1'])
      }
  })

  it('is nothing that failed for another reason, nor what another worker has said', () => {
    const { said, round } = leader()
    round(1, { m1: [1], m2: [2] })
    expect(said(0, 1, { trace: 'TaskError [task.failed]: plugin.unknown' })).to.equal(false)
    expect(round(2, { m1: [1, 0], m2: [2] })).to.deep.equal([])
    expect(said(0, 1, { state: 'RUNNING' })).to.equal(false)
    expect(round(3, { m1: [1, 0], m2: [2] })).to.deep.equal([])
    said(0, 1)
    expect(round(4, { m1: [1], m2: [2, 0] })).to.deep.equal([])
  })

  it('calls for no rebalance where nobody is left to try it', () => {
    const { said, round } = leader()
    round(1, { m1: [1] })
    expect(said(0, 1)).to.equal(false)
    round(2, { m1: [1, 0], m2: [2] })
    round(3, { m1: [1], m2: [2, 0] })
    expect(said(0, 2)).to.equal(false)
    expect(round(4, { m1: [1], m2: [2, 0] })).to.have.members(['m1', 'm2'])
    round(5, { m1: [1], m2: [2, 0], m3: [3] })
    expect(said(0, 2)).to.equal(true)
  })

  it('is of a class, and forgotten with a worker that was started anew', () => {
    const { configs, said, round } = leader()
    round(1, { m1: [1], m2: [2] })
    said(0, 1)
    expect(round(2, { m1: [1, 0], m2: [2] })).to.deep.equal(['m1'])
    expect(round(3, { 'm1 again': [1, 0], m2: [2] })).to.deep.equal([])
    said(0, 1)
    expect(round(4, { 'm1 again': [1, 0], m2: [2] })).to.deep.equal(['m1 again'])
    configs.set('a', { 'connector.class': 'X', note: 'new' })
    expect(round(5, { 'm1 again': [1], m2: [2] })).to.deep.equal(['m1 again'])
    configs.set('a', { 'connector.class': 'X', 'connector.plugin.version': '2.0.0' })
    expect(round(6, { 'm1 again': [1], m2: [2] })).to.deep.equal([])
    configs.set('a', { 'connector.class': 'X' })
    expect(round(7, { 'm1 once more': [1], m2: [2] })).to.deep.equal([])
  })

  it('is found out by a leader that is new from what the members run and say', () => {
    const { said, round } = leader()
    said(0, 1, { generation: 6 })
    expect(round(8, { m1: [1, 0], m2: [2] })).to.deep.equal(['m1'])
  })

  it('is told by the worker that fails last: it names the others', () => {
    const { missing, said } = leader()
    said(0, 3)
    said(0, 1)
    said(1, 2)
    expect(missing.failedOn('a', 'h:2')).to.deep.equal(['h:1', 'h:3'])
    said(0, 3, { state: 'RUNNING', trace: null })
    expect(missing.failedOn('a', 'h:2')).to.deep.equal(['h:1'])
    expect(missing.failedOn('b', 'h:2')).to.deep.equal([])
    const fail = () => requireClass({ 'connector.class': 'NoSuch' }, 'h:2', missing.failedOn('a', 'h:2'))
    expect(fail).to.throw(TaskError, /^Worker h:2 cannot run it: .*NoSuch.* Neither could h:1\.$/s)
    const alone = () => requireClass({ 'connector.class': 'NoSuch' }, 'h:2', [])
    expect(alone).to.throw(TaskError, /^(?!.*Neither could).*names: /s)
  })

  it('has the words in which a class is missed here', () => {
    expect(OURS).to.match(/^TaskError \[plugin\.unknown\]/)
    expect(traceOf(new NotFoundError('plugin.unknown', 'x'))).to.include('[plugin.unknown]')
  })
})
