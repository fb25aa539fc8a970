import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { CooperativeAssignor } from '../../src/worker/groups/cooperative-assignor.ts'
import type { TaskId } from '../../src/runtime/host/protocol.ts'
import { itemsOf, minus, union, type Work, workOf } from '../../src/worker/groups/work-items.ts'

function work(counts: Readonly<Record<string, number>>): Work {
  const entries = Object.entries(counts)
  return {
    connectors: entries.map(([name]) => name),
    tasks: entries.flatMap(([connector, count]) =>
      Array.from({ length: count }, (_, task) => ({ connector, task })),
    ),
  }
}

const NOTHING: Work = { connectors: [], tasks: [] }

/** Everything of it, as text: `a` and `a/0`. */
function items({ connectors, tasks }: Work): string[] {
  return [...connectors, ...tasks.map((id) => `${id.connector}/${id.task}`)].toSorted()
}

/** A group whose members do what they are told, with a clock that stands. */
class Group {
  now = 1_000
  generation = 0
  configured: Work
  readonly held: Map<string, Work>
  readonly leaving = new Set<string>()
  /** By connector: the members that have failed for want of its plugin. */
  unable: Readonly<Record<string, readonly string[]>> = {}
  /** Of the last round. */
  revoked: string[] = []
  delay = 0
  #assignor: CooperativeAssignor
  readonly #maxDelay: number

  constructor(maxDelay: number, configured: Work, held: Iterable<readonly [string, Work]>) {
    this.#maxDelay = maxDelay
    this.configured = configured
    this.held = new Map(held)
    this.#assignor = this.#newLeader()
  }

