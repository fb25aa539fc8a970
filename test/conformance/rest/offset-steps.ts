import type { Step } from '../rest-replay.ts'
import { raw, request, settled, sinkConfig, runningSource, until } from './steps.ts'

const offsets = (id: string, method: string, connector: string, body?: unknown) =>
  request(`offsets: ${id}`, method, `/connectors/${connector}/offsets`, body)
const ofFile = (position: unknown) => ({
  offsets: [
    { partition: { filename: '{folder}/lines.txt' }, offset: position === null ? null : { position } },
  ],
})
const ofTopic = (offset: unknown, partition: unknown = 0, topic: unknown = '{topic}') => ({
  offsets: [
    { partition: { kafka_topic: topic, kafka_partition: partition }, offset: { kafka_offset: offset } },
  ],
})
const whole = (body: string) => raw(`offsets: ${body}`, 'PATCH', '/connectors/os/offsets', body)

const OF_SOURCE: readonly Step[] = [
  request('offsets: create a source', 'POST', '/connectors', { name: 'os', config: runningSource() }),
  settled('os', 'RUNNING', ['RUNNING']),
  until('/connectors/os/offsets', '"position"'),
  offsets('of a source', 'GET', 'os'),
  request('offsets: with a slash', 'GET', '/connectors/os/offsets/'),
  offsets('alter while it runs', 'PATCH', 'os', ofFile(5)),
  offsets('reset while it runs', 'DELETE', 'os'),
  request('offsets: pause the source', 'PUT', '/connectors/os/pause'),
  settled('os', 'PAUSED', ['PAUSED']),
  offsets('alter while it is paused', 'PATCH', 'os', ofFile(5)),
  offsets('reset while it is paused', 'DELETE', 'os'),
  request('offsets: stop the source', 'PUT', '/connectors/os/stop'),
  settled('os', 'STOPPED', []),
  offsets('stopped', 'GET', 'os'),
  offsets('alter', 'PATCH', 'os', ofFile(6)),
  offsets('altered', 'GET', 'os'),
  offsets('alter: the same again', 'PATCH', 'os', ofFile(6)),
  offsets('alter: a text as a position', 'PATCH', 'os', ofFile('7')),
  offsets('alter: a negative position', 'PATCH', 'os', ofFile(-1)),
  offsets('alter: no number', 'PATCH', 'os', ofFile('x')),
  offsets('alter: another key', 'PATCH', 'os', {
    offsets: [{ partition: { filename: '{folder}/lines.txt' }, offset: { place: 1 } }],
  }),
  offsets('alter: another partition', 'PATCH', 'os', {
    offsets: [{ partition: { file: 'x' }, offset: { position: 1 } }],
  }),
  offsets('alter: another file', 'PATCH', 'os', {
    offsets: [{ partition: { filename: 'x' }, offset: { position: 1 } }],
  }),
  offsets('alter: an empty list', 'PATCH', 'os', { offsets: [] }),
  offsets('alter: no list', 'PATCH', 'os', {}),
  offsets('alter: null', 'PATCH', 'os', { offsets: null }),
  offsets('alter: an object', 'PATCH', 'os', { offsets: {} }),
  offsets('alter: another field', 'PATCH', 'os', { ...ofFile(5), more: 1 }),
  offsets('alter: no partition', 'PATCH', 'os', { offsets: [{ offset: { position: 1 } }] }),
  offsets('alter: partition null', 'PATCH', 'os', {
    offsets: [{ partition: null, offset: { position: 1 } }],
  }),
  offsets('alter: partition a text', 'PATCH', 'os', {
    offsets: [{ partition: 'x', offset: { position: 1 } }],
  }),
  offsets('alter: a field in an entry', 'PATCH', 'os', {
    offsets: [{ partition: { filename: 'x' }, offset: null, x: 1 }],
  }),
  offsets('alter: a partition twice', 'PATCH', 'os', {
    offsets: [...ofFile(1).offsets, ...ofFile(2).offsets],
  }),
  offsets('alter: an entry null', 'PATCH', 'os', { offsets: [null] }),
  whole('{'),
  whole('[]'),
  whole('null'),
  whole(''),
  raw('offsets: text/plain', 'PATCH', '/connectors/os/offsets', '{}', 'text/plain'),
  offsets('after what was refused', 'GET', 'os'),
  offsets('remove one', 'PATCH', 'os', ofFile(null)),
  offsets('removed', 'GET', 'os'),
  offsets('alter once more', 'PATCH', 'os', ofFile(6)),
  offsets('reset', 'DELETE', 'os'),
  offsets('after the reset', 'GET', 'os'),
  offsets('reset again', 'DELETE', 'os'),
  request('offsets: delete the source', 'DELETE', '/connectors/os'),
]

