import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import type { ConnectAssignment, WorkerState } from '../../src/kafka/groups/connect-protocol.ts'
import { assignEager, assignIncremental, assignWork, type Work } from '../../src/worker/groups/assignment.ts'

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

/** Everything that a member runs, as text: `a` and `a/0`. */
function items({ connectors, tasks }: Work): string[] {
  return [...connectors, ...tasks.map((id) => `${id.connector}/${id.task}`)]
}

/** What the members run after a round, each having done what it was told. */
function applied(held: ReadonlyMap<string, Work>, configured: Work) {
  const shares = assignIncremental(held, configured)
  let revoked = 0
  const after = new Map(
    [...held].map(([memberId, before]) => {
      const share = shares.get(memberId)!
      const gone = new Set(items({ connectors: share.revokedConnectors, tasks: share.revokedTasks }))
      revoked += gone.size
      return [
        memberId,
        {
          connectors: [...before.connectors.filter((name) => !gone.has(name)), ...share.connectors],
          tasks: [...before.tasks.filter((id) => !gone.has(`${id.connector}/${id.task}`)), ...share.tasks],
        },
      ]
    }),
  )
  return { after, revoked }
}

function runningTwice(held: ReadonlyMap<string, Work>): string[] {
  const all = [...held.values()].flatMap(items)
  return all.filter((item, index) => all.indexOf(item) !== index)
}

/** Rounds until nothing is revoked any more. */
function settled(held: ReadonlyMap<string, Work>, configured: Work) {
  let round = applied(held, configured)
  const rounds = [round]
  while (round.revoked > 0 && rounds.length < 10) rounds.push((round = applied(round.after, configured)))
  return { after: round.after, rounds }
}

describe('assignEager', () => {
  it('deals connectors and then tasks to the members in turn, by name and id', () => {
    const shares = assignEager(['m2', 'm1'], work({ b: 1, a: 2 }))
    expect(items(shares.get('m1')!)).to.deep.equal(['a', 'a/0', 'b/0'])
    expect(items(shares.get('m2')!)).to.deep.equal(['b', 'a/1'])
  })

  it('gives one member everything, and nobody anything where nothing is configured', () => {
    expect(items(assignEager(['m'], work({ a: 2 })).get('m')!)).to.deep.equal(['a', 'a/0', 'a/1'])
    expect(items(assignEager(['m'], NOTHING).get('m')!)).to.deep.equal([])
  })
})

