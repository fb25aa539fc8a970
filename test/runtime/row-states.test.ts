import { expect } from 'chai'
import { describe, it } from 'mocha'
import { DataError } from '../../src/index.ts'
import { RowStates } from '../../src/runtime/row-states.ts'

const bad = (message: string) => new DataError('record.value', message)

describe('row states of a batch', () => {
  it('keeps the first failure of a row, with the stage and plugin that were at work', () => {
    const states = new RowStates(2)
    states.enter('TRANSFORMATION', 'ScoreH2OGbm')
    states.fail(1, bad('first'))
    states.enter('TASK_PUT', 'sink')
    states.fail(1, bad('second'))
    expect(states.failures()).to.have.length(1)
    expect(states.failure(1)).to.include({ row: 1, stage: 'TRANSFORMATION', plugin: 'ScoreH2OGbm' })
    expect(states.failure(1)?.error.message).to.equal('first')
  })

  it('believes an error that names its own stage', () => {
    const states = new RowStates(1)
    states.enter('TRANSFORMATION', 'ScoreH2OGbm')
    states.fail(0, new DataError('record.malformed', 'broken', { stage: 'VALUE_CONVERTER' }))
    expect(states.failure(0)?.stage).to.equal('VALUE_CONVERTER')
  })

  it('names the rows that are left, in order', () => {
    const states = new RowStates(5)
    states.drop(3)
    states.fail(0, bad('x'))
    states.drop(0)
    expect([...states.liveRows()]).to.deep.equal([1, 2, 4])
    expect(states.live).to.equal(3)
  })

  it('does not bring a dropped row back by failing it', () => {
    const states = new RowStates(1)
    states.drop(0)
    states.fail(0, bad('late'))
    expect(states.failures()).to.deep.equal([])
    expect(states.live).to.equal(0)
  })
})
