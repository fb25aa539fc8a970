import { expect } from 'chai'
import { describe, it } from 'mocha'
import { createLogger } from '../../../src/runtime/host/log.ts'
import { levelNameOf, LogLevels } from '../../../src/runtime/host/log-levels.ts'

describe('levels of loggers', () => {
  function collect(rootLevel = 'info') {
    const levels = new LogLevels(rootLevel)
    const lines: Record<string, unknown>[] = []
    const sink = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) }
    return { levels, log: createLogger(levels, {}, sink), lines }
  }
  const messages = (lines: Record<string, unknown>[]): unknown[] => lines.map((line) => line['message'])

  it('act at once, on loggers that were made before too', () => {
    const { levels, log, lines } = collect()
    const worker = log.child({ logger: 'sluice.worker' })
    worker.debug('before')
    levels.set('sluice.worker', 'DEBUG')
    worker.debug('after')
    log.debug('another logger')
    levels.set('sluice.worker', 'ERROR')
    worker.warn('too low')
    worker.error('still')
    expect(messages(lines)).to.deep.equal(['after', 'still'])
    expect(lines[0]?.['logger']).to.equal('sluice.worker')
  })

  it('are those of the nearest logger above; a connector and its tasks have one of their own', () => {
    const { levels, log, lines } = collect('warn')
    levels.set('sluice.connectors', 'INFO')
    levels.set('sluice.connectors.fraud', 'DEBUG')
    for (const connector of ['fraud', 'frau']) {
      const task = log.child({ logger: 'sluice.hosts', host: 7 }).child({ connector, task: 0 })
      task.child({ transform: 'score' }).debug(`${connector} debug`)
      task.info(`${connector} info`)
    }
    expect(messages(lines)).to.deep.equal(['fraud debug', 'fraud info', 'frau info'])
    expect(lines[0]).to.not.have.property('logger')
  })

  it('OFF writes nothing, FATAL no errors, ALL and TRACE everything', () => {
    const { levels, log, lines } = collect()
    for (const level of ['OFF', 'FATAL', 'ALL', 'TRACE'] as const) {
      levels.set('root', level)
      log.debug(`${level} debug`)
      log.error(`${level} error`)
    }
    expect(messages(lines)).to.deep.equal(['ALL debug', 'ALL error', 'TRACE debug', 'TRACE error'])
  })

  it('set on a logger are set on all below it, and on nothing that only begins so', () => {
    const levels = new LogLevels('info')
    expect(levels.set('a.b.c', 'WARN', 1)).to.deep.equal(['a.b.c'])
    expect(levels.set('a.bc', 'WARN', 1)).to.deep.equal(['a.bc'])
    expect(levels.set('a.b', 'DEBUG', 2)).to.deep.equal(['a.b', 'a.b.c'])
    expect(levels.set('a.b', 'DEBUG', 3)).to.deep.equal([])
    expect(levels.get('a.b.c')).to.deep.equal({ level: 'DEBUG', lastModified: 2 })
    expect(levels.get('a.bc')).to.deep.equal({ level: 'WARN', lastModified: 1 })
    expect(levels.get('a.b.d')).to.equal(undefined)
  })

  it('set on root are set on all', () => {
    const levels = new LogLevels('info')
    levels.set('a', 'WARN', 1)
    expect(levels.set('ROOT', 'ERROR', 2)).to.include.members(['a', 'root', 'sluice.worker', 'sluice.kafka'])
    expect(new Set([...levels.all().values()].map(({ level }) => level))).to.deep.equal(new Set(['ERROR']))
    expect(levels.set('root', 'ERROR', 3)).to.deep.equal([])
  })

  it('of a package of Kafka Connect are those of what does the same here', () => {
    const levels = new LogLevels('info')
    levels.set('sluice.connectors.fraud', 'WARN')
    expect(levels.set('org.apache.kafka.connect.runtime', 'DEBUG')).to.deep.equal([
      'org.apache.kafka.connect.runtime',
      'sluice.connectors',
      'sluice.connectors.fraud',
      'sluice.hosts',
      'sluice.rest',
      'sluice.worker',
    ])
    expect(levels.set('org.apache.kafka', 'ERROR')).to.include.members(['sluice.kafka', 'sluice.models'])
    expect(levels.set('org.apache.kafka.clients.NetworkClient', 'WARN')).to.have.lengthOf(1)
  })

  it('are listed and known, also where they were not set', () => {
    const levels = new LogLevels('warn')
    levels.set('a', 'WARN')
    for (const level of levels.all().values())
      expect(level).to.deep.equal({ level: 'WARN', lastModified: null })
    expect([...levels.all().keys()].slice(0, 3)).to.deep.equal(['a', 'root', 'sluice.connectors'])
    for (const logger of ['sluice.rest', 'Root', 'a'])
      expect(levels.get(logger)).to.deep.equal({ level: 'WARN', lastModified: null })
  })

  it('that are set to what they are keep the time of their last change', () => {
    const levels = new LogLevels('info')
    levels.set('a', 'DEBUG', 1)
    levels.set('a', 'DEBUG', 2)
    expect(levels.get('a')?.lastModified).to.equal(1)
    levels.set('b', 'INFO', 3)
    expect(levels.get('b')).to.deep.equal({ level: 'INFO', lastModified: null })
  })

  it('travel to another process as a table', () => {
    const [worker, host] = [new LogLevels('info'), collect('info')]
    const tables: unknown[] = []
    worker.follow((table) => {
      tables.push(table)
      host.levels.take(table)
    })
    worker.set('sluice.connectors', 'DEBUG')
    host.log.child({ connector: 'a' }).debug('heard')
    expect(messages(host.lines)).to.deep.equal(['heard'])
    expect(tables).to.deep.equal([
      [
        ['root', 'INFO'],
        ['sluice.connectors', 'DEBUG'],
      ],
    ])
  })

  it('have names in any case, and no others', () => {
    expect(['debug', 'Warn', 'OFF', ' trace '].map(levelNameOf)).to.deep.equal([
      'DEBUG',
      'WARN',
      'OFF',
      'TRACE',
    ])
    for (const none of ['', 'loud', 'silent', 'toString', 'constructor'])
      expect(levelNameOf(none), none).to.equal(undefined)
    expect(new LogLevels('silent').get('root')?.level).to.equal('OFF')
  })
})
