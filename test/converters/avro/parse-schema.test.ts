import { expect } from 'chai'
import { describe, it } from 'mocha'
import { parseSchema } from '../../../src/converters/avro/parse-schema.ts'
import { toConnect } from '../../../src/converters/avro/to-connect.ts'
import { ConnectError } from '../../../src/index.ts'
import { record } from './support.ts'

function codeOf(schema: unknown): string {
  try {
    parseSchema(typeof schema === 'string' ? schema : JSON.stringify(schema))
    return 'accepted'
  } catch (error) {
    return error instanceof ConnectError ? error.code : `a ${String(error)}`
  }
}

const nested = (levels: number) => '{"type":"array","items":'.repeat(levels) + '"int"' + '}'.repeat(levels)

describe('an Avro schema', () => {
  it('of 20,000 levels is refused, and one of 50 accepted', () => {
    expect(codeOf(nested(50))).to.equal('accepted')
    expect(codeOf(nested(20_000))).to.equal('schema.invalid')
  })

  it('that is no JSON, too long or of too many types is refused', () => {
    expect(codeOf('{')).to.equal('schema.invalid')
    expect(codeOf(`"${'x'.repeat(2 << 20)}"`)).to.equal('schema.invalid')
    const many = Array.from({ length: 60_000 }, (_, i) => ({ name: `f${i}`, type: 'int' }))
    expect(codeOf({ type: 'record', name: 'R', fields: many.slice(0, 10_000) })).to.equal('accepted')
    expect(
      codeOf({ type: 'record', name: 'R', fields: many.map(({ name }) => ({ name, type: 'int' })) }),
    ).to.equal('schema.invalid')
  })

  it('that grows exponentially when its references are followed is refused', () => {
    const doubled = (n: number): object =>
      n === 0
        ? { type: 'record', name: 'R0', fields: [] }
        : {
            type: 'record',
            name: `R${n}`,
            fields: [
              { name: 'a', type: doubled(n - 1) },
              { name: 'b', type: `R${n - 1}` },
            ],
          }
    expect(codeOf(doubled(8))).to.equal('accepted')
    expect(codeOf(doubled(30))).to.equal('schema.invalid')
  })

  for (const [what, schema] of Object.entries<unknown>({
    'an unknown type': 'strin',
    'a number': 5,
    null: null,
    'an empty union': [],
    'a union in a union': ['null', ['int']],
    'a union with a type twice': ['int', 'int'],
    'a record without fields': { type: 'record', name: 'R' },
    'a record without a name': { type: 'record', fields: [] },
    'a record with a field twice': {
      type: 'record',
      name: 'R',
      fields: [
        { name: 'a', type: 'int' },
        { name: 'a', type: 'int' },
      ],
    },
    'a bad field name': record({ 'a-b': 'int' }),
    'a bad type name': record({ a: 'int' }, 'R-1'),
    'an injected name': record({ a: 'int' }, 'R(){};process.exit();function x'),
    'a bad namespace': { type: 'record', name: 'R', namespace: 'a..b', fields: [] },
    'a name defined twice': record({ a: record({}, 'R') }, 'R'),
    'an enum with a symbol twice': { type: 'enum', name: 'E', symbols: ['A', 'A'] },
    'a fixed of negative size': { type: 'fixed', name: 'F', size: -1 },
    'a field that is no object': { type: 'record', name: 'R', fields: ['a'] },
    'a type that is missing': { type: 'record', name: 'R', fields: [{ name: 'a' }] },
  })) {
    it(`with ${what} is refused`, () => {
      expect(codeOf(schema)).to.equal('schema.invalid')
    })
  }

  it('resolves names in the enclosing namespace, and across it by full names', () => {
    const root = parseSchema(
      JSON.stringify({
        type: 'record',
        name: 'Outer',
        namespace: 'com.x',
        fields: [
          { name: 'a', type: { type: 'enum', name: 'E', symbols: ['A'] } },
          {
            name: 'b',
            type: { type: 'record', name: 'org.y.Inner', fields: [{ name: 'e', type: 'com.x.E' }] },
          },
          { name: 'c', type: ['null', 'E', 'org.y.Inner'] },
        ],
      }),
    )
    const [a, b, c] = root.fields.map((field) => field.node)
    expect(a?.name).to.equal('com.x.E')
    expect(b?.fields[0]?.node).to.equal(a)
    expect(c?.branches.slice(1)).to.deep.equal([a, b])
  })

  it('with an unknown or malformed logical type means the type below it', () => {
    const types = record({
      a: { type: 'int', logicalType: 'decades' },
      b: { type: 'bytes', logicalType: 'decimal' },
      c: { type: 'bytes', logicalType: 'decimal', precision: 3, scale: 4 },
      d: { type: 'string', logicalType: 'date' },
      e: { type: 'long', logicalType: 'timestamp-micros' },
    })
    const schema = toConnect(parseSchema(JSON.stringify(types)))
    expect(schema.fields?.map((f) => [f.schema.type, f.schema.name])).to.deep.equal([
      ['INT32', undefined],
      ['BYTES', undefined],
      ['BYTES', undefined],
      ['STRING', undefined],
      ['INT64', undefined],
    ])
  })

  it('of 10⁴ random mutations is parsed or refused, and nothing else happens', () => {
    const text = JSON.stringify(
      record({ a: ['null', record({ b: { type: 'map', values: 'E' } }, 'In')], c: 'int' }),
    )
    const whole = text.replace('"E"', '{"type":"enum","name":"E","symbols":["A"]}')
    let seed = 99
    const random = (n: number) => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0) % n
    const parts = ['"int"', '[', ']', '{', '}', ',', '"In"', 'null', '"fields"', '"type"', '-1', '"']
    const found = new Set<string>()
    for (let i = 0; i < 10_000; i++) {
      const at = random(whole.length)
      const mutant = whole.slice(0, at) + parts[random(parts.length)]! + whole.slice(at + random(12))
      found.add(codeOf(mutant))
    }
    expect([...found].sort()).to.deep.equal(['accepted', 'schema.invalid'])
  })

  it('that is recursive can be read, but has no Connect schema', () => {
    const list = { type: 'record', name: 'List', fields: [{ name: 'next', type: ['null', 'List'] }] }
    const root = parseSchema(JSON.stringify(list))
    expect(() => toConnect(root)).to.throw(ConnectError, /recursive/)
  })
})
