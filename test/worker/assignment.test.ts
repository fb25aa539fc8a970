import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { ConnectAssignment, WorkerState } from '../../src/kafka/groups/connect-protocol.ts'
import { assignEager, assignWork } from '../../src/worker/groups/assignment.ts'
import { CooperativeAssignor } from '../../src/worker/groups/cooperative-assignor.ts'
import type { Work } from '../../src/worker/groups/work-items.ts'

function tasks(connector: string, count: number): Work['tasks'] {
  return Array.from({ length: count }, (_, task) => ({ connector, task }))
}

function work(counts: Readonly<Record<string, number>>): Work {
  const entries = Object.entries(counts)
  return {
    connectors: entries.map(([name]) => name),
    tasks: entries.flatMap(([name, count]) => tasks(name, count)),
  }
}

const NOTHING: Work = { connectors: [], tasks: [] }

/** Everything of it, as text: `a` and `a/0`. */
function items({ connectors, tasks }: Work): string[] {
  return [...connectors, ...tasks.map((id) => `${id.connector}/${id.task}`)]
}

describe('assignEager', () => {
  it('deals connectors and then tasks to the members in turn, by name and id', () => {
    const shares = assignEager(['m2', 'm1'], work({ b: 1, a: 2 }))
    expect(items(shares.get('m1')!.assigned)).to.deep.equal(['a', 'a/0', 'b/0'])
    expect(items(shares.get('m2')!.assigned)).to.deep.equal(['b', 'a/1'])
  })

  it('gives one member everything, and nobody anything where nothing is configured', () => {
    expect(items(assignEager(['m'], work({ a: 2 })).get('m')!.assigned)).to.deep.equal(['a', 'a/0', 'a/1'])
    expect(items(assignEager(['m'], NOTHING).get('m')!.assigned)).to.deep.equal([])
  })
})

describe('assignWork', () => {
  const last: ConnectAssignment = {
    error: 0,
    leader: 'old',
    leaderUrl: 'http://old/',
    configOffset: 3n,
    ...work({ a: 1 }),
    revokedConnectors: [],
    revokedTasks: [],
    delayMs: 0,
  }
  const members = new Map<string, WorkerState>([
    ['m1', { url: 'http://one/', configOffset: 5n, assignment: last }],
    ['m2', { url: 'http://two/', configOffset: 7n, assignment: null }],
  ])
  const leader = {
    ...{ memberId: 'm2', configOffset: 7n, work: work({ a: 1, b: 1 }) },
    ...{ generation: 4, lastGeneration: 3 },
  }
  const cooperative = () => new CooperativeAssignor({ maxDelay: 3_000, now: () => 1 })

  it('names the leader, its URL and the newest offset, and gives only what is new', () => {
    const assigned = assignWork(2, members, leader, cooperative())
    const head = { error: 0, leader: 'm2', leaderUrl: 'http://two/', configOffset: 7n, delayMs: 0 }
    const none = { revokedConnectors: [], revokedTasks: [] }
    expect(assigned.get('m1')).to.deep.equal({ ...head, ...none, connectors: [], tasks: [] })
    expect(assigned.get('m2')).to.deep.equal({ ...head, ...none, ...work({ b: 1 }) })
  })

  it('gives everything anew with the default protocol', () => {
    const all = [...assignWork(0, members, leader, cooperative()).values()].flatMap(items)
    expect(all.toSorted()).to.deep.equal(['a', 'a/0', 'b', 'b/0'])
  })

  it('gives nothing, and says why, where the leader has read less than a member', () => {
    for (const assignment of assignWork(
      2,
      members,
      { ...leader, configOffset: 6n },
      cooperative(),
    ).values()) {
      expect(assignment.error).to.equal(1)
      expect(assignment.configOffset).to.equal(7n)
      expect(items(assignment)).to.deep.equal([])
    }
  })
})