const OF_SINK: readonly Step[] = [
  request('offsets: create a sink', 'POST', '/connectors', { name: 'ok', config: sinkConfig() }),
  settled('ok', 'RUNNING', ['RUNNING']),
  offsets('of a sink', 'GET', 'ok'),
  offsets('sink: alter while it runs', 'PATCH', 'ok', ofTopic(0)),
  offsets('sink: reset while it runs', 'DELETE', 'ok'),
  request('offsets: stop the sink', 'PUT', '/connectors/ok/stop'),
  settled('ok', 'STOPPED', []),
  offsets('sink: stopped', 'GET', 'ok'),
  offsets('sink: alter', 'PATCH', 'ok', ofTopic(0)),
  offsets('sink: altered', 'GET', 'ok'),
  offsets('sink: alter, as texts', 'PATCH', 'ok', ofTopic('0', '1')),
  offsets('sink: altered both', 'GET', 'ok'),
  offsets('sink: alter, a topic that is not there', 'PATCH', 'ok', ofTopic(0, 0, 'no-such-topic')),
  offsets('sink: alter, a partition that is not there', 'PATCH', 'ok', ofTopic(0, 99)),
  offsets('sink: alter, a negative offset', 'PATCH', 'ok', ofTopic(-5)),
  offsets('sink: alter, beyond the end', 'PATCH', 'ok', ofTopic(1000)),
  offsets('sink: alter, no number', 'PATCH', 'ok', ofTopic('x')),
  offsets('sink: alter, no partition number', 'PATCH', 'ok', ofTopic(0, 'x')),
  offsets('sink: alter, a negative partition', 'PATCH', 'ok', ofTopic(0, -1)),
  offsets('sink: alter, a number with a fraction', 'PATCH', 'ok', ofTopic(1.5)),
  offsets('sink: alter, offset missing', 'PATCH', 'ok', {
    offsets: [{ partition: { kafka_topic: '{topic}', kafka_partition: 0 }, offset: {} }],
  }),
  offsets('sink: alter, another key', 'PATCH', 'ok', {
    offsets: [{ partition: { kafka_topic: '{topic}', kafka_partition: 0 }, offset: { position: 1 } }],
  }),
  offsets('sink: alter, topic missing', 'PATCH', 'ok', {
    offsets: [{ partition: { kafka_partition: 0 }, offset: { kafka_offset: 1 } }],
  }),
  offsets('sink: alter, partition missing', 'PATCH', 'ok', {
    offsets: [{ partition: { kafka_topic: 't' }, offset: { kafka_offset: 1 } }],
  }),
  offsets('sink: alter, too many keys', 'PATCH', 'ok', {
    offsets: [
      { partition: { kafka_topic: '{topic}', kafka_partition: 0, x: 1 }, offset: { kafka_offset: 0 } },
    ],
  }),
  offsets('sink: alter, a source’s partition', 'PATCH', 'ok', ofFile(1)),
  offsets('sink: alter, an empty list', 'PATCH', 'ok', { offsets: [] }),
  offsets('sink: remove one', 'PATCH', 'ok', {
    offsets: [{ partition: { kafka_topic: '{topic}', kafka_partition: 0 }, offset: null }],
  }),
  offsets('sink: removed one', 'GET', 'ok'),
  offsets('sink: reset', 'DELETE', 'ok'),
  offsets('sink: after the reset', 'GET', 'ok'),
  offsets('sink: reset again', 'DELETE', 'ok'),
  request('offsets: delete the sink', 'DELETE', '/connectors/ok'),
  offsets('sink: deleted', 'GET', 'ok'),
]

export const offsetSteps: readonly Step[] = [...OF_SOURCE, ...OF_SINK]
