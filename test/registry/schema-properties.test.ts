import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { parseAvroSchema } from '../../src/registry/avro-parser.ts'
import { PRIMITIVES } from '../../src/registry/avro-schema.ts'
import { canonicalText } from '../../src/registry/canonical.ts'
import { incompatibilities } from '../../src/registry/compatibility.ts'
import { normalise } from '../../src/registry/normalise.ts'

interface Shape {
  readonly schema: unknown
}

const space = fc.constantFrom(undefined, '', 'a', 'a.b')
const attributes = fc.dictionary(
  fc.constantFrom('x', 'logicalType', '__proto__', '7'),
  fc.jsonValue({ maxDepth: 1 }),
)

/** Schemas of all kinds, each named type defined once; names are given afterwards. */
const shapes = fc.letrec<{ any: unknown; schema: unknown }>((tie) => ({
  any: fc.oneof(tie('schema'), fc.uniqueArray(fc.constantFrom(...PRIMITIVES), { maxLength: 4 })),
  schema: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(...PRIMITIVES),
    fc.tuple(fc.constantFrom(...PRIMITIVES), attributes).map(([type, more]) => ({ ...more, type })),
    fc.tuple(space, attributes).map(([namespace, more]) => ({ ...more, type: 'fixed', size: 4, namespace })),
    fc.record({
      type: fc.constant('enum'),
      symbols: fc.constant(['A', 'B']),
      namespace: space,
      doc: fc.string(),
    }),
    fc.record({ type: fc.constant('array'), items: tie('any') }),
    fc.record({ type: fc.constant('map'), values: tie('any') }),
    fc.record({
      type: fc.constant('record'),
      namespace: space,
      fields: fc.array(fc.record({ type: tie('any'), doc: fc.string() }), { maxLength: 4 }),
    }),
  ),
}))

const schemas = shapes.any.map((schema): Shape => ({ schema: named(schema, { count: 0 }) }))

function named(schema: unknown, names: { count: number }): unknown {
  if (Array.isArray(schema)) return schema.map((item) => named(item, names))
  if (typeof schema !== 'object' || schema === null) return schema
  const name = `N${names.count++}`
  const parts = Object.entries(schema).map(([key, value]): [string, unknown] => {
    if (key === 'items' || key === 'values') return [key, named(value, names)]
    if (key !== 'fields') return [key, value]
    const fields = (value as { type: unknown }[]).map((field, index) => ({
      ...field,
      name: `f${index}`,
      type: named(field.type, names),
    }))
    return [key, fields]
  })
  return { ...Object.fromEntries(parts), name }
}

const parse = (text: string) => parseAvroSchema(text, { names: new Map(), validateDefaults: true })

describe('any schema', () => {
  it('has a canonical text that stands for itself', () => {
    fc.assert(
      fc.property(schemas, ({ schema }) => {
        const text = canonicalText(parse(JSON.stringify(schema)))
        expect(canonicalText(parse(text))).to.equal(text)
      }),
    )
  })

  it('has a normal form that stands for itself', () => {
    fc.assert(
      fc.property(schemas, ({ schema }) => {
        const text = canonicalText(normalise(parse(JSON.stringify(schema))))
        expect(canonicalText(normalise(parse(text)))).to.equal(text)
      }),
    )
  })

  it('reads what it wrote, in its canonical and its normal form', () => {
    fc.assert(
      fc.property(schemas, ({ schema }) => {
        const parsed = parse(JSON.stringify(schema))
        expect(incompatibilities(parsed, parse(canonicalText(parsed)))).to.deep.equal([])
        expect(incompatibilities(normalise(parsed), parsed)).to.deep.equal([])
      }),
    )
  })
})
