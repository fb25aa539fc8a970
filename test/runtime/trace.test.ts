import { expect } from 'chai'
import { describe, it } from 'mocha'
import { DataError, TaskError } from '../../src/index.ts'
import { traceOf } from '../../src/runtime/trace.ts'

describe('the trace of a failed task', () => {
  it('names the error, what to do, and each cause, and shows no stack frames', () => {
    const cause = new DataError('record.malformed', 'it ends early', { cause: new TypeError('inner') })
    const error = new TaskError('task.tolerance', 'record t-0@5 failed', {
      cause,
      suggestion: 'Mend the record.',
    })
    expect(traceOf(error).split('\n')).to.deep.equal([
      'TaskError [task.tolerance]: record t-0@5 failed',
      'Mend the record.',
      'Caused by: DataError [record.malformed]: it ends early',
      'Caused by: TypeError: inner',
    ])
  })

  it('hides the secrets of URLs', () => {
    const error = new Error('GET http://user:CANARY@host failed')
    expect(traceOf(error)).to.equal('Error: GET http://[hidden]@host failed')
  })

  it('ends after five causes, also where they go round in a circle', () => {
    const error = new Error('again')
    error.cause = error
    expect(traceOf(error).split('\n')).to.have.length(5)
  })
})
