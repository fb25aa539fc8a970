import { expect } from 'chai'
import { describe, it } from 'mocha'
import { topicSink } from '../../connectors/kafka/topic-sink.ts'
import type { SinkConnector, SinkOffset } from '../../src/api/plugins.ts'
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
