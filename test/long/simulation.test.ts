import { availableParallelism } from 'node:os'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { simulate } from '../simulation/run.ts'

const SCHEDULES = 10_000
const PROCESSES = Math.min(4, availableParallelism())

describe('simulated clusters, at length', () => {
  it(`keep every invariant and come to rest in ${SCHEDULES} schedules`, async () => {
    const share = Math.ceil(SCHEDULES / PROCESSES)
    const runs = Array.from({ length: PROCESSES }, (_, n) =>
      simulate('--count', `${share}`, '--from', `${1_000 + n * share}`),
    )
    for (const { code, output } of await Promise.all(runs)) {
      expect(output).to.match(new RegExp(`^${share} schedules, 0 failed`, 'm'))
      expect(code).to.equal(0)
    }
  }).timeout(1_800_000)
})
