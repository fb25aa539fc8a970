import { expect } from 'chai'
import { describe, it } from 'mocha'
import { DataError } from '../../../src/index.ts'
import { RowStates } from '../../../src/runtime/records/row-states.ts'

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

  it('believes an error that names its own stage, and blames who was at work there', () => {
    const states = new RowStates(1)
    states.enter('VALUE_CONVERTER', 'AvroConverter')
    states.enter('TRANSFORMATION', 'ScoreH2OGbm')
    states.fail(0, new DataError('record.malformed', 'broken', { stage: 'VALUE_CONVERTER' }))
    const blamed = { stage: 'VALUE_CONVERTER', plugin: 'AvroConverter' }
    expect(states.failure(0)).to.include(blamed)
    expect(states.copy().failure(0)).to.include(blamed)
  })

  it('names the rows that are left, in order', () => {
    const states = new RowStates(5)
    states.drop(3)
    states.fail(0, bad('x'))
    states.drop(0)
    expect([...states.liveRows()]).to.deep.equal([1, 2, 4])
    expect(states.live).to.equal(3)
  })

  it('hides held rows until they are released: they can fail, and cannot be dropped', () => {
    const states = new RowStates(4)
    states.drop(3)
    states.hold([1, 2, 3])
    expect([...states.liveRows()]).to.deep.equal([0])
    states.drop(1)
    states.fail(2, bad('unreadable'))
    states.release()
    expect([...states.liveRows()]).to.deep.equal([0, 1])
    expect(states.live).to.equal(2)
    expect(states.failures().map(({ row }) => row)).to.deep.equal([2])
  })

  it('does not bring a dropped row back by failing it', () => {
    const states = new RowStates(1)
    states.drop(0)
    states.fail(0, bad('late'))
    expect(states.failures()).to.deep.equal([])
    expect(states.live).to.equal(0)
  })

  it('copies what became of each row; what follows happens to one of the two alone', () => {
    const states = new RowStates(4)
    states.enter('TRANSFORMATION', 'ScoreH2OGbm')
    states.drop(0)
    states.fail(1, bad('before'))
    const copy = states.copy()
    copy.fail(2, bad('in the copy'))
    states.fail(3, bad('after'))
    expect([[...states.liveRows()], states.live]).to.deep.equal([[2], 1])
    expect([[...copy.liveRows()], copy.live]).to.deep.equal([[3], 1])
    expect(copy.failures().map(({ row, plugin }) => [row, plugin])).to.deep.equal([
      [1, 'ScoreH2OGbm'],
      [2, 'ScoreH2OGbm'],
    ])
  })
})
