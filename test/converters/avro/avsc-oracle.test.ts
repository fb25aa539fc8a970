import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { encodeValue } from '../../../src/converters/avro/encode.ts'
import { fromConnect } from '../../../src/converters/avro/from-connect.ts'
import { type AvroNode } from '../../../src/converters/avro/node.ts'
import { parseSchema } from '../../../src/converters/avro/parse-schema.ts'
import { toConnect } from '../../../src/converters/avro/to-connect.ts'
import { ByteWriter } from '../../../src/converters/byte-writer.ts'
import { stringifyExact } from '../../../src/converters/exact-json.ts'
import { sameSchema, sameValue } from '../../../src/converters/same-schema.ts'
import type { Value } from '../../../src/index.ts'
import { runs } from '../../support/runs.ts'
import { Failures } from '../support.ts'
import { samples } from './arbitraries.ts'
import { avroSide, avscType } from './support.ts'

function encoded(root: AvroNode, value: Value): Buffer {
  const out = new ByteWriter(8)
  encodeValue(out, root, value, '')
  return out.bytes.subarray(0, out.at)
}

describe('Avro against avsc', () => {
  it('decodes what avsc encodes, exactly, and encodes it to the same bytes', () => {
    fc.assert(
      fc.property(samples, ({ schema, values }) => {
        const type = avscType(schema)
        const payloads = values.map(({ avsc }) => type.toBuffer(avsc))
        const side = avroSide(schema, payloads)
        const failures = new Failures()
        const root = side.rows.writers[0]!.root
        for (const [row, { connect }] of values.entries()) {
          const value = side.value(row, failures.fail)
          expect(failures.errors.get(row)).to.equal(undefined)
          expect(sameValue(value, connect), 'the decoded value').to.equal(true)
          expect(encoded(root, value)).to.deep.equal(payloads[row])
        }
        side.rows.walkLive(failures, failures.fail)
        expect(failures.codes()).to.deep.equal({})
      }),
      { numRuns: runs(100, 400) },
    )
  })

  it('writes values by the schema made of their Connect schema so that avsc reads them', () => {
    fc.assert(
      fc.property(samples, ({ schema, values }) => {
        // without the Avro type that it came from, as a transform that builds its own schema has it
        const connect = structuredClone(toConnect(parseSchema(JSON.stringify(schema))))
        const json = fromConnect(connect)
        const root = parseSchema(stringifyExact(json))
        expect(sameSchema(toConnect(root), connect), 'the schema').to.equal(true)
        const type = avscType(JSON.parse(stringifyExact(json)))
        for (const value of values) {
          const bytes = encoded(root, value.connect)
          expect(type.isValid(type.fromBuffer(bytes))).to.equal(true)
          expect(type.toBuffer(type.fromBuffer(bytes))).to.deep.equal(bytes)
        }
      }),
      { numRuns: runs(100, 300) },
    )
  })
})
