import { DataError } from '../../api/errors.ts'
import { DECIMAL_PRECISION } from '../decimals.ts'
import { UNION_NAME } from '../value-columns.ts'
import { type AvroNode, Kind } from './node.ts'

/** The names by which Confluent's AvroData carries Avro's types through Connect schemas, and back. */
export const AVRO = {
  namespace: 'io.confluent.connect.avro',
  defaultName: 'io.confluent.connect.avro.ConnectDefault',
  mapEntry: 'MapEntry',
  union: UNION_NAME,
  enum: 'io.confluent.connect.avro.Enum',
  recordDoc: 'io.confluent.connect.avro.record.doc',
  fieldDoc: 'io.confluent.connect.avro.field.doc.',
  enumDoc: 'io.confluent.connect.avro.enum.doc.',
  enumDefault: 'io.confluent.connect.avro.enum.default.',
  fieldDefault: 'io.confluent.connect.avro.field.default',
  anyProperty: 'avro.',
  fixedSize: 'connect.fixed.size',
  precision: DECIMAL_PRECISION,
  type: 'connect.type',
  name: 'connect.name',
  doc: 'connect.doc',
  version: 'connect.version',
  parameters: 'connect.parameters',
  default: 'connect.default',
  internalType: 'connect.internal.type',
} as const

/** Whether the items of an array are the entries of a map whose keys are no strings. */
export function isMapEntry(items: AvroNode): boolean {
  if (items.kind !== Kind.record) return false
  const named =
    items.name === `${AVRO.namespace}.${AVRO.mapEntry}` ||
    items.attribute(AVRO.internalType) === AVRO.mapEntry
  return (
    named &&
    items.fields.length === 2 &&
    ['key', 'value'].every((n) => items.fields.some((f) => f.name === n))
  )
}

export function unusableSchema(reason: string): DataError {
  return new DataError('record.schema', `The schema cannot be used here: ${reason}`)
}
