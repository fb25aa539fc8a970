import { expect } from 'chai'
import { describe, it } from 'mocha'
import { RestartPolicy, restartSettings } from '../../src/worker/hosts/restart-policy.ts'

const NOW = 0
const LONG = 300_001

function pauses(policy: RestartPolicy, failures: readonly number[]): (number | undefined)[] {
  return failures.map((ranFor) => policy.failed(ranFor)?.pause)
}

describe('when a failed task starts again by itself', () => {
  it('never, unless its connector says so', () => {
    expect(pauses(new RestartPolicy(restartSettings({})), [NOW, LONG])).to.deep.equal([undefined, undefined])
  })

  it('as often in a row as tasks.restart.max says, after pauses that double', () => {
    const policy = new RestartPolicy(restartSettings({ 'tasks.restart.max': '3' }))
    expect(pauses(policy, [NOW, NOW, NOW, NOW])).to.deep.equal([1_000, 2_000, 4_000, undefined])
  })

  it('without end where that is −1, and never after more than the longest pause', () => {
    const settings = restartSettings({
      'tasks.restart.max': '-1',
      'tasks.restart.backoff.ms': '200',
      'tasks.restart.backoff.max.ms': '500',
    })
    const policy = new RestartPolicy(settings)
    expect(pauses(policy, [NOW, NOW, NOW])).to.deep.equal([200, 400, 500])
    expect(new Set(pauses(policy, Array<number>(2_000).fill(NOW)))).to.deep.equal(new Set([500]))
  })

  it('counting anew when it had run for five minutes', () => {
    const policy = new RestartPolicy(restartSettings({ 'tasks.restart.max': '1' }))
    expect(pauses(policy, [NOW, LONG, NOW, LONG - 1])).to.deep.equal([1_000, 1_000, undefined, undefined])
  })

  it('and says when, and the how manyth of how many', () => {
    const limited = new RestartPolicy(restartSettings({ 'tasks.restart.max': '2' }))
    expect(limited.failed(NOW)?.sentence).to.equal('It starts again in 1 s (restart 1 of 2).')
    const endless = new RestartPolicy(restartSettings({ 'tasks.restart.max': '-1' }))
    expect(endless.failed(NOW)?.sentence).to.equal('It starts again in 1 s (restart 1).')
  })
})
