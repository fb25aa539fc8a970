import { expect } from 'chai'
import { describe, it } from 'mocha'
import {
  type Column,
  type ExampleRecord,
  type Field,
  LOGICAL,
  type Model,
  type ModelInput,
  type Schema,
  SILENT,
  struct,
  type Value,
} from '../../../../src/index.ts'
import { scoreH2oGbm } from '../../../../transforms/models/score-h2o-gbm.ts'
import { batchOf } from '../../../support/example-batch.ts'
import { classifier, modelsOf, yesOrNo } from '../../../support/fake-models.ts'

/** What a field may be, with a value of it; those without a schema are told by the value. */
const TYPES: Readonly<Record<string, readonly [Partial<Schema>, Value]>> = {
  INT8: [{ type: 'INT8' }, 1],
  INT16: [{ type: 'INT16' }, 1],
  INT32: [{ type: 'INT32' }, 1],
  INT64: [{ type: 'INT64' }, 1n],
  FLOAT32: [{ type: 'FLOAT32' }, 1],
  FLOAT64: [{ type: 'FLOAT64' }, 1],
  Decimal: [
    { type: 'BYTES', name: LOGICAL.decimal },
    { unscaled: 10n, scale: 1 },
  ],
  BOOLEAN: [{ type: 'BOOLEAN' }, true],
  STRING: [{ type: 'STRING' }, '1'],
  Timestamp: [{ type: 'INT64', name: LOGICAL.timestamp }, new Date(1)],
  Date: [{ type: 'INT32', name: LOGICAL.date }, new Date(0)],
  Time: [{ type: 'INT32', name: LOGICAL.time }, new Date(1)],
  BYTES: [{ type: 'BYTES' }, Buffer.of(49)],
  ARRAY: [{ type: 'ARRAY', valueSchema: { type: 'INT32', optional: false } }, [1]],
  MAP: [{ type: 'MAP' }, new Map([['a', 1]])],
  STRUCT: [{ type: 'STRUCT', name: 'Inner', fields: [] }, struct({})],
}
/** Those that a record without a schema can hold; the times are all one there. */
const SCHEMALESS = [
  'INT64',
  'FLOAT64',
  'Decimal',
  'BOOLEAN',
  'STRING',
  'Timestamp',
  'BYTES',
  'ARRAY',
  'MAP',
  'STRUCT',
]
const NUMBERS = ['INT8', 'INT16', 'INT32', 'INT64', 'FLOAT32', 'FLOAT64', 'Decimal']

const numeric = (more: Partial<ModelInput> = {}): ModelInput => ({
  name: 'x',
  type: 'numeric',
  required: true,
  ...more,
})
const levels = (...domain: string[]): ModelInput => ({
  name: 'x',
  type: 'categorical',
  domain,
  required: true,
})
const text: ModelInput = { name: 'x', type: 'categorical', required: true }

/** Each kind of column, with all that it takes: the table of docs/models.md. */
const COLUMNS: readonly (readonly [string, ModelInput, readonly string[], unknown])[] = [
  ['a number', numeric(), NUMBERS, 1],
  ['a whole number', numeric({ holds: 'whole', datatype: 'INT64' }), NUMBERS, 1],
  ['a boolean or a number', numeric({ holds: 'boolean' }), [...NUMBERS, 'BOOLEAN'], 1],
  ['a number or a timestamp', numeric({ holds: 'datetime' }), [...NUMBERS, 'Timestamp'], 1],
  ['a text', levels('a', '1.5', '1a'), ['STRING'], undefined],
  ['a text', text, ['STRING'], '1'],
  ['a text or a whole number', levels('0', '1'), ['STRING', 'INT8', 'INT16', 'INT32', 'INT64'], '1'],
  ['a text or a boolean', levels('no', 'true', 'True'), ['STRING', 'BOOLEAN'], undefined],
]

const Y: Field = { name: 'y', schema: { type: 'FLOAT64', optional: true } }

function recordOf(type: string, hasSchema: boolean, isNull = false): ExampleRecord {
  const [schema, value] = TYPES[type]!
  const content = { x: isNull ? null : value, y: 1 }
  if (!hasSchema) return { valueSchema: null, value: new Map<Value, Value>(Object.entries(content)) }
  const x: Schema = { type: 'STRUCT', optional: true, ...schema }
  const fields = [{ name: 'x', schema: x }, Y]
  return { valueSchema: { type: 'STRUCT', optional: false, name: 'Row', fields }, value: struct(content) }
}

/** A model of a column x of some kind, and of a number y; keeps what it was given as x. */
function watching(input: ModelInput) {
  const given: unknown[] = []
  const model: Model = classifier('watching', {
    inputs: [input, numeric({ name: 'y' })],
    score: (columns, length) => {
      const x = columns[0] as Column
      for (let row = 0; row < length; row++) {
        if (x.type === 'float64') given.push(x.present[row] === 1 ? x.values[row] : null)
        else if (x.type === 'category') given.push(x.domain[x.levels[row]!])
        else given.push(x.values[row])
      }
      return yesOrNo(new Float64Array(length).fill(1), model.labels)
    },
  })
  return { model, given }
}

async function open(model: Model, fields = '') {
  const config = scoreH2oGbm.config.read({ model: model.name, fields })
  return scoreH2oGbm.open(config, { side: 'value', models: modelsOf(model), log: SILENT })
}

