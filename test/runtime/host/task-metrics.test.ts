import { expect } from 'chai'
import { describe, it } from 'mocha'
import { TaskMetrics } from '../../../src/runtime/host/task-metrics.ts'

describe('what a task counts', () => {
  it('are totals, and the time of calls, also of those that throw', async () => {
    const metrics = new TaskMetrics()
    metrics.count('records.read', 5)
    metrics.count('records.read', 2)
    await metrics.time('put', () => Promise.resolve())
    await metrics.time('put', () => Promise.reject(new Error('no'))).catch(() => undefined)
    const { counters, timers, lastErrorAt } = metrics.snapshot()
    expect(counters).to.include({ 'records.read': 7, retries: 0 })
    expect(timers.put.count).to.equal(2)
    expect(timers.put.maxMs).to.be.within(timers.put.totalMs / 2, timers.put.totalMs)
    expect(timers.poll).to.deep.equal({ count: 0, totalMs: 0, maxMs: 0 })
    expect(lastErrorAt).to.equal(null)
  })

  it('are told once for each change: an idle task says nothing', async () => {
    const metrics = new TaskMetrics()
    const changed = [metrics.changed]
    metrics.snapshot()
    changed.push(metrics.changed)
    metrics.count('records.failed', 0)
    changed.push(metrics.changed)
    metrics.count('commits')
    changed.push(metrics.changed)
    metrics.snapshot()
    await metrics.time('poll', () => Promise.resolve())
    changed.push(metrics.changed)
    expect(changed).to.deep.equal([true, false, false, true, true])
  })

  it('include how far it is in its partitions, and change with that', () => {
    const metrics = new TaskMetrics()
    const at = (offset: bigint | null, endOffset: bigint | null) => ({
      topic: 't',
      partition: 0,
      offset,
      endOffset,
    })
    const steps = [[], [at(null, null)], [at(5n, null)], [at(5n, 9n)], [{ ...at(5n, 9n), partition: 1 }], []]
    metrics.snapshot()
    for (const [step, now] of steps.entries()) {
      metrics.follow(() => now)
      expect([step, metrics.changed]).to.deep.equal([step, step > 0])
      expect(metrics.snapshot().partitions).to.equal(now)
      expect(metrics.changed).to.equal(false)
    }
  })
})
