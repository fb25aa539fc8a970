import { expect } from 'chai'
import { describe, it } from 'mocha'
import { type Logger, SILENT } from '../../../src/index.ts'
import { WaitLog } from '../../../src/runtime/host/wait-log.ts'

function waitLog(every: number) {
  const lines: string[] = []
  const told: (string | null)[] = []
  const say = (message: string): void => void lines.push(message)
  const log: Logger = { ...SILENT, warn: say, info: say }
  return { lines, told, wait: new WaitLog({ log, tell: (reason) => void told.push(reason), every }) }
}

describe('a wait', () => {
  it('is told when it begins, when its reason changes and when it is over, and logged at both ends', () => {
    const { lines, told, wait } = waitLog(60_000)
    wait.over()
    for (const reason of ['waiting for a', 'waiting for a', 'waiting for b']) wait.waits(reason)
    wait.over()
    wait.over()
    expect(told).to.deep.equal(['waiting for a', 'waiting for b', null])
    expect(lines).to.deep.equal(['waiting for a', 'no longer waiting for b'])
  })

  it('that goes on is logged again from time to time, and told no more', () => {
    const { lines, told, wait } = waitLog(0)
    for (let i = 0; i < 3; i++) wait.waits('waiting for a')
    expect(lines).to.deep.equal(['waiting for a', 'waiting for a', 'waiting for a'])
    expect(told).to.deep.equal(['waiting for a'])
  })
})
