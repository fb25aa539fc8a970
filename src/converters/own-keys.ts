import { key } from '../api/config.ts'

/** What Kafka Connect tells its converters, and shows among their keys. */
export const converterType = key.string({
  doc: 'Whether it converts keys, values or headers: key, value or header. The worker knows; what is written here is ignored.',
  importance: 'LOW',
  optional: true,
  given: true,
  ignored: 'A converter is for keys where it is named as key.converter, and else for values.',
})
