import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { decodeOffsets, encodeOffsets, type OffsetEntry } from '../../src/worker/stores/java-offsets.ts'
import golden from '../conformance/golden/offset-files.json' with { type: 'json' }

interface Case {
  readonly name: string
  readonly file: string
  readonly entries: readonly (readonly (string | null)[])[]
}

const CASES: readonly Case[] = golden
const bytesOf = (name: string): Buffer =>
  Buffer.from(CASES.find((each) => each.name === name)?.file ?? '', 'base64')

describe('an offsets file of Kafka Connect, as its own class wrote it', () => {
  for (const { name, file, entries } of CASES) {
    it(`is read: ${name}`, () => {
      const read = decodeOffsets(Buffer.from(file, 'base64')).map(({ key, value }) => [
        key?.toString() ?? null,
        value?.toString() ?? null,
      ])
      expect(read).to.have.deep.members(entries.map((entry) => [...entry]))
    })

    it(`is written with the same bytes: ${name}`, () => {
      const bytes = Buffer.from(file, 'base64')
      const written = encodeOffsets(decodeOffsets(bytes))
      // Java writes the second time that it meets one array as a reference to the first; to its reader both are alike.
      if (name === 'the same array twice') expect(written.length).to.be.above(bytes.length)
      else expect(written.toString('hex')).to.equal(bytes.toString('hex'))
      expect(decodeOffsets(written)).to.deep.equal(decodeOffsets(bytes))
    })
  }

  it('is read as it was written, whatever is in it', () => {
    const array = fc.option(fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)))
    fc.assert(
      fc.property(fc.array(fc.record({ key: array, value: array }), { maxLength: 60 }), (entries) => {
        expect(decodeOffsets(encodeOffsets(entries))).to.deep.equal(entries)
      }),
    )
  })
})

describe('what is no offsets file', () => {
  const problemOf = (bytes: Buffer): string => {
    let entries: OffsetEntry[]
    try {
      entries = decodeOffsets(bytes)
    } catch (error) {
      if (error instanceof Error) return `${error.name}: ${error.message}`
      throw error
    }
    return `${entries.length} entries`
  }

  it('is told from one, whatever it lacks at its end', () => {
    for (const { file } of CASES) {
      const bytes = Buffer.from(file, 'base64')
      for (let length = 0; length < bytes.length; length++)
        expect(problemOf(bytes.subarray(0, length))).to.equal('Error: ends in the middle')
      expect(problemOf(Buffer.concat([bytes, Buffer.of(0)]))).to.contain('behind its last offset')
    }
  })

  it('is told from one by a word of what it is', () => {
    const one = bytesOf('one')
    expect(problemOf(Buffer.from('{"offsets":[]}'))).to.contain('is not an offsets file of Kafka Connect')
    const map = Buffer.from(one.toString('latin1').replace('HashMap', 'TreeMap'), 'latin1')
    expect(problemOf(map)).to.contain('another Java object than a HashMap')
    const text = Buffer.from(one)
    text[one.indexOf('[B') - 4] = 0x74 // TC_STRING
    expect(problemOf(text)).to.contain('something else than byte arrays')
    const chars = Buffer.from(one.toString('latin1').replace('[B', '[C'), 'latin1')
    expect(problemOf(chars)).to.contain('something else than byte arrays')
  })

  it('is told from one where its numbers lie', () => {
    const sizesAt = bytesOf('one').indexOf(Buffer.of(0x77, 8))
    const withInt = (at: number, value: number): Buffer => {
      const bytes = Buffer.from(bytesOf('one'))
      bytes.writeInt32BE(value, at)
      return bytes
    }
    expect(problemOf(withInt(sizesAt + 6, -1))).to.contain('negative number of offsets')
    expect(problemOf(withInt(sizesAt + 6, 2 ** 31 - 1))).to.contain('something else than byte arrays')
    const keyAt = bytesOf('one').indexOf('["a"') - 4
    expect(problemOf(withInt(keyAt, -5))).to.contain('negative length')
    expect(problemOf(withInt(keyAt, 2 ** 31 - 1))).to.contain('ends in the middle')
    const twice = bytesOf('the same array twice')
    const reference = twice.indexOf(Buffer.from('71007e0004', 'hex'))
    for (const handle of [0x7e0002, 0x7e0006, -1]) {
      const bytes = Buffer.from(twice)
      bytes.writeInt32BE(handle, reference + 1)
      expect(problemOf(bytes)).to.contain('refers to an array')
    }
  })
})
