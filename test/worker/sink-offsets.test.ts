import { expect } from 'chai'
import { describe, it } from 'mocha'
import { topicSink } from '../../connectors/kafka/topic-sink.ts'
import type { SinkConnector, SinkOffset } from '../../src/api/plugins.ts'
import { ConnectorOffsets } from '../../src/worker/connector-offsets.ts'
import { SinkOffsets } from '../../src/worker/sink-offsets.ts'
import { rejection } from '../support/rejection.ts'
import { MemoryGroups } from './memory-worker.ts'

const WANTED = [
  { partition: { kafka_topic: 'in', kafka_partition: 0 }, offset: { kafka_offset: 5 } },
  { partition: { kafka_topic: 'in', kafka_partition: '1' }, offset: null },
]

describe('the offsets of a sink whose plugin looks at them', () => {
  it('are shown to it as Kafka’s, and none is set where it refuses one', async () => {
    const [groups, seen]: [MemoryGroups, SinkOffset[]] = [new MemoryGroups(), []]
    const plugin: SinkConnector = {
      ...topicSink,
      checkOffset: (offset) => {
        seen.push(offset)
        return offset.offset === null ? 'it must stay' : undefined
      },
    }
    const sink = { name: 'a', plugin, config: { name: 'a' } }
    const error = await rejection(new SinkOffsets(groups).alter(sink, WANTED))
    expect(error).to.include({ code: 'request.invalid', message: 'Connector a: it must stay' })
    expect(seen).to.deep.equal([
      { topic: 'in', partition: 0, offset: 5n },
      { topic: 'in', partition: 1, offset: null },
    ])
    expect(groups.committed.size).to.equal(0)
  })
})

describe('the offsets of a sink that is to stop', () => {
  const config = { name: 'a', 'connector.class': 'TopicSink', 'consumer.override.group.id': '${vault:group}' }
  const offsetsOf = (groups: MemoryGroups, tasks: readonly object[]) =>
    new ConnectorOffsets({
      places: () => [],
      groups,
      stored: () => ({ config, target: 'STOPPED', tasks: tasks.map(() => config) }),
      resolve: (raw) => Promise.resolve({ ...raw, 'consumer.override.group.id': 'mine' }),
    })

  it('are not changed before it has no tasks any more', async () => {
    const groups = new MemoryGroups()
    for (const change of [offsetsOf(groups, [{}]).alter('a', WANTED), offsetsOf(groups, [{}]).reset('a')])
      expect(await rejection(change))
        .to.have.property('message')
        .that.includes('STOPPED state')
    expect(groups.committed.size).to.equal(0)
  })

  it('are those of the group that a config provider names', async () => {
    const groups = new MemoryGroups()
    await offsetsOf(groups, []).alter('a', WANTED)
    expect([...groups.committed.keys()]).to.deep.equal(['mine'])
    expect(await offsetsOf(groups, []).list('a')).to.have.lengthOf(1)
  })
})