  #newLeader(): CooperativeAssignor {
    return new CooperativeAssignor({ maxDelay: this.#maxDelay, now: () => this.now })
  }

  /** Another worker leads, which knows nothing of the rounds before. */
  changeLeader(): void {
    this.#assignor = this.#newLeader()
  }

  /** One rebalance. `deaf` members do not hear of it. */
  round({ deaf = [] as string[], lastGeneration = this.generation } = {}): this {
    const { configured, held, leaving } = this
    const generation = ++this.generation
    const unable = ({ connector }: TaskId) => new Set(this.unable[connector])
    const round = { generation, lastGeneration, configured, held, leaving, unable }
    const shares = this.#assignor.assign(round)
    this.revoked = []
    for (const [memberId, { assigned, revoked }] of shares) {
      this.revoked.push(...items(revoked))
      if (deaf.includes(memberId)) continue
      const kept = minus(itemsOf(held.get(memberId) ?? NOTHING), itemsOf(revoked))
      held.set(memberId, workOf(union([kept, itemsOf(assigned)])))
    }
    this.delay = this.#assignor.delayMs
    return this
  }

  /** Rounds until nothing is revoked any more; how many. */
  settle(): number {
    let rounds = 1
    while (this.round().revoked.length > 0) if (++rounds > 10) throw new Error('it never ends')
    return rounds
  }

  of(memberId: string): string[] {
    return items(this.held.get(memberId) ?? NOTHING)
  }

  get all(): string[] {
    return [...this.held.values()].flatMap(items).toSorted()
  }
}

/** Two workers with half of four tasks each, and a connector on the first. */
function pair(maxDelay: number): Group {
  const group = new Group(maxDelay, work({ a: 4 }), [
    ['m1', NOTHING],
    ['m2', NOTHING],
  ])
  group.settle()
  expect([group.of('m1'), group.of('m2')]).to.deep.equal([
    ['a', 'a/0', 'a/2'],
    ['a/1', 'a/3'],
  ])
  return group
}

describe('the cooperative assignor', () => {
  it('gives one worker everything that is new, and then only what is newer', () => {
    const group = new Group(0, work({ a: 2 }), [['m', NOTHING]])
    expect(group.round().of('m')).to.deep.equal(['a', 'a/0', 'a/1'])
    group.configured = work({ a: 3, b: 1 })
    expect(group.round().all).to.deep.equal(items(group.configured))
    expect(group.revoked).to.deep.equal([])
  })

  it('takes from the loaded for a worker that is new, and gives it to that one in the next round only', () => {
    const group = new Group(3_000, work({ a: 4 }), [['m1', NOTHING]]).round()
    group.held.set('m2', NOTHING)
    expect(group.round().of('m2')).to.deep.equal([])
    expect(group.revoked).to.have.length(2)
    expect(group.round().of('m2')).to.have.length(2)
    expect(group.all).to.deep.equal(items(work({ a: 4 })))
  })

  it('revokes what was deleted, also where it never assigned it itself', () => {
    const group = new Group(3_000, work({ a: 1 }), [['m', work({ a: 2, b: 1 })]]).round()
    expect(group.revoked).to.deep.equal(['a/1', 'b', 'b/0'])
    expect(group.of('m')).to.deep.equal(['a', 'a/0'])
  })

  it('keeps the work of a lost worker for the delay, tells all to join at its end, and then gives it to the rest', () => {
    const group = pair(3_000)
    group.held.delete('m2')
    expect(group.round().of('m1')).to.deep.equal(['a', 'a/0', 'a/2'])
    expect(group.delay).to.equal(3_000)
    group.now += 2_000
    expect(group.round().delay).to.equal(1_000)
    group.now += 1_000
    expect(group.round().all).to.deep.equal(items(group.configured))
    expect(group.delay).to.equal(0)
  })

  it('gives a worker that is back within the delay what it had, at its end', () => {
    const group = pair(3_000)
    group.held.delete('m2')
    group.round()
    group.held.set('m2 again', NOTHING)
    group.now += 1_000
    expect(group.round().of('m2 again')).to.deep.equal([])
    group.now += 2_000
    group.round()
    expect(group.of('m2 again')).to.deep.equal(['a/1', 'a/3'])
    expect(group.of('m1')).to.deep.equal(['a', 'a/0', 'a/2'])
    expect(group.revoked).to.deep.equal([])
  })

  it('waits for nobody where the delay is 0', () => {
    const group = pair(0)
    group.held.delete('m2')
    expect(group.round().all).to.deep.equal(items(group.configured))
  })

  it('gives what a leaving worker ran to the others at once, and nothing to it', () => {
    const group = pair(300_000)
    group.held.set('m2', NOTHING)
    group.leaving.add('m2')
    expect(group.round().of('m1')).to.deep.equal(items(group.configured))
    expect([group.of('m2'), group.delay]).to.deep.equal([[], 0])
    group.held.delete('m2')
    expect(group.round().delay).to.equal(0)
    expect(group.all).to.deep.equal(items(group.configured))
  })

  it('lets lost work wait while another worker leaves, whose work does not', () => {
    const group = new Group(
      3_000,
      work({ a: 3 }),
      ['m1', 'm2', 'm3'].map((id) => [id, NOTHING]),
    )
    group.settle()
    const [lost, left] = [group.of('m3'), group.of('m2')]
    group.held.delete('m3')
    group.round()
    group.held.set('m2', NOTHING)
    group.leaving.add('m2')
    group.now += 1_000
    group.round()
    expect(group.of('m1')).to.include.members(left).and.not.include.members(lost)
    expect(group.delay).to.equal(2_000)
  })

  it('stops what a leaving worker still runs before anybody else gets it', () => {
    const group = pair(3_000)
    group.leaving.add('m2')
    group.round()
    expect(group.revoked).to.deep.equal(['a/1', 'a/3'])
    expect(group.of('m1')).to.deep.equal(['a', 'a/0', 'a/2'])
    expect(group.round().of('m1')).to.deep.equal(items(group.configured))
  })

  it('assigns nothing where everybody leaves', () => {
    const group = pair(3_000)
    for (const id of ['m1', 'm2']) {
      group.leaving.add(id)
      group.held.set(id, NOTHING)
    }
    expect(group.round().all).to.deep.equal([])
  })

  it('gives out at once what a worker did not hear that it got', () => {
    const group = new Group(300_000, work({ a: 2 }), [['m', NOTHING]])
    group.round({ deaf: ['m'] })
    expect(group.round().of('m')).to.deep.equal(['a', 'a/0', 'a/1'])
  })

  it('repeats a revocation that was not heard of', () => {
    const group = new Group(3_000, work({ a: 2 }), [['m', NOTHING]]).round()
    group.configured = work({ a: 1 })
    group.round({ deaf: ['m'] })
    expect(group.round().revoked).to.deep.equal(['a/1'])
    expect(group.of('m')).to.deep.equal(['a', 'a/0'])
  })

  it('gives the work of a lost worker out at once where it is new as a leader, or the group went on without it', () => {
    for (const forget of ['leader', 'generation'] as const) {
      const group = pair(300_000)
      group.held.delete('m2')
      if (forget === 'leader') group.changeLeader()
      group.round(forget === 'generation' ? { lastGeneration: group.generation - 1 } : {})
      expect(group.all, forget).to.deep.equal(items(group.configured))
    }
  })

  it('takes what two workers run from both, and gives it to one in the next round', () => {
    const group = new Group(3_000, work({ a: 1 }), [
      ['m1', work({ a: 1 })],
      ['m2', work({ a: 1 })],
    ]).round()
    expect(group.all).to.deep.equal([])
    expect(group.round().all).to.deep.equal(['a', 'a/0'])
  })

  it('waits longer and longer before it takes work from members again and again, and never longer than the delay', () => {
    const group = new Group(2_000, work({ a: 24 }), [['m', NOTHING]]).round()
    const delays: number[] = []
    for (let n = 0; n < 4; n++) {
      group.held.set(`new ${n}`, NOTHING)
      group.round()
      group.held.set(`newer ${n}`, NOTHING)
      delays.push(group.round().delay)
      group.now += group.delay
      group.round()
    }
    // Java's arithmetic: 40 to the power of what makes 2000 of it is a little less.
    expect(delays).to.deep.equal([40, 1_600, 1_999, 1_999])
  })

  it('takes what a member has no plugin for, and gives it to one that has not failed it', () => {
    const group = pair(3_000)
    group.unable = { a: ['m1'] }
    expect(group.round().revoked).to.deep.equal(['a', 'a/0', 'a/2'])
    expect(group.of('m2')).to.deep.equal(['a/1', 'a/3'])
    expect(group.round().of('m2')).to.deep.equal(['a', 'a/0', 'a/1', 'a/2', 'a/3'])
    group.configured = work({ a: 5, b: 2 })
    expect(group.round().of('m1')).to.deep.equal(['b', 'b/0', 'b/1'])
    for (let n = 0; n < 3; n++) expect(group.round().revoked).to.deep.equal([])
  })

  it('leaves what nobody has a plugin for where it is, until somebody comes who may have it', () => {
    const group = pair(3_000)
    group.unable = { a: ['m1'] }
    group.settle()
    group.unable = { a: ['m1', 'm2'] }
    for (let n = 0; n < 3; n++) {
      expect(group.round().revoked).to.deep.equal([])
      expect(group.of('m2')).to.have.length(5)
    }
    group.held.set('m3', NOTHING)
    group.settle()
    expect(group.of('m3')).to.deep.equal(items(group.configured))
  })

  it('balances what some cannot run among those that can', () => {
    const group = new Group(0, work({ a: 4 }), Object.entries({ m1: NOTHING, m2: NOTHING }))
    group.unable = { a: ['m1'] }
    group.settle()
    expect(group.of('m2')).to.have.length(5)
    group.held.set('m3', NOTHING)
    group.settle()
    expect([group.of('m1'), group.of('m3')]).to.deep.equal([[], ['a/0', 'a/1']])
  })

  const clusters = fc.record({
    counts: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'c-1', 'd'), fc.nat(6)),
    gone: fc.dictionary(fc.constantFrom('d', 'e', 'f'), fc.nat(3)),
    owners: fc.array(fc.integer({ min: -1, max: 4 }), { minLength: 60, maxLength: 60 }),
    workers: fc.integer({ min: 1, max: 5 }),
  })

