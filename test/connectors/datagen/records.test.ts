import { isDeepStrictEqual } from 'node:util'
import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import type { AvroNode } from '../../../src/converters/avro/node.ts'
import { parseSchema } from '../../../src/converters/avro/parse-schema.ts'
import { checkValue } from '../../../src/converters/json/to-json.ts'
import { isStruct, struct, type Value } from '../../../src/index.ts'
import { sample } from '../../converters/avro/arbitraries.ts'
import { annotated, planOf, problemsOf, recordsOf, schemaOf, valuesOf } from './support.ts'

describe('Datagen makes records', () => {
  it('that fit their schema, whatever the schema is', () => {
    fc.assert(
      fc.property(sample(3), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), ({ schema }, seed) => {
        const text = schemaOf({ a: schema, b: ['null', 'string'] })
        const plan = planOf(text)
        const [field] = parseSchema(text).fields
        for (const record of recordsOf(plan, 5, { seed })) {
          checkValue(record, plan.schema)
          checkUnions(record['a'] ?? null, field!.node)
        }
      }),
      { numRuns: 100 },
    )
  })

  /** A struct that stands for a union has exactly one value, which `checkValue` does not know. */
  function checkUnions(value: Value, node: AvroNode): void {
    if (node.word === 'union' && node.nullIndex < 0 && !node.flat && isStruct(value)) {
      const set = Object.values(value).filter((each) => each !== null)
      expect(set).to.have.lengthOf(1)
      expect(Object.keys(value)).to.deep.equal(node.branchNames.filter((name) => name !== null))
    }
  }

  it('with the schema as it is registered: without the annotations', () => {
    const field = { of: { type: 'int', 'arg.properties': { range: { max: 3 } } }, doc: 'It.' }
    const plain = { of: { type: 'int' }, doc: 'It.' }
    const [a, b] = [planOf(schemaOf({ a: field })).schema, planOf(schemaOf({ a: plain })).schema]
    expect(a).to.deep.equal(b)
  })

  it('of schemas with comments, as Java’s Avro takes them', () => {
    const plain = schemaOf({ a: { of: 'string', doc: 'http://x /* no comment */ \\" // nor this' } })
    const lines = plain.replace('[', '[ // one "\n /* two\n * "three" */')
    expect(planOf(lines).schema).to.deep.equal(planOf(plain).schema)
    const began = performance.now()
    for (const open of ['/*', '"/', '//', '"\\'])
      expect(problemsOf(open.repeat(300_000))).to.deep.equal(['The Avro schema is not valid JSON.'])
    expect(performance.now() - began, 'milliseconds').to.be.below(3000)
  })

  it('with nulls as often as null.rate says', () => {
    const share = (annotations: object) =>
      valuesOf(['null', 'int'], annotations, 20_000).filter((value) => value === null).length / 20_000
    expect(share({ 'null.rate': 0.1 })).to.be.within(0.09, 0.11)
    expect(share({ 'null.rate': 0 })).to.equal(0)
    expect(share({ 'null.rate': 1 })).to.equal(1)
    expect(share({}), 'each type of the union as often').to.be.within(0.48, 0.52)
    expect(share({ position: 1 })).to.equal(0)
    expect(share({ distribution: { 0: 3, 1: 1 } })).to.be.within(0.73, 0.77)
    const values = valuesOf(['null', 'int', 'string'], { 'null.rate': 0.5 }, 10_000)
    const ints = values.filter((value) => isStruct(value) && value['int'] !== null)
    expect(ints.length).to.be.within(2300, 2700)
  })

  it('with the annotations beside a union meant for its one type besides null', () => {
    const values = valuesOf(['null', 'int'], { 'null.rate': 0, range: { min: 5, max: 6 } }, 3)
    expect(values).to.deep.equal([5, 5, 5])
  })

  it('of listed values, as often as their weights say', () => {
    const share = (weights?: number[]) => {
      const values = valuesOf('string', { options: ['a', 'b'], ...(weights && { weights }) }, 20_000)
      return values.filter((value) => value === 'a').length / 20_000
    }
    expect(share()).to.be.within(0.48, 0.52)
    expect(share([3, 1])).to.be.within(0.73, 0.77)
    expect(share([0, 1])).to.equal(0)
  })

  it('of listed values of every type, as Avro writes them in JSON', () => {
    const first = (type: unknown, option: unknown) => valuesOf(type, { options: [option] }, 1)[0]
    const row = {
      type: 'record',
      name: 'In',
      fields: [
        { name: 'x', type: 'long' },
        { name: 'y', type: 'int', default: 7 },
      ],
    }
    expect(first('boolean', true)).to.equal(true)
    expect(first('long', 2n ** 60n + 1n)).to.equal(2n ** 60n + 1n)
    expect(first('float', 0.1)).to.equal(Math.fround(0.1))
    expect(first('bytes', 'ÿ')).to.deep.equal(Buffer.of(255))
    expect(first({ type: 'fixed', name: 'F', size: 2 }, 'ab')).to.deep.equal(Buffer.from('ab'))
    expect(first({ type: 'enum', name: 'E', symbols: ['A', 'B'] }, 'B')).to.equal('B')
    expect(first({ type: 'array', items: 'long' }, [1])).to.deep.equal([1n])
    expect(first({ type: 'map', values: 'long' }, { k: 1 })).to.deep.equal(new Map([['k', 1n]]))
    expect(first(row, { x: 1 })).to.deep.equal(struct({ x: 1n, y: 7 }))
    expect(first(['int', 'string'], 'x')).to.deep.equal(struct({ int: null, string: 'x' }))
    expect(first({ type: 'int', logicalType: 'date' }, '2026-03-01')).to.deep.equal(new Date('2026-03-01'))
  })

  it('true as often as odds say', () => {
    const share = (annotations: object) =>
      valuesOf('boolean', annotations, 10_000).filter((value) => value === true).length / 10_000
    expect(share({})).to.be.within(0.48, 0.52)
    expect(share({ odds: 0.9 })).to.be.within(0.89, 0.91)
    expect(share({ odds: 0 })).to.equal(0)
    expect(share({ odds: 1 })).to.equal(1)
  })

  it('with arrays, maps and bytes of a length', () => {
    const items = { type: 'array', items: { type: 'int', 'arg.properties': { range: { min: 0, max: 2 } } } }
    const sizes = new Set(
      valuesOf(items, { length: { min: 1, max: 3 } }, 200).map((value) => (value as Value[]).length),
    )
    expect(sizes).to.deep.equal(new Set([1, 2]))
    const keys = { length: 3, keys: { iteration: undefined, regex: 'k[0-9]{8}' } }
    for (const value of valuesOf({ type: 'map', values: 'int' }, keys, 20) as Map<string, Value>[]) {
      expect(value.size).to.equal(3)
      for (const key of value.keys()) expect(key).to.match(/^k\d{8}$/)
    }
    expect(valuesOf('bytes', { length: 4 }, 5).map((value) => (value as Buffer).length)).to.deep.equal([
      4, 4, 4, 4, 4,
    ])
    const fixed = valuesOf({ type: 'fixed', name: 'F', size: 3 }, {}, 5) as Buffer[]
    expect(fixed.map(({ length }) => length)).to.deep.equal([3, 3, 3, 3, 3])
    expect(new Set(fixed.map(String)).size).to.be.above(1)
  })

  it('the same from the same seed and task, and others from others', () => {
    const plan = planOf(schemaOf({ a: 'long', b: { type: 'array', items: 'string' }, c: ['null', 'double'] }))
    const some = (options: object) => recordsOf(plan, 50, options)
    expect(some({ seed: 7n })).to.deep.equal(some({ seed: 7n }))
    for (const other of [{ seed: 8n }, { seed: 7n + 2n ** 32n }, { seed: 7n, task: 1 }])
      for (const [i, record] of some(other).entries()) expect(record).not.to.deep.equal(some({ seed: 7n })[i])
  })

  it('the same from the middle on as from the beginning', () => {
    fc.assert(
      fc.property(sample(2), fc.nat(40), ({ schema }, from) => {
        const plan = planOf(
          schemaOf({ a: schema, n: annotated('int', { iteration: { start: 0, restart: 7 } }) }),
        )
        expect(
          isDeepStrictEqual(recordsOf(plan, 5, { from }), recordsOf(plan, from + 5).slice(from)),
        ).to.equal(true)
      }),
      { numRuns: 50 },
    )
  })
})

