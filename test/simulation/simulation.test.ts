import { expect } from 'chai'
import { describe, it } from 'mocha'
import { simulate } from './run.ts'

const SCHEDULES = 30

describe('simulated clusters', () => {
  it(`keep every invariant and come to rest in ${SCHEDULES} schedules`, async () => {
    const { code, output } = await simulate('--count', `${SCHEDULES}`)
    expect(output).to.match(new RegExp(`^${SCHEDULES} schedules, 0 failed: \\d{5,} steps`, 'm'))
    expect(code).to.equal(0)
  }).timeout(600_000)

  it('do the same for the same seed', async () => {
    const [first, second] = await Promise.all([simulate('--seed', '7'), simulate('--seed', '7')])
    const trace = (output: string): string => output.split('\n').slice(0, -2).join('\n')
    expect(trace(first.output).length).to.be.greaterThan(1_000)
    expect(trace(second.output)).to.equal(trace(first.output))
  }).timeout(300_000)
})
