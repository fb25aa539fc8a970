import { expect } from 'chai'
import { describe, it } from 'mocha'
import { UnavailableError } from '../../../src/index.ts'
import type { Membership } from '../../../src/runtime/host/protocol.ts'
import { Dice } from '../../conformance/transform-dice.ts'
import { eventually } from '../../support/eventually.ts'
import { membership, recordingTask } from '../../support/recording-task.ts'

const PARTITIONS = [0, 1, 2, 3]
const ENDS = Array.from({ length: 40 }, (_, i) => (i + 1) * 5)
const LAST = BigInt(ENDS.at(-1) ?? 0)
const SEEDS = 25
/** How many rows of a partition may be put twice: what one lost task had in flight and not committed. */
const MOST_AGAIN = Number(LAST)

/** Whoever has a partition, as the group sees it. */
interface Member {
  readonly task: Awaited<ReturnType<typeof recordingTask>>['task']
  readonly failures: readonly unknown[]
  owned: number[]
}

/**
 * Three tasks of one group, over four partitions, whose partitions change hands as in cooperative rebalances, at random
 * moments, with late acknowledgements, refused commits and lost members. What the sink is given of a partition, whoever has it,
 * must go on where it was, or go back to what is committed; never ahead.
 */
class Scene {
  readonly dice: Dice
  readonly committed = new Map<number, bigint>()
  /** Of each partition, the rows that sinks were given, in order. */
  readonly rows = new Map<number, number[]>(PARTITIONS.map((partition) => [partition, []]))
  readonly members: Member[] = []
  generation = 1
  /** Commits of an older generation are refused, as while a group joins. */
  readonly #joining = new Set<Member>()

  constructor(seed: number) {
    this.dice = new Dice(seed)
  }

  async add(): Promise<void> {
    const hooks = {
      committed: this.committed,
      ends: ENDS,
      send: async () => {
        for (let turns = this.dice.below(6); turns > 0; turns--) await new Promise(setImmediate)
      },
      beforeCommit: () => {
        if (this.#joining.has(member)) throw new UnavailableError('kafka.rebalancing', 'not now')
      },
    }
    const { task, failures } = await recordingTask(
      () => ({
        put: (batch) => {
          const rows = Array.from({ length: batch.length }, (_, row) => Number(batch.value('value', row)))
          this.rows.get(batch.sourcePartition)?.push(...rows)
        },
      }),
      this.dice.below(3),
      hooks,
    )
    const member: Member = { task, failures, owned: [] }
    this.members.push(member)
  }

  /** One rebalance: all join, some give up, then others get it. */
  async rebalance(): Promise<void> {
    for (const member of this.members) this.#joining.add(member)
    for (let turns = this.dice.below(4); turns > 0; turns--) await new Promise(setImmediate)
    this.generation++
    const wish = new Map(PARTITIONS.map((partition) => [partition, this.dice.of(this.members)]))
    const unowned = PARTITIONS.filter(
      (partition) => !this.members.some(({ owned }) => owned.includes(partition)),
    )
    await Promise.all(
      this.members.map(async (member) => {
        const kept = member.owned.filter((partition) => wish.get(partition) === member)
        const given = unowned.filter((partition) => wish.get(partition) === member)
        this.#joining.delete(member)
        if (kept.length < member.owned.length) await member.task.revoke(this.#seat(kept))
        member.owned = [...kept, ...given]
        const assigned = member.task.assign(this.#seat(member.owned))
        if (this.dice.chance(0.5)) await assigned
      }),
    )
  }

  /** A member is replaced by the coordinator, and starts anew with nothing. */
  async lose(): Promise<void> {
    const member = this.dice.of(this.members)
    await member.task.lost()
    member.owned = []
    await member.task.assign(this.#seat([]))
  }

  #seat(partitions: readonly number[]): Membership {
    const seat = { ...membership(...partitions), generation: this.generation, cooperative: true }
    return partitions.length === 0 ? { ...seat, partitions: [] } : seat
  }
}

describe('partitions that change hands while records flow', () => {
  for (const losses of [false, true])
    it(`are read on without a gap, ${losses ? 'also where members are lost' : 'and without a row twice'}, in ${SEEDS} runs`, async function () {
      this.timeout(120_000)
      for (let seed = 1; seed <= SEEDS; seed++) {
        const scene = new Scene(seed)
        for (let count = 0; count < 3; count++) await scene.add()
        await scene.rebalance()
        for (let step = 0; step < 12; step++) {
          if (losses && scene.dice.chance(0.2)) await scene.lose()
          await scene.rebalance()
          for (let turns = scene.dice.below(12); turns > 0; turns--) await new Promise(setImmediate)
        }
        await scene.rebalance()
        await scene.rebalance()
        const unowned = PARTITIONS.filter((each) => !scene.members.some(({ owned }) => owned.includes(each)))
        const ended = PARTITIONS.filter((each) => !unowned.includes(each))
        await eventually(() => ended.every((partition) => scene.committed.get(partition) === LAST), {
          everyMs: 1,
        })
        for (const { task, failures } of scene.members) {
          await task.stop()
          expect(failures).to.deep.equal([])
        }
        for (const partition of PARTITIONS) {
          const rows = scene.rows.get(partition) ?? []
          let again = 0
          for (const [i, row] of rows.entries()) {
            const before = rows[i - 1] ?? -1
            if (row > before + 1)
              expect.fail(`seed ${seed}: partition ${partition} goes from ${before} to ${row}`)
            if (row <= before) again += before + 1 - row
          }
          expect(again, `seed ${seed}: partition ${partition}`).to.be.at.most(losses ? MOST_AGAIN : 0)
        }
      }
    })
})