describe('Datagen refuses', () => {
  /** A type with its annotations, and what is said of it. */
  const REFUSED: readonly (readonly [unknown, unknown, string])[] = [
    [
      'int',
      { rnge: { max: 3 } },
      'has "rnge", which an int does not have: options, weights, range, iteration. Did you mean "range"?',
    ],
    ['int', { regex: 'a' }, 'has "regex", which an int does not have'],
    ['string', { odds: 0.5 }, 'has "odds", which a string does not have'],
    ['int', [], 'has arg.properties [], which must be an object'],
    ['int', { range: { min: 5, max: 5 } }, 'range has min 5, which must be less than max 5'],
    ['int', { range: { min: 2 ** 31 } }, 'range has min 2147483648, which must be less than max of its type'],
    ['int', { range: { max: 2 ** 31 + 1 } }, 'range goes beyond what an int holds'],
    ['int', { range: { min: 0.5 } }, 'range has min 0.5, which is not an int'],
    ['int', { range: { min: '1' } }, 'range has min "1", which is not an int'],
    ['int', { range: {} }, 'range must have min or max'],
    ['int', { range: { step: 2 } }, 'range must have min or max'],
    ['int', { range: 5 }, 'has range 5, which must be an object with min, max, step'],
    ['int', { range: { min: 0, max: 9, step: 0 } }, 'range has a step that is not above 0'],
    ['int', { range: { min: 0, maximum: 3 } }, 'range has "maximum", which range does not have'],
    ['double', { range: { min: 1, max: 0 } }, 'range has min 1, which must be less than max 0'],
    ['double', { range: { min: 'a' } }, 'range has min "a", which must be a number'],
    ['double', { range: { min: 0, max: 1, step: 1e-20 } }, 'range has a step that is too small'],
    ['double', { range: { min: 0, max: 1, step: -1 } }, 'range has a step that is not above 0'],
    ['float', { range: { max: 1e39 } }, 'range goes beyond what a float holds'],
    ['int', { range: { max: 3 }, options: [1] }, 'has both options and range, which contradict each other'],
    ['int', { range: { max: 3 }, iteration: { start: 1 } }, 'has both range and iteration'],
    ['string', { options: ['a'], length: 3 }, 'has both options and length'],
    ['string', { options: ['a'], prefix: 'b' }, 'has both options and prefix'],
    ['int', { options: [] }, 'has options [], which must be a list that is not empty'],
    ['int', { options: { file: 'x', encoding: 'json' } }, 'must be a list that is not empty'],
    ['int', { options: [1, 'two'] }, 'has among its options "two", which is no int'],
    ['int', { options: [2 ** 31] }, 'has among its options 2147483648'],
    ['bytes', { options: ['€'] }, 'has among its options "€", which is no bytes'],
    [
      { type: 'enum', name: 'E', symbols: ['A'] },
      { options: ['B'] },
      'has among its options "B", which is no E',
    ],
    [{ type: 'enum', name: 'E', symbols: [] }, {}, 'is an enum without symbols'],
    [{ type: 'fixed', name: 'F', size: 2 }, { options: ['abc'] }, 'which is no F'],
    [{ type: 'array', items: 'int' }, { options: [['x']] }, '"x", which is no int'],
    [
      { type: 'record', name: 'In', fields: [] },
      { options: [{ x: 1 }] },
      'a field "x", which In does not have',
    ],
    ['int', { options: [1, 2], weights: [1] }, 'has weights that are not one number for each option'],
    ['int', { options: [1, 2], weights: [1, -1] }, 'has weights that are not'],
    ['int', { options: [1, 2], weights: [0, 0] }, 'not all 0'],
    ['int', { weights: [1] }, 'has weights without options'],
    ['int', { iteration: {} }, 'iteration must have start'],
    ['int', { iteration: { start: 0, step: 0 } }, 'iteration has step 0'],
    ['int', { iteration: { start: 0, restart: 0 } }, 'iteration has a restart that is its start'],
    ['int', { iteration: { start: 0, restart: 5, step: -1 } }, 'leads away from its restart'],
    [
      'int',
      { iteration: { start: 0, restart: 5, initial: 5 } },
      'initial that is not between start and restart',
    ],
    ['int', { iteration: { start: 2 ** 31 } }, 'iteration has'],
    ['int', { iteration: { start: 0, restart: 2 ** 40 } }, 'iteration goes beyond what an int holds'],
    ['double', { iteration: { start: 1e-20 } }, 'too fine or too large'],
    ['boolean', { iteration: { start: 1 } }, 'iteration has start 1, which must be true or false'],
    ['boolean', { iteration: { start: true, step: 1 } }, 'iteration has "step"'],
    ['boolean', { odds: 2 }, 'has odds 2, which must be a number from 0 to 1'],
    ['string', { length: { min: 5, max: 5 } }, 'length has min 5, which must be less than max 5'],
    ['string', { length: -1 }, 'has length -1, which must be a whole number from 0 on'],
    ['string', { length: {} }, 'length must have min or max'],
    ['string', { prefix: 1 }, 'has prefix 1, which must be a text'],
    ['string', { timestamp: 'later' }, 'has timestamp "later", which must be "now" or an object'],
    ['long', { timestamp: { start: 'noon' } }, 'timestamp has start "noon", which must be a time such as'],
    ['long', { timestamp: { start: 0, step: 0 } }, 'timestamp has step 0'],
    ['long', { timestamp: { start: 1e16 - 2e15 } }, ''],
    ['long', { timestamp: { start: 9e15 } }, 'timestamp has a start that a date does not reach'],
    [
      { type: 'long', logicalType: 'timestamp-nanos' },
      { timestamp: { start: 1e13 } },
      'that nanoseconds do not reach',
    ],
    ['int', { timestamp: 'now' }, 'has "timestamp", which an int does not have'],
    [['null', 'int'], { 'null.rate': 2 }, 'has null.rate 2, which must be a number from 0 to 1'],
    [['int', 'string'], { 'null.rate': 0.5 }, 'has a null.rate, but no null beside another type'],
    [['int', 'string'], { position: 2 }, 'has position 2, but its union has 2 types'],
    [['int', 'string'], { distribution: { 0: 0, 1: 0 } }, 'distribution must give numbers'],
    [['int', 'string'], { distribution: { 2: 1 } }, 'distribution has "2"'],
    [['int', 'string'], { range: { max: 3 } }, 'has range beside a union. Write it at the type in the union'],
    [['null', 'int'], { position: 1, 'null.rate': 0 }, 'has both position and null.rate'],
    ['int', { 'null.rate': 0.5 }, 'has "null.rate", which an int does not have'],
    [{ type: 'map', values: 'int' }, { keys: 3 }, 'has keys 3, which must be an object'],
    [{ type: 'array', items: 'string' }, { length: 1_000_000 }, 'A record could have'],
    ['string', { regex: '(((((((x*)*)*)*)*)*)*)*' }, 'a group that can match nothing'],
    ['string', { regex: '(((((((x+)+)+)+)+)+)+)+' }, 'A record could have'],
  ]

  for (const [type, annotations, words] of REFUSED)
    it(`${JSON.stringify(annotations)} at ${JSON.stringify(type)}`, () => {
      const problems = problemsOf(schemaOf({ a: annotated(type, annotations) }))
      if (words === '') expect(problems).to.deep.equal([])
      else expect(problems.join('\n')).to.contain(words)
      expect(problems.length, problems.join('\n')).to.be.at.most(1)
    })

  it('names the field, also within others, and everything that is wrong', () => {
    const inner = {
      type: 'record',
      name: 'In',
      fields: [{ name: 'x', type: 'int', 'arg.properties': { odd: 1 } }],
    }
    const problems = problemsOf(
      schemaOf({
        a: { type: 'array', items: { type: 'int', 'arg.properties': { odds: 1 } } },
        b: inner,
        c: annotated({ type: 'map', values: 'int' }, { keys: { odds: 1 } }),
        d: { type: 'map', values: { type: 'long', 'arg.properties': { iteration: { start: 0 } } } },
        e: {
          of: { type: 'int', 'arg.properties': { range: { max: 3 } } },
          'arg.properties': { range: { max: 4 } },
        },
      }),
    )
    expect(problems.map((problem) => problem.replace(/, which.*/, ''))).to.deep.equal([
      'Field "a[]" has "odds"',
      'Field "b.x" has "odd"',
      'Field "c{key}" has "odds"',
      'Field "d{}" has an iteration',
      'Field "e" has "range" twice: at the field and at its type.',
    ])
  })

  it('annotations where nobody reads them, and what no records are made of', () => {
    const lost = { type: { type: 'int' }, 'arg.properties': { range: { max: 3 } } }
    expect(problemsOf(schemaOf({ a: lost })).join()).to.contain(
      'arg.properties at /fields/0/type/arg.properties has no effect',
    )
    expect(problemsOf('"int"').join()).to.contain('The schema is of the type int')
    expect(problemsOf('"null"').join()).to.contain('no type for a null')
    expect(problemsOf('{').join()).to.equal('The Avro schema is not valid JSON.')
    expect(problemsOf('{"type":"record","name":"A","fields":[{"name":"a","type":"B"}]}').join()).to.contain(
      '"B"',
    )
    const list = { type: 'record', name: 'L', fields: [{ name: 'next', type: ['null', 'L'] }] }
    expect(problemsOf(JSON.stringify(list)).join()).to.contain('recursive')
  })
})
