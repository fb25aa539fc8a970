import { expect } from 'chai'
import { describe, it } from 'mocha'
import { IDLE, StageTracker } from '../../../src/runtime/host/stage-tracker.ts'

const ROWS = { topic: 't', partition: 0, first: 1n, last: 9n }

function stages() {
  const told: string[] = []
  const where = new StageTracker((stage, rows) => {
    told.push(rows === undefined ? stage : `${stage} ${rows.first}–${rows.last}`)
    return undefined
  })
  return { told, where }
}

describe('a plugin that waits for others', () => {
  it('is under no deadline until the last of its waits is over, and then at its rows again', async () => {
    const { told, where } = stages()
    where.hold(ROWS)
    await where.at('value.converter')
    const [first, second] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()]
    const waits = [where.outside(() => first.promise), where.outside(() => second.promise)]
    first.resolve('a')
    expect(await waits[0]).to.equal('a')
    expect(told).to.deep.equal(['value.converter 1–9', IDLE])
    second.reject(new Error('away'))
    expect(await waits[1]?.catch(String)).to.equal('Error: away')
    expect(told).to.deep.equal(['value.converter 1–9', IDLE, 'value.converter 1–9'])
  })

  it('gives up as soon as nobody wants its batch, also where it does not listen', async () => {
    const { where } = stages()
    const interrupt = new AbortController()
    where.hold(ROWS, interrupt.signal)
    await where.at('encode')
    const wait = where.outside(() => new Promise(() => undefined)).catch((error: unknown) => error)
    interrupt.abort()
    expect(await wait).to.include({ name: 'AbortError' })
    expect(await where.outside(() => Promise.resolve()).catch((e: unknown) => e)).to.include({
      name: 'AbortError',
    })
  })
})
