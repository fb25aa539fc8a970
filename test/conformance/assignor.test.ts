import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { fingerprintOf, meaningOf } from './assignor-answers.ts'
import { sequences } from './assignor-cases.ts'

/** What Kafka Connect 4.3.1's assignors did, written by assignor-oracle.ts; up to where ours deviate on purpose. */
const golden = JSON.parse(readFileSync(new URL('golden/assignor.json', import.meta.url), 'utf8')) as {
  readonly seed: number
  readonly sequences: readonly (readonly string[])[]
}

describe('leaders assign what Kafka Connect’s assignors do', () => {
  it(`in ${golden.sequences.length} generated sequences of rebalances`, () => {
    let n = 0
    for (const { ours, rounds } of sequences(golden.sequences.length, golden.seed)) {
      for (const [round, wanted] of (golden.sequences[n++] ?? []).entries()) {
        const print = fingerprintOf(meaningOf(ours[round] ?? {}))
        expect(print, JSON.stringify({ sequence: n, rounds: rounds.slice(0, round + 1) })).to.equal(wanted)
      }
    }
    expect(golden.sequences.flat().length).to.be.greaterThan(10_000)
  }).timeout(120_000)
})
