import { afterEach, beforeEach } from 'mocha'
import { avroConverter } from '../../../src/converters/avro/plugin.ts'
import {
  type Column,
  type Converter,
  type Field,
  OPTIONAL_FLOAT64,
  OPTIONAL_STRING,
  type Side,
} from '../../../src/index.ts'
import { allRows, bytesOf, Failures, openConverter, RegistryStandIn, slicesOf } from '../support.ts'
import { avscType } from './support.ts'

export const FLIGHT = {
  type: 'record',
  name: 'Flight',
  namespace: 'sluice.test',
  doc: 'A flight',
  aliases: ['Trip'],
  fields: [
    { name: 'dep', type: ['null', 'long'], default: null, 'x-custom': { kept: [1, 2.5] } },
    { name: 'max', type: 'long', default: 1, doc: 'more' },
    { name: 'carrier', type: { type: 'string', 'avro.java.string': 'String' } },
  ],
}
export const FIELDS: Field[] = [
  { name: 'prediction', schema: OPTIONAL_STRING },
  { name: 'p', schema: OPTIONAL_FLOAT64 },
]

export function flight(n: number): Buffer {
  return avscType(FLIGHT).toBuffer({ dep: { long: BigInt(n) }, max: 5n, carrier: 'AA' })
}

/** Values of FIELDS. */
export function columns(length: number): Column[] {
  return [
    { type: 'category', levels: Int32Array.from({ length }, (_, i) => (i % 3) - 1), domain: ['NO', 'JÄ'] },
    {
      type: 'float64',
      values: Float64Array.from({ length }, (_, i) => i / 8),
      present: Uint8Array.from({ length }, (_, i) => Number(i % 4 > 0)),
    },
  ]
}

/** An AvroConverter with a registry of its own in each test. */
class ConverterAtWork {
  registry!: RegistryStandIn
  converter!: Converter
  failures!: Failures

  readonly open = (raw: Record<string, string> = {}): Converter =>
    openConverter(avroConverter, { 'schema.registry.url': this.registry.url, 'retries.wait.ms': '1', ...raw })

  readonly decode = (rows: readonly (Uint8Array | null)[]) =>
    this.converter.decode('flights', slicesOf(rows), this.failures.fail)

  readonly encode = async (side: Side, topic = 'scores') => {
    const rows = allRows(side.length)
    return bytesOf(await this.converter.encode(topic, side, rows, this.failures.fail), rows)
  }
}

/** To be called in a `describe`. */
export function converterAtWork(): ConverterAtWork {
  const at = new ConverterAtWork()
  beforeEach(async () => {
    at.registry = await RegistryStandIn.start()
    at.converter = at.open()
    at.failures = new Failures()
  })
  afterEach(() => at.registry.stop())
  return at
}
