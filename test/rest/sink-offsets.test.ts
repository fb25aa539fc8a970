import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import { CONFIG, expectError, messageOf, restApi } from './rest-api.ts'

const OFFSETS = '/connectors/a/offsets'
const ALTERED = 'The offsets for this connector have been altered successfully'
const RESET = 'The offsets for this connector have been reset successfully'

describe('the REST API, asked for the offsets of a sink,', () => {
  const api = restApi()
  const { call } = api

  const createStopped = (more: object = {}, name = 'a'): Promise<unknown> =>
    call('POST', '/connectors', { name, config: { ...CONFIG, ...more }, initial_state: 'STOPPED' })
  const offset = (partition: unknown, next: unknown, topic: unknown = 'in') => ({
    partition: { kafka_topic: topic, kafka_partition: partition },
    offset: next === null ? null : { kafka_offset: next },
  })
  const patch = (...offsets: object[]) => call('PATCH', OFFSETS, { offsets })

  beforeEach(() => {
    const { committed, busy } = api.worker.groups
    committed.clear()
    busy.clear()
  })

  it('shows what its group has committed, with all digits', async () => {
    await createStopped()
    api.worker.groups.committed.set('connect-a', [{ topic: 'in', partition: 1, offset: 9007199254740993n }])
    const shown = await fetch(`http://127.0.0.1:${api.port}${OFFSETS}`)
    expect(await shown.text()).to.equal(
      '{"offsets":[{"partition":{"kafka_topic":"in","kafka_partition":1},"offset":{"kafka_offset":9007199254740993}}]}',
    )
  })

  it('sets numbers and their texts alike, and removes what is null', async () => {
    await createStopped()
    expect((await patch(offset(0, 10), offset('1', '20'), offset(2, 30))).body).to.deep.equal({
      message: ALTERED,
    })
    expect((await patch(offset(2, null))).code).to.equal(200)
    expect(api.worker.groups.committed.get('connect-a')).to.deep.equal([
      { topic: 'in', partition: 0, offset: 10n },
      { topic: 'in', partition: 1, offset: 20n },
    ])
  })

  it('removes all of it, and finds nothing wrong with doing so again', async () => {
    await createStopped()
    await patch(offset(0, 10))
    expect((await call('DELETE', OFFSETS)).body).to.deep.equal({ message: RESET })
    expect((await call('DELETE', OFFSETS)).body).to.deep.equal({ message: RESET })
    expect((await call('GET', OFFSETS)).body).to.deep.equal({ offsets: [] })
  })

  it('means the group that the connector names, also by a config provider', async () => {
    await createStopped({ 'consumer.override.group.id': 'mine' })
    await patch(offset(0, 10))
    expect([...api.worker.groups.committed.keys()]).to.deep.equal(['mine'])
    expect((await call('DELETE', OFFSETS)).code).to.equal(200)
    expect(api.worker.groups.committed.size).to.equal(0)
  })

  it('changes nothing before the connector is stopped', async () => {
    await api.create('a')
    for (const answer of [await patch(offset(0, 1)), await call('DELETE', OFFSETS)]) {
      expectError(answer, 400)
      expect(messageOf(answer)).to.match(/^Connectors must be in the STOPPED state .*'\/connectors\/a\/stop'/)
    }
  })

  it('answers 500, in words, while the group still has members', async () => {
    await createStopped()
    await patch(offset(0, 1))
    api.worker.groups.busy.add('connect-a')
    const wanted = [
      [await patch(offset(0, 2)), 'alter'],
      [await patch(offset(0, null)), 'alter'],
      [await call('DELETE', OFFSETS), 'reset'],
    ] as const
    for (const [answer, what] of wanted) {
      expectError(answer, 500)
      expect(messageOf(answer)).to.match(
        new RegExp(`^Failed to ${what} consumer group offsets for connector a either because its tasks`),
      )
    }
  })

  it('waits a moment for the tasks of a connector that was just stopped to leave their group', async () => {
    await createStopped()
    api.worker.groups.busy.add('connect-a')
    const altering = patch(offset(0, 1))
    setTimeout(() => api.worker.groups.busy.delete('connect-a'), 20)
    expect((await altering).code).to.equal(200)
    expect(api.worker.groups.committed.get('connect-a')).to.have.lengthOf(1)
  })

  const wrong: [string, unknown, string][] = [
    [
      'no partition at all',
      { offset: { kafka_offset: 1 } },
      'The partition for a sink connector offset cannot',
    ],
    ['no topic', { partition: { kafka_partition: 0 } }, "must contain the keys 'kafka_topic' and"],
    ['no partition', { partition: { kafka_topic: 'in' } }, "must contain the keys 'kafka_topic' and"],
    ['a topic that is null', offset(0, 1, null), 'topic names must be valid strings'],
    ['a partition that is null', offset(null, 1), 'partitions must be valid numbers'],
    ['a partition that is a word', offset('one', 1), "partition value in the provided offsets: 'one'"],
    ['a partition that is a fraction', offset(1.5, 1), "provided offsets: '1.5'. Partition values"],
    ['a partition that is too large', offset(2 ** 31, 1), "offsets: '2147483648'. Partition values"],
    ['a partition that is negative', offset(-1, 1), 'partition -1 is negative'],
    ['an offset without its key', { ...offset(0, 1), offset: {} }, "null or contain the key 'kafka_offset'"],
    ['an offset that is a word', offset(0, 'x'), "offset value in the provided offsets: 'x'. Offset values"],
    ['an offset that is true', offset(0, true), "provided offsets: 'true'"],
    ['an offset that is too large', offset(0, '9223372036854775808'), "offsets: '9223372036854775808'"],
    ['an offset that is negative', offset(0, -1), 'offset -1 is negative'],
    ['an empty text as offset', offset(0, ''), "provided offsets: ''"],
  ]
  for (const [what, each, reason] of wrong) {
    it(`refuses ${what}, and then sets nothing`, async () => {
      await createStopped()
      const answer = await patch(offset(3, 3), each as object)
      expectError(answer, 400)
      expect(messageOf(answer)).to.include(reason)
      expect(api.worker.groups.committed.size).to.equal(0)
    })
  }
})
