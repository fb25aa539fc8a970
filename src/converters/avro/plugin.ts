import type { ConverterPlugin } from '../../api/converter.ts'
import { avroConfig } from './config.ts'
import { AvroConverter } from './converter.ts'

export const avroConverter = {
  kind: 'converter',
  name: 'AvroConverter',
  aliases: ['io.confluent.connect.avro.AvroConverter'],
  version: '1.0.0',
  summary: 'Avro with a schema registry, in the wire format and by the mapping rules of Confluent.',
  config: avroConfig,
  open: (config, context) => new AvroConverter(config, context),
} satisfies ConverterPlugin<typeof avroConfig.keys>
