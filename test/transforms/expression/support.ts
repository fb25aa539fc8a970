import { type RecordBatch, SILENT, struct, type TransformPlugin, type Value } from '../../../src/index.ts'
import { Batch } from '../../../src/runtime/records/batch.ts'
import { RowStates } from '../../../src/runtime/records/row-states.ts'
import { computeField } from '../../../transforms/expression/compute-field.ts'
import { avroSide, avscType } from '../../converters/avro/support.ts'
import { batchOf } from '../../support/example-batch.ts'

export type Config = Readonly<Record<string, string>>
export const models = { load: async () => Promise.reject(new Error('no model is needed')) }

export async function apply(
  plugin: TransformPlugin,
  config: Config,
  batch: RecordBatch,
): Promise<RecordBatch> {
  const transform = await plugin.open(plugin.config.read(config), { side: 'value', models, log: SILENT })
  return transform.apply(batch)
}

export const outcomes = (batch: RecordBatch) =>
  Array.from({ length: batch.length }, (_, row) => batch.failure(row)?.message ?? batch.isLive(row))

/** The value that a computed field gets, or what fails it. */
export async function computed(
  expression: string,
  type: string,
  value: Record<string, Value> = {},
): Promise<Value> {
  const batch = await apply(
    computeField,
    { field: 'out', expression, 'field.type': type },
    batchOf([{ value: struct(value) }]),
  )
  const failed = batch.failure(0)
  return failed === undefined ? (batch.value('value', 0) as Record<string, Value>)['out']! : failed.message
}

const AVRO = {
  type: 'record',
  name: 'R',
  fields: [
    { name: 'n', type: 'int' },
    { name: 's', type: ['null', 'string'], default: null },
    { name: 'x', type: 'double' },
  ],
}

/** Records in bytes, among them a tombstone and one that is damaged. */
export function encoded(): Batch {
  const type = avscType(AVRO)
  const whole = type.toBuffer({ n: 7, s: { string: 'a' }, x: 0.5 })
  const payloads = [whole, null, whole.subarray(0, 3), type.toBuffer({ n: -1, s: null, x: 2 })]
  const plain = batchOf(payloads.map(() => ({})))
  return new Batch(plain.origin, new RowStates(4), { key: plain.sides.key, value: avroSide(AVRO, payloads) })
}
