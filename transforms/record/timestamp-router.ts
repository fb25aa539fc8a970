import { DataError, defineConfig, eachRecord, key, type TransformPlugin } from 'sluice'
import { checkDatePattern, dateFormat } from './java/date-format.ts'
import { APACHE } from './keys.ts'

const config = defineConfig({
  'topic.format': key.string({
    doc: 'The new name; ${topic} and ${timestamp} stand for the topic and the timestamp of a record.',
    importance: 'HIGH',
    default: '${topic}-${timestamp}',
  }),
  'timestamp.format': key.string({
    doc: 'How the timestamp is written, in UTC: a pattern of java.text.SimpleDateFormat.',
    importance: 'HIGH',
    default: 'yyyyMMdd',
    check: checkDatePattern,
  }),
})

export const timestampRouter: TransformPlugin<typeof config.keys> = {
  kind: 'transform',
  level: 'record',
  name: 'TimestampRouter',
  aliases: [`${APACHE}.TimestampRouter`],
  version: '1.0.0',
  summary: 'Renames the topic of records by their timestamp.',
  config,
  examples: [
    {
      summary: 'a topic per month; a record without a timestamp fails',
      config: { 'topic.format': '${topic}.${timestamp}', 'timestamp.format': 'yyyy-MM' },
      have: [
        { topic: 'flights', timestamp: 1_199_318_400_000n },
        { topic: 'flights', timestamp: -1n },
      ],
      want: [{ topic: 'flights.2008-01' }, { error: 'record.value' }],
    },
  ],
  open({ 'topic.format': topicFormat, 'timestamp.format': pattern }) {
    const format = dateFormat(pattern)
    return {
      adds: [],
      apply(batch) {
        const topics = new Array<string | undefined>(batch.length)
        eachRecord(batch, (row) => {
          const timestamp = batch.timestamp(row)
          if (timestamp === -1n) throw new DataError('record.value', 'Timestamp missing on record')
          topics[row] = topicFormat
            .replaceAll('${topic}', () => batch.topic(row))
            .replaceAll('${timestamp}', () => format.format(new Date(Number(timestamp))))
        })
        return batch.withTopics(topics)
      },
    }
  },
}
