import { type Example, type Field, OPTIONAL_STRING, type Schema, struct } from 'sluice'

const of = (type: Schema['type']): Schema => ({ type, optional: false })

const fields: readonly Field[] = [
  { name: 'UniqueCarrier', schema: of('STRING') },
  { name: 'Distance', schema: of('INT32') },
  { name: 'TailNum', schema: OPTIONAL_STRING },
]

const FLIGHT: Schema = { type: 'STRUCT', optional: false, name: 'Flight', fields }

const flight = (UniqueCarrier: string, Distance: number, TailNum: string | null = null) => ({
  valueSchema: FLIGHT,
  value: struct({ UniqueCarrier, Distance, TailNum }),
})

const TOMBSTONE = { valueSchema: null, value: null }

export const filterExamples: readonly Example[] = [
  {
    summary: 'records for which the condition is true are kept; tombstones too, unless told otherwise',
    config: { condition: 'value.Distance > 500 && value.UniqueCarrier in ["WN", "AA"]' },
    have: [flight('WN', 810), flight('WN', 500), flight('DL', 2000), TOMBSTONE],
    want: [flight('WN', 810), null, null, { value: null }],
  },
  {
    summary: 'exclude drops those for which it is true',
    config: { condition: 'value.UniqueCarrier.matches("^[A-C]")', 'filter.type': 'exclude' },
    have: [flight('AA', 1), flight('WN', 1)],
    want: [null, flight('WN', 1)],
  },
  {
    summary: 'a field that may be null is asked for before it is compared; otherwise the record fails',
    config: { condition: 'value.Distance > 500 || value.TailNum.startsWith("N")' },
    have: [flight('WN', 810), flight('WN', 5, 'N712SW'), flight('WN', 5)],
    want: [flight('WN', 810), flight('WN', 5, 'N712SW'), { error: 'record.value' }],
  },
  {
    summary: 'tombstones are dropped',
    config: { condition: 'has(value.TailNum)', 'null.handling.mode': 'drop' },
    have: [flight('WN', 5, 'N712SW'), flight('WN', 5), TOMBSTONE],
    want: [flight('WN', 5, 'N712SW'), null, null],
  },
  {
    summary: 'without a schema whole numbers are ints, and what a record lacks is not there',
    config: { condition: 'has(value.items) && value.items.exists(i, i > 9007199254740992)' },
    have: [{ value: struct({ items: [1n, 9007199254740993n] }) }, { value: struct({ items: [] }) }],
    want: [{ value: struct({ items: [1n, 9007199254740993n] }) }, null],
  },
]

export const computeExamples: readonly Example[] = [
  {
    summary: 'a field is added to records, not to tombstones',
    config: { field: 'km', expression: 'double(value.Distance) * 1.609344', 'field.type': 'float64' },
    have: [flight('WN', 1000), TOMBSTONE],
    want: [
      {
        valueSchema: {
          ...FLIGHT,
          fields: [...fields, { name: 'km', schema: { type: 'FLOAT64', optional: true, default: null } }],
        },
        value: struct({ UniqueCarrier: 'WN', Distance: 1000, TailNum: null, km: 1609.344 }),
      },
      { value: null },
    ],
  },
  {
    summary: 'a field that is there is replaced, here by null where it is empty',
    config: {
      field: 'TailNum',
      expression: 'has(value.TailNum) && value.TailNum != "" ? value.TailNum.upperAscii() : null',
      'field.type': 'string',
    },
    have: [flight('WN', 1, 'n712sw'), flight('WN', 1, ''), flight('WN', 1)],
    want: [flight('WN', 1, 'N712SW'), flight('WN', 1, null), flight('WN', 1, null)],
  },
  {
    summary: 'what does not fit the type fails the record, and nothing is rounded in silence',
    config: { field: 'small', expression: 'value.Distance / 2', 'field.type': 'int8' },
    have: [flight('WN', 254), flight('WN', 256)],
    want: [
      { value: struct({ UniqueCarrier: 'WN', Distance: 254, TailNum: null, small: 127 }) },
      { error: 'record.value' },
    ],
  },
  {
    summary: 'without a schema; a result beyond 64 bits fails',
    config: { field: 'n', expression: 'value.n * 2', 'field.type': 'int64' },
    have: [
      { value: struct({ n: 4611686018427387904n - 1n }) },
      { value: struct({ n: 4611686018427387904n }) },
    ],
    want: [{ value: struct({ n: 9223372036854775806n }) }, { error: 'record.value' }],
  },
]
