import { expect } from 'chai'
import { describe, it } from 'mocha'
import { DataError } from '../../../src/api/errors.ts'
import { createLogger } from '../../../src/runtime/host/log.ts'

describe('the log', () => {
  function collect(level: string): {
    log: ReturnType<typeof createLogger>
    lines: Record<string, unknown>[]
  } {
    const lines: Record<string, unknown>[] = []
    const sink = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) }
    return { log: createLogger(level, { worker: 'w1' }, sink), lines }
  }

  it('writes one JSON object per line with a level name, an ISO time and the fields of all its parents', () => {
    const { log, lines } = collect('info')
    log.child({ connector: 'flight-delay' }).child({ task: 1 }).warn('slow', { ms: 12, offset: 5n })
    expect(lines).to.have.length(1)
    const { time, ...line } = lines[0] ?? {}
    expect(line).to.deep.equal({
      level: 'warn',
      worker: 'w1',
      connector: 'flight-delay',
      task: 1,
      ms: 12,
      offset: '5',
      message: 'slow',
    })
    expect(new Date(String(time)).toISOString()).to.equal(time)
  })

  it('leaves out what is below its level', () => {
    const { log, lines } = collect('WARN')
    log.debug('a')
    log.info('b')
    log.warn('c')
    log.error('d')
    expect(lines.map((line) => line['message'])).to.deep.equal(['c', 'd'])
  })

  it('says code, message and cause of an error', () => {
    const { log, lines } = collect('info')
    const error = new DataError('record.malformed', 'not Avro', { cause: new Error('short') })
    log.error('failed', { error })
    expect(lines[0]?.['error']).to.deep.include({ code: 'record.malformed', message: 'not Avro' })
    expect(lines[0]).to.have.nested.property('error.cause.message', 'short')
  })

  it('hides passwords in configurations and in URLs', () => {
    const { log, lines } = collect('info')
    log.info('registry http://joe:pw1@host:8081/x', {
      config: {
        'basic.auth.user.info': 'joe:pw2',
        'value.converter.basic.auth.user.info': 'joe:pw3',
        list: ['a'],
      },
      error: new Error('GET https://joe:pw4@host failed'),
      password: 'pw5',
    })
    expect(JSON.stringify(lines)).not.to.match(/pw\d/)
    expect(lines[0]).to.have.nested.property('config.list[0]', 'a')
    expect(lines[0]?.['message']).to.equal('registry http://[hidden]@host:8081/x')
  })
})
