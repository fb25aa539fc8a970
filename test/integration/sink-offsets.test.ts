import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { eventually, uniqueName } from '../support/eventually.ts'
import { sharedKafka } from '../support/kafka.ts'
import { call } from '../support/sluice-dev.ts'
import { fillTopic } from '../support/topics.ts'
import { startTestWorker, type TestWorker } from '../conformance/rest-worker.ts'

const QUICK = { timeoutMs: 60_000, everyMs: 100 }

describe('the offsets and topics of a sink on a real broker', function () {
  this.timeout(150_000)
  const topic = uniqueName('letters')
  let folder: string
  let worker: TestWorker

  before(async () => {
    const { bootstrapServers } = await sharedKafka()
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-sink-offsets-'))
    const records = ['a', 'b', 'c', 'd', 'e', 'f'].map((value) => ({ key: null, value: Buffer.from(value) }))
    await fillTopic(bootstrapServers, topic, 2, records)
    worker = await startTestWorker(uniqueName('offsets'))
  })
  after(async () => {
    await worker.stop()
    await rm(folder, { recursive: true, force: true })
  })

  interface Sink {
    readonly name: string
    readonly written: () => Promise<string[]>
    /** Partition 0 and 1 as REST shows them. */
    readonly offsets: () => Promise<unknown>
  }

  async function create(more: Record<string, string> = {}): Promise<Sink> {
    const name = uniqueName('sink')
    const file = path.join(folder, name)
    const config = {
      'connector.class': 'FileStreamSink',
      'value.converter': 'StringConverter',
      topics: topic,
      file,
      ...more,
    }
    const created = await call(worker.base, 'PUT', `/connectors/${name}/config`, config)
    expect(created.status, JSON.stringify(created.body)).to.equal(201)
    const written = async (): Promise<string[]> =>
      (await readFile(file, 'utf8')).split('\n').slice(0, -1).sort()
    const offsets = async (): Promise<unknown> =>
      (await call(worker.base, 'GET', `/connectors/${name}/offsets`)).body
    return { name, written, offsets }
  }

  const act = async (method: string, { name }: Sink, below: string, body?: unknown) =>
    call(worker.base, method, `/connectors/${name}/${below}`, body)

  async function stop(sink: Sink): Promise<void> {
    expect((await act('PUT', sink, 'stop')).status).to.equal(204)
    await eventually(async () => {
      const { body } = await act('GET', sink, 'status')
      const { connector, tasks } = body as { connector: { state: string }; tasks: unknown[] }
      return connector.state === 'STOPPED' && tasks.length === 0
    }, QUICK)
  }

  const writes = (sink: Sink, wanted: string) =>
    eventually(async () => {
      expect((await sink.written()).join('')).to.equal(wanted)
      return true
    }, QUICK)

  const at = (zero: number, one: number) => ({
    offsets: [
      { partition: { kafka_topic: topic, kafka_partition: 0 }, offset: { kafka_offset: zero } },
      { partition: { kafka_topic: topic, kafka_partition: 1 }, offset: { kafka_offset: one } },
    ],
  })

  it('altered, it goes on from there; reset, it begins anew', async () => {
    const sink = await create()
    await writes(sink, 'abcdef')
    await stop(sink)
    expect(await sink.offsets()).to.deep.equal(at(3, 3))

    const altered = await act('PATCH', sink, 'offsets', at(1, 2))
    expect([altered.status, altered.body]).to.deep.equal([
      200,
      { message: 'The offsets for this connector have been altered successfully' },
    ])
    expect(await sink.offsets()).to.deep.equal(at(1, 2))
    await act('PUT', sink, 'resume')
    await writes(sink, 'abccdeeff')
    await stop(sink)

    expect((await act('DELETE', sink, 'offsets')).status).to.equal(200)
    expect(await sink.offsets()).to.deep.equal({ offsets: [] })
    expect((await act('DELETE', sink, 'offsets')).status).to.equal(200)
    await act('PUT', sink, 'resume')
    await writes(sink, 'aabbcccddeeefff')
  })

  it('one partition is reset alone, the other stays where it is', async () => {
    const sink = await create({ 'consumer.override.group.id': uniqueName('group') })
    await writes(sink, 'abcdef')
    await stop(sink)
    const reset = { offsets: [{ partition: { kafka_topic: topic, kafka_partition: '0' }, offset: null }] }
    expect((await act('PATCH', sink, 'offsets', reset)).status).to.equal(200)
    expect(await sink.offsets()).to.deep.equal({ offsets: at(0, 3).offsets.slice(1) })
    await act('PUT', sink, 'resume')
    await writes(sink, 'aabccdeef')
  })

  it('are not altered while a member of the group is left', async () => {
    const group = uniqueName('shared')
    const [stopped, other] = [
      await create({ 'consumer.override.group.id': group }),
      await create({ 'consumer.override.group.id': group }),
    ]
    await eventually(
      async () => (await other.written()).length + (await stopped.written()).length >= 6,
      QUICK,
    )
    await stop(stopped)
    await eventually(async () => {
      for (const answer of [
        await act('PATCH', stopped, 'offsets', at(0, 0)),
        await act('DELETE', stopped, 'offsets'),
      ]) {
        expect(answer.status, JSON.stringify(answer.body)).to.equal(500)
        expect((answer.body as { message: string }).message).to.match(
          /^Failed to (alter|reset) consumer group offsets for connector .* either because its tasks haven't stopped/,
        )
      }
      return true
    }, QUICK)
  })

  it('of a topic that is not there are refused', async () => {
    const sink = await create()
    await stop(sink)
    const nowhere = { kafka_topic: uniqueName('nowhere'), kafka_partition: 0 }
    const offsets = [{ partition: nowhere, offset: { kafka_offset: 1 } }]
    const answer = await act('PATCH', sink, 'offsets', { offsets })
    expect(answer.status, JSON.stringify(answer.body)).to.equal(400)
  })

  it('its topics are known once it has read, forgotten on request, and known again once it reads', async () => {
    const sink = await create()
    const topics = (...wanted: string[]) =>
      eventually(async () => {
        expect((await act('GET', sink, 'topics')).body).to.deep.equal({ [sink.name]: { topics: wanted } })
        return true
      }, QUICK)
    await topics(topic)
    await stop(sink)
    expect((await act('PUT', sink, 'topics/reset')).status).to.equal(202)
    await topics()
    await act('DELETE', sink, 'offsets')
    await act('PUT', sink, 'resume')
    await topics(topic)
    await call(worker.base, 'DELETE', `/connectors/${sink.name}`)
    await topics()
  })

  it('the level of a connector’s logger acts in the task host that runs it', async () => {
    const json = {
      'value.converter': 'JsonConverter',
      'errors.tolerance': 'all',
      'errors.log.enable': 'true',
    }
    const sink = await create(json)
    const logged = (): number => {
      const lines = worker.stderr().split('\n')
      return lines.filter((line) => line.includes(sink.name) && line.includes('a record failed')).length
    }
    const readAll = () =>
      eventually(async () => {
        expect(await sink.offsets()).to.deep.equal(at(3, 3))
        return true
      }, QUICK)
    const again = async (level: string): Promise<void> => {
      const logger = `sluice.connectors.${sink.name}`
      const set = await call(worker.base, 'PUT', `/admin/loggers/${logger}`, { level })
      expect(set.body).to.deep.equal([logger])
      await stop(sink)
      await act('DELETE', sink, 'offsets')
      await act('PUT', sink, 'resume')
      await readAll()
    }
    await readAll()
    await eventually(() => logged() === 6, QUICK)
    await again('OFF')
    expect(logged()).to.equal(6)
    await again('INFO')
    await eventually(() => logged() === 12, QUICK)
  })
})
