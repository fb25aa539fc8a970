import type { ConverterPlugin } from '../api/converter.ts'
import { avroConverter } from './avro/plugin.ts'
import { byteArrayConverter } from './bytes.ts'
import { fixedSizeConverters } from './fixed-size.ts'
import { jsonConverter } from './json/converter.ts'
import { stringConverter } from './string.ts'

/** All converters. */
export const converters: readonly ConverterPlugin[] = [
  avroConverter,
  byteArrayConverter,
  ...fixedSizeConverters,
  jsonConverter,
  stringConverter,
]

/** A converter by its simple name or by the Java class name that means the same. */
export function findConverterPlugin(name: string): ConverterPlugin | undefined {
  return converters.find((plugin) => plugin.name === name || plugin.aliases.includes(name))
}
