import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { ShadowSums } from '../../src/api/shadows.ts'
import { shadowReport } from '../../src/worker/shadow-report.ts'

const sums = (changes: Partial<ShadowSums>): ShadowSums => ({
  model: 'challenger',
  version: '1',
  serving: 'champion$1',
  rows: 0,
  notScored: 0,
  labelled: 0,
  equal: 0,
  compared: 0,
  difference: 0,
  largest: 0,
  batches: 0,
  milliseconds: 0,
  servingMilliseconds: 0,
  problem: null,
  ...changes,
})
const shown = (task: number, ...all: readonly Partial<ShadowSums>[]) => ({
  task,
  transform: 'score',
  name: 'shadows',
  figures: all.map((each) => ({ ...sums(each) })),
})

describe('the report of shadow models', () => {
  it('weighs the tasks by what they have compared', () => {
    const times = { batches: 1, milliseconds: 10, servingMilliseconds: 4 }
    const report = shadowReport('c', [
      shown(0, { rows: 10, labelled: 10, equal: 9, compared: 20, difference: 2, largest: 0.5, ...times }),
      shown(1, {
        rows: 30,
        labelled: 30,
        equal: 3,
        compared: 60,
        difference: 14,
        largest: 0.25,
        notScored: 5,
        problem: 'why',
        ...times,
        milliseconds: 2,
      }),
    ])
    expect(report.connector).to.equal('c')
    expect(report.shadows).to.deep.equal([
      {
        transform: 'score',
        model: 'challenger',
        version: '1',
        serving: 'champion$1',
        rows: 40,
        not_scored: 5,
        equal_labels: 0.3,
        mean_difference: 0.2,
        largest_difference: 0.5,
        batches: 2,
        mean_ms: 6,
        serving_mean_ms: 4,
        problem: 'why',
      },
    ])
    expect(report.tasks.map(({ task, rows, equal_labels: equal }) => [task, rows, equal])).to.deep.equal([
      [0, 10, 0.9],
      [1, 30, 0.1],
    ])
  })

  it('keeps versions and models apart, and has no share of nothing', () => {
    const report = shadowReport('c', [
      shown(0, { version: '1', rows: 1 }, { model: 'other' }),
      shown(1, { version: '2', rows: 2 }),
      shown(2, { version: '2', serving: 'champion$2', rows: 4 }),
    ])
    expect(report.shadows.map(({ model, version, rows }) => [model, version, rows])).to.deep.equal([
      ['challenger', '1', 1],
      ['other', '1', 0],
      ['challenger', '2', 2],
      ['challenger', '2', 4],
    ])
    expect(report.shadows[1]).to.deep.include({
      equal_labels: null,
      mean_difference: null,
      largest_difference: null,
      mean_ms: null,
    })
  })
})
