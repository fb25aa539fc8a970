import { expect } from 'chai'
import { describe, it } from 'mocha'
import { type EmitOptions, ModelError, type RecordBatch, SILENT } from '../../../src/index.ts'
import { topicSink } from '../../../connectors/kafka/topic-sink.ts'
import { topicReader } from '../../../src/runtime/sink/read-topics.ts'
import { batchOf } from '../../support/example-batch.ts'

interface Put {
  readonly batch: RecordBatch
  /** Target topic and partition of each row that is left; −1: the key decides; undefined: as it came. */
  readonly ways: readonly { topic: string | undefined; partition: number | undefined }[]
  readonly ensured: readonly string[]
}

/** Puts a batch from topic `t`, whose records are on their way to `topics`, into a TopicSink. */
async function put(config: Record<string, string>, topics: readonly string[]): Promise<Put> {
  const batch = batchOf(topics.map((topic) => ({ topic })))
  const ensured: string[] = []
  let emitted: EmitOptions = {}
  const task = await topicSink.open(topicSink.config.read(config), {
    connector: 'c',
    task: 0,
    log: SILENT,
    models: { load: () => Promise.reject(new ModelError('model.missing', 'none')) },
    signal: new AbortController().signal,
    reads: topicReader({ topics: 't', ...config }),
    emit: (_, options = {}) => (emitted = options),
    report: () => undefined,
    pause: () => undefined,
    resume: () => undefined,
    offset: () => undefined,
    timeout: () => undefined,
    ensureTopic: (topic, { keepPartitions }) => {
      ensured.push(`${topic}${keepPartitions ? ' as wide' : ''}`)
      return Promise.resolve()
    },
  })
  await task.put(batch)
  await task.put(batch)
  const rows = topics.map((_, row) => row).filter((row) => batch.isLive(row))
  const ways = rows.map((row) => ({ topic: emitted.topic?.(row), partition: emitted.partition?.(row) }))
  return { batch, ways, ensured }
}

describe('TopicSink', () => {
  it('writes to target.topic, in which ${topic} is the topic a record is on its way to', async () => {
    const one = await put({ 'target.topic': 'out' }, ['t', 'other'])
    expect(one.ways.map(({ topic }) => topic)).to.deep.equal(['out', 'out'])
    const each = await put({ 'target.topic': '${topic}-scored-${topic}' }, ['t', 'other', 't'])
    expect(each.ways.map(({ topic }) => topic)).to.deep.equal([
      't-scored-t',
      'other-scored-other',
      't-scored-t',
    ])
  })

  it('makes sure of each target once, as wide as the source where partitions are kept', async () => {
    const kept = await put({ 'target.topic': 'to-${topic}' }, ['t', 'other', 't'])
    expect(kept.ensured).to.deep.equal(['to-t as wide', 'to-other as wide'])
    expect(kept.ways.map(({ partition }) => partition)).to.deep.equal([undefined, undefined, undefined])
    const hashed = await put({ 'target.topic': 'to', 'target.partition': 'key' }, ['t'])
    expect(hashed.ensured).to.deep.equal(['to'])
    expect(hashed.ways).to.deep.equal([{ topic: 'to', partition: -1 }])
  })

  it('refuses a record that would come back to where it came from after routing, alone', async () => {
    const { batch, ways, ensured } = await put({ 'target.topic': '${topic}' }, ['other', 't', 'other'])
    expect(ways.map(({ topic }) => topic)).to.deep.equal(['other', 'other'])
    expect(batch.failure(1)?.code).to.equal('record.loop')
    expect(batch.failure(1)?.message).to.contain('would be written to t')
    expect(ensured).to.deep.equal(['other as wide'])
  })

  it('refuses a record that it would read again in another topic: targets never grow without end', async () => {
    const named = await put({ topics: 't,u', 'target.topic': '${topic}' }, ['u', 'v'])
    expect(named.batch.failure(0)?.code).to.equal('record.loop')
    expect(named.ways.map(({ topic }) => topic)).to.deep.equal(['v'])
    const matched = await put({ topics: '', 'topics.regex': 't.*', 'target.topic': '${topic}-scored' }, ['t'])
    expect(matched.batch.failure(0)?.code).to.equal('record.loop')
    expect(matched.ensured).to.deep.equal([])
  })

  it('takes topic names only for a target', () => {
    for (const target of ['', 'a b', 'ä', '${topic', '${Topic}', '..', 'x'.repeat(250)])
      expect(topicSink.config.parse({ 'target.topic': target }).problems, target).to.have.lengthOf(1)
    expect(topicSink.config.parse({ 'target.topic': 'a.${topic}_b-c' }).problems).to.deep.equal([])
  })
})
