import { expect } from 'chai'
import { describe, it } from 'mocha'
import {
  ConfigError,
  LOGICAL,
  OPTIONAL_STRING,
  type Schema,
  SILENT,
  struct,
  type Value,
} from '../../../src/index.ts'
import { TransformChain } from '../../../src/runtime/chain/chain.ts'
import { computeField } from '../../../transforms/expression/compute-field.ts'
import { required, structOf } from '../../api/expression/support.ts'
import { batchOf } from '../../support/example-batch.ts'
import { codeBlock } from '../../support/pages.ts'
import { check } from '../../support/schema-check.ts'
import { apply, computed, type Config, encoded, models, outcomes } from './support.ts'

describe('ComputeField', () => {
  it('gives each type what fits it, and fails what does not', async () => {
    const fits: readonly [string, string, Value][] = [
      ['1 < 2', 'boolean', true],
      ['127', 'int8', 127],
      ['-128', 'int8', -128],
      ['32767', 'INT16', 32767],
      ['-2147483648', 'int32', -2147483648],
      ['9007199254740993', 'int64', 9007199254740993n],
      ['0.1', 'float32', Math.fround(0.1)],
      ['1.0 / 0.0', 'float32', Infinity],
      ['0.1', 'float64', 0.1],
      ['"a" + "b"', 'string', 'ab'],
      ['null', 'string', null],
      ['bytes("a")', 'bytes', Buffer.from('a')],
      ['timestamp(1)', 'timestamp', new Date(1000)],
      ['decimal("1.50") * 2', 'decimal(1)', { unscaled: 30n, scale: 1 }],
      ['7', 'decimal(2)', { unscaled: 700n, scale: 2 }],
    ]
    for (const [expression, type, want] of fits)
      expect(await computed(expression, type), `${expression} as ${type}`).to.deep.equal(want)
    const wrong: readonly [string, string, string][] = [
      ['128', 'int8', 'The result 128 does not fit int8'],
      ['-32769', 'int16', 'does not fit int16'],
      ['2147483648', 'int32', 'does not fit int32'],
      ['1e39', 'float32', 'The result 1e+39 does not fit float32'],
      ['decimal("1.55")', 'decimal(1)', 'The result decimal does not fit decimal(1)'],
    ]
    for (const [expression, type, message] of wrong)
      expect(await computed(expression, type), `${expression} as ${type}`).to.include(message)
    expect(await computed('value.a', 'int64', { a: 1.5 })).to.equal(
      'The expression gives double, and int64 is made of int. Convert it with int(…), or choose another type.',
    )
  })

  it('is refused where the expression gives another kind than the type', async () => {
    for (const [expression, type, advice] of [
      ['1.5', 'int64', 'gives double, and int64 is made of int. Convert it with int(…)'],
      ['1', 'string', 'Convert it with string(…)'],
      ['timestamp - timestamp', 'int64', 'Take a number of it: getSeconds()'],
      ['[1]', 'int64', 'Compute one value of it'],
    ] as const) {
      const error = await apply(
        computeField,
        { field: 'a', expression, 'field.type': type },
        batchOf([]),
      ).then(
        () => undefined,
        (reason: unknown) => reason,
      )
      expect(error).to.be.instanceOf(ConfigError)
      expect((error as ConfigError).message).to.include(advice)
    }
    const parse = (config: Config) => computeField.config.parse(config).problems.map(({ message }) => message)
    expect(parse({ field: '', expression: '1 +', 'field.type': 'decimal(101)' })).to.have.lengthOf(3)
    expect(parse({ field: 'a', expression: '1', 'field.type': 'date' })[0]).to.include(
      'Must be one of: boolean, int8',
    )
  })

  it('adds a field behind the bytes of a record, as it does to its objects', async () => {
    const config = { field: 'half', expression: 'value.x / 2.0', 'field.type': 'float64' }
    const batch = await apply(computeField, config, encoded())
    expect(batch.value('value', 0)).to.deep.equal(struct({ n: 7, s: 'a', x: 0.5, half: 0.25 }))
    expect(batch.value('value', 1)).to.equal(null)
    expect(batch.failure(1)).to.equal(undefined)
    expect(batch.failure(2)?.code).to.equal('record.malformed')
    expect(batch.schema('value', 3)?.fields?.at(-1)).to.deep.equal({
      name: 'half',
      schema: { type: 'FLOAT64', optional: true, default: null },
    })
    const nothing = await apply(
      computeField,
      { field: 'b', expression: 'value.s', 'field.type': 'string' },
      encoded(),
    )
    expect(nothing.value('value', 3)).to.deep.equal(struct({ n: -1, s: null, x: 2, b: null }))
  })

  it('replaces a field in its place, with its type, and leaves what it was given as it was', async () => {
    const config = { field: 'n', expression: 'string(value.n) + "!"', 'field.type': 'string' }
    const given = encoded()
    const batch = await apply(computeField, config, given)
    expect(batch.value('value', 0)).to.deep.equal(struct({ n: '7!', s: 'a', x: 0.5 }))
    expect(batch.value('value', 1)).to.equal(null)
    expect(batch.schema('value', 0)?.fields?.map(({ name }) => name)).to.deep.equal(['n', 's', 'x'])
    expect(batch.schema('value', 0)?.fields?.[0]?.schema).to.deep.equal(OPTIONAL_STRING)
    expect(given.value('value', 0)).to.deep.equal(struct({ n: 7, s: 'a', x: 0.5 }))
  })

  it('adds to some records what it replaces in others, with a schema and without', async () => {
    const schema: Schema = structOf({ a: required('INT32') })
    const config = { field: 'b', expression: 'value.a + 1', 'field.type': 'int64' }
    const records = [
      { valueSchema: schema, value: struct({ a: 1 }) },
      { value: struct({ a: 2n, b: 'old' }) },
      { value: new Map<Value, Value>([['a', 3n]]) },
      { value: null },
      { value: struct({ b: 1n }) },
    ]
    const batch = await apply(computeField, config, batchOf(records))
    expect([0, 1, 2, 3].map((row) => batch.value('value', row))).to.deep.equal([
      struct({ a: 1, b: 2n }),
      struct({ a: 2n, b: 3n }),
      new Map<Value, Value>([
        ['a', 3n],
        ['b', 4n],
      ]),
      null,
    ])
    expect(outcomes(batch)[4]).to.include('There is no field a')
    expect(batch.schema('value', 0)?.fields?.length).to.equal(2)
    expect(batch.schema('value', 1)).to.equal(null)
    const added = await apply(computeField, { ...config, expression: '1' }, batchOf([{ value: 'text' }]))
    expect(added.failure(0)?.code).to.equal('record.schema')
    const mixed = [{ value: struct({ b: 1n }) }, { value: 'text' }]
    const failed = await apply(computeField, { ...config, expression: '1' }, batchOf(mixed))
    expect(failed.failure(1)?.code).to.equal('record.schema')
  })

  it('tells the transforms behind it what comes out, and is refused where it fails every record', async () => {
    const open = await computeField.open(
      computeField.config.read({ field: 'n', expression: 'value.n * 2', 'field.type': 'int64' }),
      { side: 'value', models, log: SILENT },
    )
    const schema = structOf({ n: required('INT32'), d: required('INT32', { name: LOGICAL.date }) })
    expect(open.checkSchema?.(schema).problems).to.deep.equal([])
    expect(open.checkSchema?.(schema).schema?.fields?.[0]?.schema.type).to.equal('INT64')
    expect(open.checkSchema?.(null)).to.deep.equal({ schema: null, problems: [] })
    expect(open.checkSchema?.(structOf({})).problems[0]).to.include({ path: 'expression' })
    expect(open.checkSchema?.(structOf({ n: required('STRING') })).problems[0]?.message).to.include(
      'There is no string * int',
    )
    const text = await computeField.open(
      computeField.config.read({ field: 'n', expression: 'value', 'field.type': 'string' }),
      { side: 'value', models, log: SILENT },
    )
    expect(text.checkSchema?.(required('STRING')).problems[0]?.message).to.include(
      'can be added to a struct only',
    )
    const dates = await computeField.open(
      computeField.config.read({ field: 'n', expression: 'value.d', 'field.type': 'int64' }),
      { side: 'value', models, log: SILENT },
    )
    expect(dates.checkSchema?.(schema).problems).to.deep.equal([
      {
        path: 'field.type',
        message:
          'The expression gives timestamp, and int64 is made of int. Convert it with int(…), or choose another type',
      },
    ])
  })
})

