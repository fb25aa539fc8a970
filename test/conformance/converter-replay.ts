import { findConverterPlugin } from '../../src/converters/index.ts'
import { recordsSide } from '../../src/converters/records-side.ts'
import { SILENT } from '../../src/index.ts'
import { literalText } from '../../transforms/record/java/header-literal.ts'
import { headerText } from '../../transforms/record/java/header-text.ts'
import { allRows, bytesOf, Failures, slicesOf } from '../converters/support.ts'
import type { ConverterCase } from './converter-generator.ts'
import { dataJson, type DataJson, difference } from './transform-replay.ts'

/** What a converter made of a case: `data` that was read, or `bytes` (base64) that were written. */
export interface ConverterOutcome {
  readonly config?: string
  readonly error?: string
  readonly data?: DataJson
  readonly bytes?: string | null
}

/** A case as the Java program reads it. */
export function converterJson(given: ConverterCase): string {
  const rest = { class: given.class, config: given.config, key: given.key }
  if ('read' in given) return JSON.stringify({ ...rest, read: given.read?.toString('base64') ?? null })
  return JSON.stringify({ ...rest, write: dataJson(given.write.schema, given.write.value) })
}

/** Runs ours. */
export async function replayConverter(given: ConverterCase): Promise<ConverterOutcome> {
  try {
    return given.class.endsWith('SimpleHeaderConverter') ? header(given) : await converted(given)
  } catch (error) {
    return { error: String(error) }
  }
}

/** Connect's default for headers is no plugin here: HeaderFrom and InsertHeader write what it writes. */
function header(given: ConverterCase): ConverterOutcome {
  if (!('read' in given)) {
    const { schema, value } = given.write
    return { bytes: value === null ? null : Buffer.from(headerText(value, schema)).toString('base64') }
  }
  const text = given.read === null ? null : literalText(given.read.toString())
  return { bytes: text === null ? null : Buffer.from(text).toString('base64') }
}

async function converted(given: ConverterCase): Promise<ConverterOutcome> {
  const plugin = findConverterPlugin(given.class)
  if (plugin === undefined) throw new Error(`there is no ${given.class}`)
  const config = plugin.config.read(given.config)
  const converter = plugin.open(config, { side: given.key ? 'key' : 'value', log: SILENT })
  const failures = new Failures()
  const errorOf = () => ({ error: [...failures.errors.values()][0]?.message ?? '' })
  if ('read' in given) {
    const side = await converter.decode('t', slicesOf([given.read]), failures.fail)
    const [value, schema] = [side.value(0, failures.fail), side.schema(0, failures.fail)]
    return failures.errors.size > 0 ? errorOf() : { data: dataJson(schema, value) }
  }
  const side = recordsSide([given.write.schema], [given.write.value])
  const encoded = await converter.encode('t', side, allRows(1), failures.fail)
  if (failures.errors.size > 0) return errorOf()
  return { bytes: bytesOf(encoded, [0])[0]?.toString('base64') ?? null }
}

/** Where two outcomes differ; undefined where they are equal. */
export function converterDifference(java: ConverterOutcome, ours: ConverterOutcome): string | undefined {
  if ((java.error === undefined) !== (ours.error === undefined)) return 'error'
  if (java.error !== undefined) return undefined
  if (java.bytes !== ours.bytes) return 'bytes'
  if (java.data === undefined || ours.data === undefined) return java.data === ours.data ? undefined : 'data'
  return difference({ value: java.data }, { value: ours.data })
}
