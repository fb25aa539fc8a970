import { expect } from 'chai'
import { describe, it } from 'mocha'
import { type ExampleRecord, struct } from '../../../src/index.ts'
import { findTransform } from '../../../src/runtime/plugins/plugins.ts'
import { filterExpression } from '../../../transforms/expression/filter-expression.ts'
import { required, structOf } from '../../api/expression/support.ts'
import { batchOf } from '../../support/example-batch.ts'
import { check } from '../../support/schema-check.ts'
import { apply, type Config, encoded, outcomes } from './support.ts'

describe('FilterExpression', () => {
  const outcome = async (config: Config, ...records: readonly ExampleRecord[]) =>
    outcomes(await apply(filterExpression, config, batchOf(records)))

  it('keeps or drops, and asks about tombstones where it is told to', async () => {
    const records = [{ value: 'a' }, { value: 'b' }, { value: null }]
    const condition = 'value == "a"'
    expect(await outcome({ condition }, ...records)).to.deep.equal([true, false, true])
    expect(await outcome({ condition, 'filter.type': 'exclude' }, ...records)).to.deep.equal([
      false,
      true,
      true,
    ])
    for (const [mode, last] of [
      ['keep', true],
      ['drop', false],
      ['evaluate', false],
    ] as const)
      expect(await outcome({ condition, 'null.handling.mode': mode }, ...records)).to.deep.equal([
        true,
        false,
        last,
      ])
    const wantsThem = { condition: 'value == null', 'null.handling.mode': 'evaluate' }
    expect(await outcome(wantsThem, ...records)).to.deep.equal([false, false, true])
  })

  it('fails a record for which the condition is neither true nor false', async () => {
    const [a, b] = await outcome(
      { condition: 'value.c' },
      { value: struct({ c: null }) },
      { value: struct({ c: 1n }) },
    )
    expect(a).to.equal('The condition gives null for this record, and must be true or false.')
    expect(b).to.include('The condition gives a bigint')
  })

  it('reads of records in bytes what it names, and a record that is damaged fails alone', async () => {
    const batch = await apply(
      filterExpression,
      { condition: 'value.n / 2 == 3 && value.s == "a"' },
      encoded(),
    )
    const [first, second, third, fourth] = outcomes(batch)
    expect([first, second, fourth]).to.deep.equal([true, true, false])
    expect(batch.failure(2)?.code).to.equal('record.malformed')
    expect(third).to.be.a('string')
    const whole = await apply(filterExpression, { condition: 'size(value) == 3 && has(value.s)' }, encoded())
    expect(outcomes(whole)).to.deep.equal([true, true, third, false])
    const missing = await apply(filterExpression, { condition: 'has(value.m) || value.m == 1' }, encoded())
    expect(outcomes(missing)[0]).to.include('There is no field m. Ask before: has(value.m)')
  })

  it('decodes records one by one where not all of them are structs', async () => {
    const schema = structOf({ n: required('INT32') })
    const records = [
      { valueSchema: schema, value: struct({ n: 5 }) },
      { value: struct({ n: 7n }) },
      { valueSchema: required('STRING'), value: 'text' },
    ]
    const [a, b, c] = await outcome({ condition: 'value.n / 2 == 3' }, ...records)
    expect([a, b]).to.deep.equal([false, true])
    expect(c).to.include('The value is a string, and has no field n. Ask before: has(value.n)')
  })

  it('is refused where its condition is none, with the place', () => {
    const problemOf = (config: Config) =>
      filterExpression.config.parse(config).problems.map(({ message }) => message)
    expect(problemOf({ condition: 'value.n >' })[0]).to.equal(
      'Invalid value value.n > for configuration condition: Unexpected token: EOF (character 10)',
    )
    expect(problemOf({ condition: 'topic + "x"' })[0]).to.include(
      'A condition is true or false, and this gives string',
    )
    expect(problemOf({})[0]).to.include('Missing required configuration "condition"')
    expect(problemOf({ condition: 'true', 'filter.type': 'keep' })[0]).to.include(
      'must be one of: include, exclude',
    )
    expect(problemOf({ condition: 'true', 'null.handling.mode': 'x' })[0]).to.include(
      'must be one of: keep, drop',
    )
  })

  it('is refused where it would fail every record of a topic', async () => {
    const filter = (condition: string) => ({
      topics: 't',
      transforms: 'f',
      'transforms.f.type': 'FilterExpression',
      'transforms.f.condition': condition,
    })
    const t = structOf({ n: required('INT32'), s: required('STRING') })
    expect(await check(filter('value.n > 1'), { t })).to.deep.equal([])
    expect(await check(filter('value.m > 1'), { t })).to.deep.equal([
      'transforms.f.condition: Topic t (value): There is no field m in the schema (character 1, at: value.m)',
    ])
    expect(await check(filter('value.s'), { t })).to.deep.equal([
      'transforms.f.condition: Topic t (value): A condition is true or false, and this gives string. Compare it with something',
    ])
  })

  it('is what the error names for the filters of others', () => {
    for (const name of ['io.confluent.connect.transforms.Filter$Value', 'io.debezium.transforms.Filter'])
      expect(() => findTransform(name)).to.throw(
        `There is no transform "${name}". FilterExpression does the same with an expression in CEL: docs/expressions.md.`,
      )
  })
})
