import { expect } from 'chai'
import { describe, it } from 'mocha'
import { recordsSide } from '../../src/converters/records-side.ts'
import { extendSchema } from '../../src/converters/schema-extension.ts'
import { type Field, MISSING, OPTIONAL_STRING, type Schema, struct } from '../../src/index.ts'
import { Failures } from './support.ts'

const SCHEMA: Schema = {
  type: 'STRUCT',
  optional: false,
  name: 'Row',
  fields: [
    { name: 'n', schema: { type: 'INT32', optional: true } },
    { name: 's', schema: { type: 'STRING', optional: false } },
  ],
}
const LABEL: Field[] = [{ name: 'label', schema: OPTIONAL_STRING }]
const level = (...levels: number[]) => [
  { type: 'category' as const, levels: Int32Array.from(levels), domain: ['no', 'yes'] },
]

describe('The plain form of a side', () => {
  it('reads columns of structs with a schema, and of structs and maps without', () => {
    const failures = new Failures()
    const rows = [
      struct({ n: 1, s: 'a' }),
      struct({ n: 2n }),
      new Map([['n', 3]]),
      null,
      struct({ n: null, s: 'b' }),
    ]
    const side = recordsSide([SCHEMA, null, null, null, SCHEMA], rows)
    const column = side.column('n', 'float64', failures, failures.fail)
    expect([...column.values]).to.deep.equal([1, 2, 3, NaN, NaN])
    expect([...column.present]).to.deep.equal([1, 1, 1, 0, 0])
    expect(failures.codes()).to.deep.equal({})
    side.column('s', 'string', failures, failures.fail)
    expect(failures.codes()).to.deep.equal({ 1: 'record.field', 2: 'record.field' })
  })

  it('does not take what an object inherits for a field', () => {
    const failures = new Failures()
    const side = recordsSide([null], [struct({ n: 1 })])
    side.column('constructor', 'value', failures, failures.fail)
    expect(failures.codes()).to.deep.equal({ 0: 'record.field' })
  })

  it('appends to copies: what it was given stays as it is', () => {
    const failures = new Failures()
    const given = struct({ n: 1, s: 'a' })
    const map = new Map([['n', 3]])
    const side = recordsSide([SCHEMA, null, null], [given, map, null])
    const longer = side.append(LABEL, level(1, MISSING, 0), failures, failures.fail)
    expect(longer.value(0, failures.fail)).to.deep.equal(struct({ n: 1, s: 'a', label: 'yes' }))
    expect(longer.value(1, failures.fail)).to.deep.equal(
      new Map<string, unknown>([
        ['n', 3],
        ['label', null],
      ]),
    )
    expect(longer.value(2, failures.fail)).to.equal(null)
    expect(longer.schema(0, failures.fail)?.fields?.map((f) => f.name)).to.deep.equal(['n', 's', 'label'])
    expect(longer.schema(0, failures.fail)?.name).to.equal('Row')
    expect([given, map.size]).to.deep.equal([struct({ n: 1, s: 'a' }), 1])
    expect(failures.codes()).to.deep.equal({})
  })

  it('gives equal extensions of a schema one schema object', () => {
    const again: Field[] = [{ name: 'label', schema: { ...OPTIONAL_STRING } }]
    expect(extendSchema(SCHEMA, LABEL)).to.equal(extendSchema(SCHEMA, again))
    expect(extendSchema(SCHEMA, LABEL)).to.not.equal(extendSchema({ ...SCHEMA }, LABEL))
  })

  it('fails rows whose new field exists, has an unknown level or is missing but not optional', () => {
    const failures = new Failures()
    const side = recordsSide([null, null, null, null], [struct({ label: 1 }), struct(), struct(), 'text'])
    side.append(LABEL, level(0, -2, 1, 1), failures, failures.fail)
    expect(failures.codes()).to.deep.equal({ 0: 'record.field', 1: 'record.value', 3: 'record.schema' })
    const required: Field[] = [{ name: 'x', schema: { type: 'STRING', optional: false } }]
    const own = new Failures()
    recordsSide([null], [struct()]).append(required, level(MISSING), own, own.fail)
    expect(own.codes()).to.deep.equal({ 0: 'record.value' })
  })
})