describe('a field of another type than the model was trained on', () => {
  for (const [what, input, takes, expected] of COLUMNS) {
    const domain = input.domain === undefined ? '' : ` of the levels ${input.domain.join(', ')}`
    it(`is named where the column is ${what}${domain}, at validate and in each record, and nothing else is`, async () => {
      const { model, given } = watching(input)
      const transform = await open(model)
      for (const hasSchema of [true, false]) {
        for (const type of hasSchema ? Object.keys(TYPES) : SCHEMALESS) {
          const record = recordOf(type, hasSchema)
          const problems = transform.checkSchema?.(record.valueSchema ?? null).problems ?? []
          const batch = batchOf([record, recordOf('STRING', true, true)])
          await transform.apply(batch)
          const message = batch.failure(0)?.message
          const where = `${type} ${hasSchema ? 'with' : 'without'} a schema: ${message}`
          expect(batch.failure(1), where).to.equal(undefined)
          const isTaken = takes.includes(type)
          if (isTaken && what !== 'a text' && type !== 'BOOLEAN' && expected !== undefined)
            expect(given.at(-2), where).to.equal(expected)
          expect(batch.failure(0)?.code, where).to.equal(isTaken ? undefined : 'record.field')
          if (!isTaken)
            expect(message).to.match(
              new RegExp(
                `^The field x has the wrong type: the model watching needs ${what}, and the record has `,
              ),
            )
          const named = problems.map((problem) => problem.message.split(':')[0])
          expect(named, where).to.deep.equal(isTaken || !hasSchema ? [] : ['the field x has the wrong type'])
        }
      }
    })
  }

  it('is scored where it is null: a missing value, whatever type it is of', async () => {
    const { model, given } = watching(numeric())
    const batch = batchOf([recordOf('STRING', true, true), recordOf('MAP', false, true)])
    await (await open(model)).apply(batch)
    expect([batch.failure(0), batch.failure(1)]).to.deep.equal([undefined, undefined])
    expect(given).to.deep.equal([null, null])
  })

  it('says which column it is for, and what to write into a manifest where that was the training', async () => {
    const renamed = await open(watching(numeric()).model, 'x:y')
    const schema = recordOf('BOOLEAN', true).valueSchema as Schema
    const fields = [{ name: 'y', schema: { type: 'BOOLEAN', optional: true } as Schema }]
    const [problem] = renamed.checkSchema?.({ ...schema, fields }).problems ?? []
    expect(problem?.message)
      .to.contain('the field y')
      .and.contain('for its column x')
      .and.contain('"type": "boolean"')
    const batch = batchOf([recordOf('Timestamp', true)])
    await (await open(watching(numeric()).model)).apply(batch)
    expect(batch.failure(0)?.message).to.contain('"type": "datetime" in signature.inputs')
  })

  it('may be a branch of a union: the records of the other branches are scored', async () => {
    const union: Schema = {
      type: 'STRUCT',
      optional: true,
      name: 'io.confluent.connect.avro.Union',
      fields: (['boolean', 'double'] as const).map((name) => ({
        name,
        schema: { type: name === 'boolean' ? 'BOOLEAN' : 'FLOAT64', optional: true },
      })),
    }
    const valueSchema: Schema = { type: 'STRUCT', optional: false, fields: [{ name: 'x', schema: union }, Y] }
    const rows = [{ boolean: true, double: null }, { boolean: null, double: 2 }, null]
    const { model, given } = watching(numeric())
    const transform = await open(model)
    expect(transform.checkSchema?.(valueSchema).problems).to.deep.equal([])
    const batch = batchOf(
      rows.map((x) => ({ valueSchema, value: struct({ x: x === null ? null : struct(x), y: 1 }) })),
    )
    await transform.apply(batch)
    expect(batch.failure(0)?.message).to.contain('needs a number, and the record has BOOLEAN')
    expect([batch.failure(1), batch.failure(2)]).to.deep.equal([undefined, undefined])
    expect(given.slice(1)).to.deep.equal([2, null])
  })

  it('is a warning at validate where whole numbers are wanted and it may hold others', async () => {
    const transform = await open(watching(numeric({ holds: 'whole' })).model)
    const warnings = (type: string) =>
      transform.checkSchema?.(recordOf(type, true).valueSchema ?? null).warnings
    for (const type of ['FLOAT32', 'FLOAT64', 'Decimal'])
      expect(warnings(type)?.join()).to.match(/^the field x is .* takes whole numbers there/)
    expect(warnings('INT64')).to.deep.equal([])
  })

  it('is named where all numbers are one array, which holds numbers alone', async () => {
    const { model } = watching(numeric())
    const transform = await open(model, 'all')
    const of = (type: string, all: Value): ExampleRecord => {
      const element = { optional: false, ...TYPES[type]![0] } as Schema
      const schema: Schema = { type: 'ARRAY', optional: true, valueSchema: element }
      const valueSchema: Schema = { type: 'STRUCT', optional: false, fields: [{ name: 'all', schema }] }
      return { valueSchema, value: struct({ all }) }
    }
    for (const [type, [, value]] of Object.entries(TYPES)) {
      const record = of(type, [value, value])
      const problems = transform.checkSchema?.(record.valueSchema ?? null).problems ?? []
      const batch = batchOf([record, { value: new Map<Value, Value>([['all', [value, value]]]) }])
      await transform.apply(batch)
      const isTaken = (NUMBERS.includes(type) && type !== 'Decimal') || type === 'ARRAY'
      const codes = [0, 1].map((row) => batch.failure(row)?.code)
      const wanted = isTaken ? undefined : 'record.field'
      // An array of arrays of one number is an array of two numbers.
      expect([problems.length > 0, codes], type).to.deep.equal([!isTaken, [wanted, wanted]])
    }
  })
})
