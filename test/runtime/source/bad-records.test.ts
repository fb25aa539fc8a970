import { expect } from 'chai'
import { describe, it } from 'mocha'
import { DataError } from '../../../src/index.ts'
import { eventually } from '../../support/eventually.ts'
import { offsetsOf, scriptedSource as scripted } from '../../support/scripted-source.ts'
import { sourceRecord as record } from '../../support/source-record.ts'

describe('bad records of a source', () => {
  const misfit = record(2, { value: 7 })
  const homeless = record(3, { topic: '' })

  it('fail the task that tolerates none, and nothing of their poll is written', async () => {
    for (const [bad, reason] of [
      [misfit, 'The value does not fit its schema'],
      [homeless, 'The record has no topic'],
    ] as const) {
      const { task, queue, seen } = await scripted({})
      queue.push([record(1)], [record(10), bad])
      await eventually(() => expect(seen.failures).to.have.length(1))
      await task.stop()
      const place = `{"file":"f"} at {"n":${String(bad.sourceOffset['n'])}}`
      expect(seen.failures[0]?.message).to.contain(place).and.contain(reason)
      expect(seen.failures[0]?.cause).to.be.instanceOf(DataError)
      expect(seen.sent).to.deep.equal(['1'])
      expect(offsetsOf(seen.commits)).to.deep.equal([1])
    }
  })

  it('become dead letters where all are tolerated, and their offsets are committed', async () => {
    const { task, queue, seen } = await scripted({ config: { 'errors.tolerance': 'all' } })
    queue.push([record(1), misfit, homeless])
    await eventually(() => expect(offsetsOf(seen.commits)).to.deep.equal([3]))
    await task.stop()
    expect(seen.sent).to.deep.equal(['1'])
    expect(seen.letters).to.deep.equal([
      { value: '{"file":"f"} at {"n":2}', error: 'record.value' },
      { value: '{"file":"f"} at {"n":3}', error: 'record.refused' },
    ])
  })

  it('have no topic looked up or created for them that they may not be written to', async () => {
    const ensured: string[] = []
    const { task, queue, seen } = await scripted({
      ensure: (topic) => {
        ensured.push(topic)
        return Promise.resolve()
      },
    })
    queue.push([record(1, { topic: 'a b' }), record(2, { topic: 'configs' }), record(3)])
    await eventually(() => expect(offsetsOf(seen.commits)).to.deep.equal([3]))
    await task.stop()
    expect(ensured).to.deep.equal(['out'])
  })

  it('fail the task whatever it tolerates where their offset cannot be stored', async () => {
    for (const bad of [
      record(1, { sourceOffset: { at: new Date(0) } as never }),
      record(1, { sourcePartition: { deep: {} } as never }),
      record(1, { sourceOffset: undefined as never }),
    ]) {
      const { task, queue, seen } = await scripted({ config: { 'errors.tolerance': 'all' } })
      queue.push([bad])
      await eventually(() => expect(seen.failures).to.have.length(1))
      await task.stop()
      expect(seen.failures[0]).to.include({ code: 'source.offset' })
      expect(seen.failures[0]?.message).to.match(/^Connector a, task 0: the source (offset|partition) of/)
      expect(seen.sent).to.deep.equal([])
    }
  })
})