describe('the connector in docs/expressions.md', () => {
  const config = JSON.parse(codeBlock('docs/expressions.md', '{\n  "transforms"')) as Record<string, string>

  it('is accepted for flights, and refused where the distance is an int', async () => {
    const flight = (type: Schema['type']) =>
      structOf({ Distance: required(type), UniqueCarrier: required('STRING') })
    const connector = { topics: 't', ...config }
    expect(await check(connector, { t: flight('FLOAT64') })).to.deep.equal([])
    expect(await check(connector, { t: flight('INT32') })).to.deep.equal([
      'transforms.km.expression: Topic t (value): There is no int * double. Make both one kind: double(…), int(…) or decimal(…), and 2.0 for 2 (character 12, at: value.Distance * 1.609344)',
    ])
  })

  it('keeps far flights of two carriers and adds kilometres', async () => {
    const chain = await TransformChain.open(config, models, SILENT)
    const flight = (Distance: number, UniqueCarrier: string) => ({
      value: struct({ Distance, UniqueCarrier }),
    })
    const batch = await chain.apply(
      batchOf([flight(810, 'WN'), flight(500, 'WN'), flight(810, 'DL')]),
      () => undefined,
    )
    expect(outcomes(batch)).to.deep.equal([true, false, false])
    expect(batch.value('value', 0)).to.deep.equal(struct({ Distance: 810, UniqueCarrier: 'WN', km: 1304 }))
    chain.close()
  })
})