describe('assignIncremental', () => {
  it('gives one worker everything that is new, and then only what is newer', () => {
    const first = assignIncremental(new Map([['m', NOTHING]]), work({ a: 2 })).get('m')!
    expect(items(first)).to.deep.equal(['a', 'a/0', 'a/1'])
    const second = assignIncremental(new Map([['m', work({ a: 2 })]]), work({ a: 3, b: 1 })).get('m')!
    expect(items(second)).to.deep.equal(['b', 'a/2', 'b/0'])
    expect([second.revokedConnectors, second.revokedTasks]).to.deep.equal([[], []])
  })

  it('revokes what is not configured any more', () => {
    const share = assignIncremental(new Map([['m', work({ a: 2, b: 1 })]]), work({ a: 1 })).get('m')!
    expect(items(share)).to.deep.equal([])
    expect(share.revokedConnectors).to.deep.equal(['b'])
    expect(share.revokedTasks).to.deep.equal([
      { connector: 'a', task: 1 },
      { connector: 'b', task: 0 },
    ])
  })

  it('takes from the loaded for a worker that is new, and gives it to that one in the next round only', () => {
    const held = new Map([
      ['m1', work({ a: 4 })],
      ['m2', NOTHING],
    ])
    const first = assignIncremental(held, work({ a: 4 }))
    expect(items(first.get('m2')!)).to.deep.equal([])
    expect(first.get('m1')!.revokedTasks).to.have.length(2)
    const second = applied(applied(held, work({ a: 4 })).after, work({ a: 4 }))
    expect(second.revoked).to.equal(0)
    expect([...second.after.values()].map((w) => w.tasks.length)).to.deep.equal([2, 2])
  })

  it('gives the work of a lost worker to the others at once', () => {
    const shares = assignIncremental(new Map([['m1', work({ a: 1 })]]), work({ a: 1, b: 2 }))
    expect(items(shares.get('m1')!)).to.deep.equal(['b', 'b/0', 'b/1'])
  })

  it('lets what two workers run go on with one of them', () => {
    const held = new Map([
      ['m1', work({ a: 1 })],
      ['m2', work({ a: 1 })],
    ])
    const { after } = applied(held, work({ a: 1 }))
    expect(runningTwice(after)).to.deep.equal([])
    expect(items(after.get('m1')!)).to.deep.equal(['a', 'a/0'])
  })

  const clusters = fc.record({
    counts: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'c-1', 'd'), fc.nat(6)),
    gone: fc.dictionary(fc.constantFrom('d', 'e', 'f'), fc.nat(3)),
    owners: fc.array(fc.integer({ min: -1, max: 4 }), { minLength: 60, maxLength: 60 }),
    workers: fc.integer({ min: 1, max: 5 }),
  })

  /** Workers that run some of what is configured and of what is not any more, each thing at most once. */
  function heldBy(workers: number, owners: readonly number[], all: Work): Map<string, Work> {
    let index = 0
    const owner = (): number => (owners[index++ % owners.length] ?? -1) % workers
    const connectors = all.connectors.map((connector) => ({ connector, at: owner() }))
    const placed = all.tasks.map((task) => ({ task, at: owner() }))
    return new Map(
      Array.from({ length: workers }, (_, worker) => [
        `m${worker}`,
        {
          connectors: connectors.filter(({ at }) => at === worker).map(({ connector }) => connector),
          tasks: placed.filter(({ at }) => at === worker).map(({ task }) => task),
        },
      ]),
    )
  }

  it('ends after two rounds at most with everything configured running once, evenly', () => {
    fc.assert(
      fc.property(clusters, ({ counts, gone, owners, workers }) => {
        const configured = work(counts)
        const { after, rounds } = settled(heldBy(workers, owners, work({ ...gone, ...counts })), configured)
        expect(rounds.length).to.be.at.most(2)
        for (const round of rounds) expect(runningTwice(round.after)).to.deep.equal([])
        expect([...after.values()].flatMap(items).toSorted()).to.deep.equal(items(configured).toSorted())
        for (const kind of ['connectors', 'tasks'] as const) {
          const sizes = [...after.values()].map((held) => held[kind].length)
          expect(Math.max(...sizes) - Math.min(...sizes)).to.be.at.most(1)
        }
      }),
    )
  })

  it('changes nothing in a group that is even', () => {
    fc.assert(
      fc.property(clusters, ({ counts, owners, workers }) => {
        const configured = work(counts)
        const { after } = settled(heldBy(workers, owners, configured), configured)
        for (const share of assignIncremental(after, configured).values()) {
          expect([...items(share), ...share.revokedConnectors, ...share.revokedTasks]).to.deep.equal([])
        }
      }),
    )
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
  const leader = { memberId: 'm2', configOffset: 7n, work: work({ a: 1, b: 1 }) }

  it('names the leader, its URL and the newest offset, and gives only what is new', () => {
    const assigned = assignWork(2, members, leader)
    const head = { error: 0, leader: 'm2', leaderUrl: 'http://two/', configOffset: 7n, delayMs: 0 }
    const none = { revokedConnectors: [], revokedTasks: [] }
    expect(assigned.get('m1')).to.deep.equal({ ...head, ...none, connectors: [], tasks: [] })
    expect(assigned.get('m2')).to.deep.equal({ ...head, ...none, ...work({ b: 1 }) })
  })

  it('gives everything anew with the default protocol', () => {
    const all = [...assignWork(0, members, leader).values()].flatMap(items)
    expect(all.toSorted()).to.deep.equal(['a', 'a/0', 'b', 'b/0'])
  })

  it('gives nothing, and says why, where the leader has read less than a member', () => {
    for (const assignment of assignWork(2, members, { ...leader, configOffset: 6n }).values()) {
      expect(assignment.error).to.equal(1)
      expect(assignment.configOffset).to.equal(7n)
      expect(items(assignment)).to.deep.equal([])
    }
  })
})
