import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import { GroupSession, type Seat } from '../../src/kafka/groups/group-session.ts'
import { eventually } from '../support/eventually.ts'

const SEAT: Seat = { memberId: 'm', generation: 1 }

describe('GroupSession', () => {
  let session: GroupSession | undefined
  afterEach(() => session?.end())

  function made(beat: (seat: Seat) => Promise<void>, known = false, rebalanceTimeoutMs = 60_000) {
    const seen = { beats: [] as number[], heard: 0, expired: 0, refused: 0, why: '' }
    session = new GroupSession({
      sessionTimeoutMs: 60,
      heartbeatMs: 5,
      rebalanceTimeoutMs,
      beat: (seat) => {
        seen.beats.push(seat.generation)
        return beat(seat)
      },
      onRefused: () => {
        seen.refused++
        return known
      },
      onHeard: () => seen.heard++,
      onExpired: (reason) => {
        seen.expired++
        seen.why = reason
      },
    })
    return { session, seen }
  }

  it('goes on as long as heartbeats get through', async () => {
    const { session, seen } = made(() => Promise.resolve())
    session.begin(SEAT, false)
    const begun = performance.now()
    await eventually(() => performance.now() - begun > 150 && seen.heard > 3, { everyMs: 5 })
    expect(seen.expired).to.equal(0)
  })

  it('expires once, and beats no more, when none gets through', async () => {
    const { session, seen } = made(() => Promise.reject(new Error('cut')))
    session.begin(SEAT, false)
    await eventually(() => seen.expired > 0, { everyMs: 5 })
    const beats = seen.beats.length
    expect(beats).to.be.greaterThan(0)
    const at = performance.now()
    await eventually(() => performance.now() - at > 80, { everyMs: 5 })
    expect([seen.expired, seen.beats.length]).to.deep.equal([1, beats])
  })

  it('expires while a heartbeat hangs', async () => {
    const { session, seen } = made(() => new Promise(() => undefined))
    session.begin(SEAT, false)
    await eventually(() => seen.expired === 1, { everyMs: 5 })
    expect(seen.beats).to.have.length(1)
  })

  it('stays alive on answers of a coordinator that refuses but still knows the member', async () => {
    const { session, seen } = made(() => Promise.reject(new Error('rebalance in progress')), true)
    session.begin(SEAT, false)
    const begun = performance.now()
    await eventually(() => performance.now() - begun > 150 && seen.refused > 3, { everyMs: 5 })
    expect(seen.expired).to.equal(0)
  })

  it('lets the clock of what is held run on in the next generation', async () => {
    const { session, seen } = made(() => Promise.reject(new Error('cut')))
    session.begin(SEAT, false)
    for (let generation = 2; seen.expired === 0 && generation < 1000; generation++) {
      session.begin({ memberId: 'm', generation }, true)
      await new Promise((resolve) => setTimeout(resolve, 4))
    }
    expect(seen.expired).to.equal(1)
  })

  it('ignores the answer to a heartbeat of an earlier generation', async () => {
    const answers: (() => void)[] = []
    const { session, seen } = made((seat) =>
      seat.generation === 1
        ? new Promise((_, reject) => answers.push(() => reject(new Error('old'))))
        : Promise.resolve(),
    )
    session.begin(SEAT, false)
    await eventually(() => answers.length === 1, { everyMs: 2 })
    session.begin({ memberId: 'm', generation: 2 }, false)
    answers[0]?.()
    await eventually(() => seen.heard > 2, { everyMs: 5 })
    expect(seen.refused).to.equal(0)
  })

  it('expires where a rebalance is not joined in time, however well it is heard of', async () => {
    const { session, seen } = made(() => Promise.reject(new Error('rebalance in progress')), true, 100)
    const begun = performance.now()
    session.begin(SEAT, false)
    session.synced(begun)
    expect(session.expiresAt).to.be.at.most(begun + 100)
    await eventually(() => seen.expired === 1, { everyMs: 5 })
    expect(performance.now() - begun).to.be.within(99, 1_000)
    expect(seen.why).to.contain('rebalance.timeout.ms')
  })

  it('counts the time to join a rebalance from the last heartbeat before it', async () => {
    const { session, seen } = made(() => Promise.resolve(), false, 100)
    const begun = performance.now()
    session.begin(SEAT, false)
    session.synced(begun)
    await eventually(() => performance.now() - begun > 250, { everyMs: 5 })
    expect(seen.expired).to.equal(0)
  })

  it('counts it from before the join, where the assignment has not come yet', async () => {
    const { session, seen } = made(() => Promise.resolve(), false, 100)
    session.begin(SEAT, false)
    await eventually(() => seen.expired === 1, { everyMs: 5 })
  })
})
