import { expect } from 'chai'
import { describe, it } from 'mocha'
import { ConnectError, TaskError, UnavailableError } from '../../../src/api/errors.ts'
import { OffsetChannel } from '../../../src/runtime/host/offset-channel.ts'
import type { FromHost, OffsetText } from '../../../src/runtime/host/protocol.ts'
import { OffsetStore } from '../../../src/runtime/source/offset-store.ts'
import { answerOffsets, type OffsetKeeper } from '../../../src/worker/hosts/offset-answers.ts'

const ID = { connector: 'a', task: 0 }

describe('the offsets that a worker keeps, as a task sees them', () => {
  /** A keeper in memory, asked over the messages of the protocol. */
  function kept(offsets: OffsetText[], write?: OffsetKeeper['write']) {
    const sent: FromHost[] = []
    const keeper: OffsetKeeper = {
      records: (connector) => offsets.filter(({ key }) => key.startsWith(`["${connector}"`)),
      write: write ?? (() => Promise.resolve()),
    }
    const channel: OffsetChannel = new OffsetChannel((message) => {
      sent.push(message)
      if (message.type !== 'readOffsets' && message.type !== 'writeOffsets') return
      void answerOffsets(keeper, structuredClone(message)).then((answer) => {
        if (answer.type === 'offsets') channel.answer(answer)
      })
    })
    return { sent, store: OffsetStore.open(channel.logOf(ID), 'the file of the worker', 'a') }
  }

  it('are those of its connector, and what it wrote since', async () => {
    const { store } = kept([
      { key: '["a",{"f":1}]', value: '{"n":1}' },
      { key: '["b",{"f":1}]', value: '{"n":2}' },
    ])
    const opened = await store
    expect(opened.offsets('a')).to.deep.equal([{ partition: { f: 1 }, offset: { n: 1 } }])
    await opened.write('a', [
      { partition: { f: 1 }, offset: null },
      { partition: { f: 2 }, offset: { n: 3 } },
    ])
    expect(opened.offsets('a')).to.deep.equal([{ partition: { f: 2 }, offset: { n: 3 } }])
  })

  it('are handed over together, in one message for each commit', async () => {
    const { sent, store } = kept([])
    const opened = await store
    for (const n of [1, 2])
      await opened.write(
        'a',
        [1, 2, 3].map((f) => ({ partition: { f }, offset: { n } })),
      )
    const writes = sent.filter((message) => message.type === 'writeOffsets')
    expect(writes.map(({ id, offsets }) => [id, offsets.length])).to.deep.equal([
      [ID, 3],
      [ID, 3],
    ])
    expect(writes[1]?.offsets[2]).to.deep.equal({ key: '["a",{"f":3}]', value: '{"n":2}' })
  })

  it('count as written when the worker says so, and not before', async () => {
    const written = Promise.withResolvers<undefined>()
    const { store } = kept([], () => written.promise)
    const opened = await store
    let isDone = false
    const writing = opened.write('a', [{ partition: { f: 1 }, offset: { n: 1 } }]).then(() => (isDone = true))
    await new Promise(setImmediate)
    expect([isDone, opened.offset('a', { f: 1 })]).to.deep.equal([false, null])
    written.resolve(undefined)
    await writing
    expect(opened.offset('a', { f: 1 })).to.deep.equal({ n: 1 })
  })

  it('are not written where the worker cannot: the task tries again, or ends', async () => {
    const wrong = [
      new UnavailableError('offset.file', 'the disk is full'),
      new TaskError('offset.file', 'somebody else wrote it'),
    ]
    for (const error of wrong) {
      const { store } = kept([], () => Promise.reject(error))
      const opened = await store
      const told = await opened.write('a', [{ partition: { f: 1 }, offset: { n: 1 } }]).then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      expect(told).to.be.instanceOf(ConnectError)
      expect(told).to.include({ code: 'offset.file', message: error.message, retriable: error.retriable })
      expect(opened.offset('a', { f: 1 })).to.equal(null)
    }
  })
})
