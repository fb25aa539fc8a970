import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { parseAvroSchema } from '../../src/registry/avro-parser.ts'
import { canonicalText } from '../../src/registry/canonical.ts'
import { incompatibilities } from '../../src/registry/compatibility.ts'
import type { Incompatibility } from '../../src/registry/compatibility.ts'

interface Verdicts {
  readonly pairs: readonly {
    readonly name: string
    readonly reader: unknown
    readonly writer: unknown
    readonly incompatibilities?: readonly Incompatibility[]
    readonly thrown?: string
  }[]
  readonly schemas: readonly {
    readonly name: string
    readonly text: string
    readonly canonical: string | null
  }[]
}

const verdicts = JSON.parse(readFileSync(new URL('avro-verdicts.json', import.meta.url), 'utf8')) as Verdicts

const parse = (text: string) => parseAvroSchema(text, { names: new Map(), validateDefaults: true })

describe('schema compatibility, as Java Avro judges it', () => {
  for (const pair of verdicts.pairs) {
    const isReadable = pair.incompatibilities?.length === 0
    it(`${isReadable ? 'accepts' : 'refuses'} ${pair.name}`, () => {
      const found = incompatibilities(parse(JSON.stringify(pair.reader)), parse(JSON.stringify(pair.writer)))
      if (pair.thrown === undefined) expect(found).to.deep.equal(pair.incompatibilities)
      else expect(found.map((one) => one.kind)).to.deep.equal(['AMBIGUOUS_FIELD'])
    })
  }
})

describe('schema texts, as Java Avro reads and writes them', () => {
  for (const { name, text, canonical } of verdicts.schemas) {
    if (canonical === null) {
      it(`refuses ${name}`, () => {
        expect(() => parse(text)).to.throw('Invalid schema: ')
      })
    } else {
      it(`writes ${name}`, () => {
        expect(canonicalText(parse(text))).to.equal(canonical)
        expect(canonicalText(parse(canonical))).to.equal(canonical)
      })
    }
  }
})
