import { expect } from 'chai'
import { describe, it } from 'mocha'
import { DataError, TaskError } from '../../../src/index.ts'
import { traceOf } from '../../../src/runtime/delivery/trace.ts'

describe('the trace of a failed task', () => {
  /** An error with a stack of its own: these lines, and one of Node. */
  function thrown<E extends Error>(error: E, ...frames: string[]): E {
    const all = [...frames, 'process.processTicksAndRejections (node:internal/process/task_queues:104:5)']
    error.stack = [`${error.name}: ${error.message}`, ...all.map((frame) => `    at ${frame}`)].join('\n')
    return error
  }

  it('names the error, what to do, where it was thrown, and each cause with where that was', () => {
    const inner = thrown(new TypeError('inner'), 'apply (plugin.ts:1:2)', 'chain (chain.ts:3:4)')
    const cause = thrown(
      new DataError('record.malformed', 'it ends early', { cause: inner }),
      'fail (batch.ts:5:6)',
      'chain (chain.ts:3:4)',
    )
    const suggestion = 'Fix the record.'
    const error = thrown(new TaskError('task.tolerance', 'record t-0@5 failed', { cause, suggestion }))
    expect(traceOf(error).split('\n')).to.deep.equal([
      'TaskError [task.tolerance]: record t-0@5 failed',
      'Fix the record.',
      'Caused by: DataError [record.malformed]: it ends early',
      '    at fail (batch.ts:5:6)',
      '    at chain (chain.ts:3:4)',
      'Caused by: TypeError: inner',
      '    at apply (plugin.ts:1:2)',
    ])
  })

  it('says a sentence once, and of a cause that adds nothing nothing at all', () => {
    const inner = thrown(new TypeError('a bug'), 'apply (plugin.ts:1:2)')
    const same = thrown(new DataError('record.value', 'a bug', { cause: inner }))
    const error = thrown(new TaskError('task.failed', 'Transform x threw: a bug', { cause: same }))
    expect(traceOf(error).split('\n')).to.deep.equal([
      'TaskError [task.failed]: Transform x threw: a bug',
      'Caused by: TypeError',
      '    at apply (plugin.ts:1:2)',
    ])
  })

  it('hides the secrets of URLs', () => {
    const error = thrown(new Error('GET http://user:CANARY@host failed'))
    expect(traceOf(error)).to.equal('Error: GET http://[hidden]@host failed')
  })

  it('ends where causes go round in a circle', () => {
    const error = new Error('again')
    error.cause = error
    expect(traceOf(error).match(/again/g)).to.have.length(1)
  })
})
