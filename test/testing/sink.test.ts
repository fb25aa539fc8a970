import { expect } from 'chai'
import { describe, it } from 'mocha'
import {
  DataError,
  defineConfig,
  errorCode,
  key,
  type RecordBatch,
  type SinkConnector,
  type SinkContext,
  type SinkTask,
  UnavailableError,
} from '../../src/index.ts'
import { startSink } from '../../src/testing/index.ts'
import { rejection } from '../support/rejection.ts'

const config = defineConfig({ url: key.string({ doc: 'Where to.' }) })

function sinkOf(open: (context: SinkContext) => SinkTask): SinkConnector<typeof config.keys> {
  return {
    kind: 'sink',
    name: 'Acme',
    version: '1.0.0',
    summary: 'A sink.',
    config,
    validate: ({ url }, raw, reads) =>
      reads(url) ? [{ path: 'url', message: `is a topic of ${raw['topics'] ?? ''}` }] : [],
    open: (_, context) => open(context),
  }
}

const start = (open: (context: SinkContext) => SinkTask) => startSink(sinkOf(open), { url: 'u' })
const values = (batch: RecordBatch) =>
  Array.from({ length: batch.length }, (_, row) => batch.value('value', row))

describe('a sink under test', () => {
  it('is called as a worker calls it: partitions are opened, put, flushed, committed, closed, and it is stopped', async () => {
    const calls: unknown[] = []
    const sink = await start(() => ({
      open: (partitions) => void calls.push(['open', ...partitions]),
      put: (batch) =>
        void calls.push([
          batch.sourceTopic,
          batch.sourcePartition,
          Number(batch.sourceOffset(0)),
          ...values(batch),
        ]),
      flush: () => void calls.push(['flush']),
      preCommit: (offsets) => offsets.filter(({ partition }) => partition === 0),
      close: (partitions) => void calls.push(['close', ...partitions]),
      stop: () => void calls.push(['stop']),
    }))
    await sink.put([{ value: 1 }, { value: 2, partition: 3 }, { value: 3 }])
    await sink.put([{ value: 4 }])
    expect(await sink.commit()).to.deep.equal([{ topic: 't', partition: 0, offset: 3n }])
    await sink.stop()
    const [first, other] = [
      { topic: 't', partition: 0 },
      { topic: 't', partition: 3 },
    ]
    expect(calls).to.deep.equal([
      ...[
        ['open', first],
        ['t', 0, 0, 1, 3],
        ['open', other],
        ['t', 3, 0, 2],
        ['t', 0, 2, 4],
      ],
      ...[['flush'], ['flush'], ['close', first, other], ['stop']],
    ])
  })

  it('gets the same offsets again where it was not able to take them, and what it emitted then is forgotten', async () => {
    const offsets: bigint[] = []
    const asleep = errorCode('acme', 'asleep')
    const sink = await start((context) => ({
      put(batch) {
        offsets.push(batch.sourceOffset(0))
        context.emit(batch)
        if (offsets.length > 1) return
        context.timeout(50)
        throw new UnavailableError(asleep, 'not awake')
      },
    }))
    expect(await rejection(sink.put([{ value: 1 }]))).to.include({ code: 'acme.asleep', retriable: true })
    await sink.put([{ value: 1 }])
    expect(offsets).to.deep.equal([0n, 0n])
    expect(sink.timeouts).to.deep.equal([50])
    expect(sink.emitted.map(({ value }) => value)).to.deep.equal([1])
  })

  it('shows what it emitted and reported: a reported record is not emitted', async () => {
    const sink = await start((context) => ({
      async put(batch) {
        context.report(batch, 1, new DataError('record.value', 'odd'))
        await context.ensureTopic('out', { sourceTopic: 't', keepPartitions: true })
        context.emit(batch, { topic: (row) => `out-${row}`, partition: () => -1 })
      },
    }))
    await sink.put([{ value: 0 }, { value: 1 }, { value: 2 }])
    const emitted = sink.emitted.map(({ topic, partition, value }) => [topic, partition, value])
    expect(emitted).to.deep.equal([
      ['out-0', -1, 0],
      ['out-2', -1, 2],
    ])
    expect(sink.reported.map(({ record, error }) => [record.value, error.message])).to.deep.equal([
      [1, 'odd'],
    ])
  })

  it('shows what it asked for: pauses, and offsets to go on with', async () => {
    const [first, second] = [
      { topic: 't', partition: 0 },
      { topic: 't', partition: 1 },
    ]
    const sink = await start((context) => ({
      open: () => {
        context.pause([first, second])
        context.resume([first])
        context.offset(second, 7n)
      },
      put: () => undefined,
    }))
    await sink.put([{}])
    expect(sink.paused()).to.deep.equal([second])
    expect(sink.seeks).to.deep.equal([{ ...second, offset: 7n }])
  })

  it('is told that it must stop, and closes nothing where nothing was opened', async () => {
    let signal: AbortSignal | undefined
    const sink = await start((context) => {
      signal = context.signal
      return { put: () => undefined, close: () => expect.fail('it had no partitions') }
    })
    expect(signal?.aborted).to.equal(false)
    await sink.stop()
    expect(signal?.aborted).to.equal(true)
  })

  it('is not opened with a configuration that is wrong', async () => {
    const never = sinkOf(() => expect.fail('it was opened'))
    expect((await rejection(startSink(never, {}))).message).to.contain('Missing required configuration "url"')
    const error = await rejection(startSink(never, { url: 'b', topics: 'a, b' }))
    expect(error.message).to.equal('url: is a topic of a, b')
  })
})