  /** Workers that run some of what is configured and of what is not any more, each thing at most once. */
  function heldBy(workers: number, owners: readonly number[], all: Work): [string, Work][] {
    const ids = [...itemsOf(all)]
    return Array.from({ length: workers }, (_, worker) => {
      const own = ids.filter((_id, index) => (owners[index % owners.length] ?? -1) % workers === worker)
      return [`m${worker}`, workOf(new Map(own))]
    })
  }

  it('ends within three rounds with everything configured running once, evenly, and then changes nothing', () => {
    fc.assert(
      fc.property(clusters, ({ counts, gone, owners, workers }) => {
        const configured = work(counts)
        const group = new Group(0, configured, heldBy(workers, owners, work({ ...gone, ...counts })))
        expect(group.settle()).to.be.at.most(3)
        expect(group.all).to.deep.equal(items(configured))
        for (const kind of ['connectors', 'tasks'] as const) {
          const sizes = [...group.held.values()].map((held) => held[kind].length)
          expect(Math.max(...sizes) - Math.min(...sizes)).to.be.at.most(1)
        }
        const before = new Map(group.held)
        group.round()
        for (const [memberId, held] of before) expect(group.of(memberId)).to.deep.equal(items(held))
      }),
    )
  })

  it('comes to an end whoever cannot run what: all runs once, and on one who can where there is one', () => {
    const unables = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.subarray(['m0', 'm1', 'm2', 'm3', 'm4']))
    fc.assert(
      fc.property(clusters, unables, ({ counts, gone, owners, workers }, unable) => {
        const configured = work(counts)
        const group = new Group(0, configured, heldBy(workers, owners, work({ ...gone, ...counts })))
        group.unable = unable
        // What has moved to those that can is balanced when all join again: of 12,000 groups, three times in 18.
        for (let joins = 0; joins < 8; joins++) group.settle()
        expect(group.all).to.deep.equal(items(configured))
        for (const [memberId, { connectors, tasks }] of group.held)
          for (const name of [...connectors, ...tasks.map(({ connector }) => connector)]) {
            const failed = group.unable[name] ?? []
            if ([...group.held.keys()].some((other) => !failed.includes(other)))
              expect(failed, name).not.to.include(memberId)
          }
        expect(group.round().revoked).to.deep.equal([])
      }),
    )
  })
})
