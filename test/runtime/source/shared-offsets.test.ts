import { expect } from 'chai'
import { describe, it } from 'mocha'
import { OffsetStore } from '../../../src/runtime/source/offset-store.ts'
import { SharedOffsets } from '../../../src/runtime/source/shared-offsets.ts'
import { MemoryTopics } from '../../worker/memory-log.ts'
import { rejection } from '../../support/rejection.ts'

const TOPIC = { topic: 'offsets', partitions: 1, replicationFactor: 1 }

describe('the offsets that the tasks of a host share', () => {
  function shared() {
    const [topics, offsets] = [new MemoryTopics(), new SharedOffsets()]
    const counts = { opened: 0, closed: 0 }
    const open = (): Promise<OffsetStore> => {
      counts.opened++
      return OffsetStore.open(async (onRecord) => {
        const log = await topics.open(TOPIC, onRecord)
        return { ...log, close: () => log.close().finally(() => counts.closed++) }
      }, 'topic offsets')
    }
    return { topics, counts, open, offsets, take: (place = 'here') => offsets.take(place, open) }
  }

  it('are read once, whatever the number of tasks, and each finds those of its connector', async () => {
    const { topics, counts, take } = shared()
    topics.write('offsets', '["a",{"f":1}]', '{"n":1}')
    topics.write('offsets', '["b",{"f":1}]', '{"n":2}')
    const all = await Promise.all(Array.from({ length: 50 }, () => take()))
    expect(counts.opened).to.equal(1)
    expect(all[0]?.offset('a', { f: 1 })).to.deep.equal({ n: 1 })
    expect(all[49]?.offset('b', { f: 1 })).to.deep.equal({ n: 2 })
    await all[0]?.write('a', [{ partition: { f: 1 }, offset: { n: 3 } }])
    expect(all[1]?.offset('a', { f: 1 })).to.deep.equal({ n: 3 })
  })

  it('are read up to what is there when a task begins, also where another worker wrote it', async () => {
    const { topics, take } = shared()
    await take()
    topics.lag('offsets', 0)
    topics.write('offsets', '["a",{"f":1}]', '{"n":1}')
    expect((await take()).offset('a', { f: 1 })).to.deep.equal({ n: 1 })
  })

  it('are read anew where they are connected to in another way', async () => {
    const { counts, take } = shared()
    await take('here')
    await take('there')
    expect(counts.opened).to.equal(2)
  })

  it('are closed with the last task, and opened again for the next', async () => {
    const { counts, take } = shared()
    const [first, second] = [await take(), await take()]
    await first.close()
    await first.close()
    expect(counts.closed).to.equal(0)
    await second.close()
    expect(counts).to.deep.equal({ opened: 1, closed: 1 })
    await take()
    expect(counts.opened).to.equal(2)
  })

  it('are opened again for the next task where they could not be read', async () => {
    const { counts, offsets, take } = shared()
    const broken = (): Promise<OffsetStore> => Promise.reject(new Error('no such topic'))
    const failed = await Promise.all([1, 2].map(() => rejection(offsets.take('here', broken))))
    expect(failed.map(String)).to.deep.equal(['Error: no such topic', 'Error: no such topic'])
    await take()
    expect(counts.opened).to.equal(1)
  })
})
