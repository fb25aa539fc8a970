import { expect } from 'chai'
import { describe, it } from 'mocha'
import { ModelError } from '../../src/api/errors.ts'
import { openZip, ZIP_LIMITS } from '../../src/inference/readers/zip.ts'
import { zipOf } from '../support/zip-writer.ts'

const hello = { name: 'a/hello.txt', content: Buffer.from('hello') }

/** What goes wrong when an archive is opened and all of `hello` is read. */
function failure(bytes: Buffer, limits = ZIP_LIMITS): ModelError {
  try {
    openZip(bytes, limits).read(hello.name)
  } catch (error) {
    if (error instanceof ModelError) return error
    throw error
  }
  throw new Error('the archive was read')
}

describe('a zip archive', () => {
  it('gives stored and deflated entries', () => {
    const long = Buffer.from('all work and no play '.repeat(1000))
    const zip = openZip(
      zipOf([
        { ...hello, isStored: true },
        { name: 'long', content: long },
      ]),
    )
    expect(zip.text(hello.name)).to.equal('hello')
    expect(zip.read('long').equals(long)).to.equal(true)
    expect(zip.has('nope')).to.equal(false)
    expect(zip.size).to.equal(2)
  })

  it('may end in a comment', () => {
    const bytes = Buffer.concat([zipOf([hello]), Buffer.from('hi')])
    bytes.writeUInt16LE(2, bytes.length - 4)
    expect(openZip(bytes).text(hello.name)).to.equal('hello')
  })

  it('with a name that climbs out of a folder is only a name', () => {
    expect(
      openZip(zipOf([{ name: '../../etc/passwd', content: hello.content }])).has('../../etc/passwd'),
    ).to.equal(true)
  })

  it('is refused where it is none', () => {
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from('PK'),
      Buffer.alloc(4096),
      Buffer.from('#!/bin/sh\n'.repeat(9)),
    ]) {
      const error = failure(bytes)
      expect(error.code).to.equal('model.corrupt')
      expect(error.message).to.include('not a zip archive')
    }
  })

  it('is refused when truncated, at whatever byte', () => {
    const bytes = zipOf([hello])
    for (let length = 0; length < bytes.length; length++) {
      expect(failure(bytes.subarray(0, length)).code, String(length)).to.equal('model.corrupt')
    }
  })

  it('is refused when an entry grows beyond what it claims', () => {
    const bomb = { ...hello, content: Buffer.alloc(50_000_000), claims: 100 }
    expect(failure(zipOf([bomb])).message).to.include('cannot be inflated')
  })

  it('is refused when an entry grows too much', () => {
    const bomb = { ...hello, content: Buffer.alloc(50_000_000) }
    expect(failure(zipOf([bomb])).message).to.include('would grow from')
  })

  it('is read where an entry of some megabytes is nearly all the same, as coefficients of 0 are', () => {
    const zeros = { ...hello, content: Buffer.from('0.0, '.repeat(2 ** 20)) }
    const bytes = zipOf([zeros])
    expect(bytes.length).to.be.lessThan(zeros.content.length / 200)
    expect(openZip(bytes).read(hello.name).equals(zeros.content)).to.equal(true)
  })

  it('is refused when its entries together grow beyond the limit', () => {
    const zip = openZip(zipOf([hello]), { ...ZIP_LIMITS, inflated: 12 })
    expect(zip.text(hello.name) + zip.text(hello.name)).to.equal('hellohello')
    expect(() => zip.text(hello.name)).to.throw(ModelError, 'more than 12 bytes')
  })

  it('is refused with too many entries', () => {
    expect(failure(zipOf([hello, { ...hello, name: 'b' }]), { ...ZIP_LIMITS, entries: 1 }).code).to.equal(
      'model.corrupt',
    )
  })

  it('is refused when it names an entry twice', () => {
    expect(failure(zipOf([hello, hello])).message).to.include('twice')
  })

  it('is refused by name when encrypted, zip64 or compressed in another way', () => {
    const zip64 = zipOf([{ ...hello, claims: 0xffffffff }])
    for (const [bytes, reason] of [
      [zipOf([{ ...hello, flags: 1 }]), 'encrypted'],
      [zip64, 'zip64'],
      [zipOf([{ ...hello, method: 12 }]), 'method 12'],
    ] as const) {
      const error = failure(bytes)
      expect(error.code).to.equal('model.unsupported')
      expect(error.message).to.include(reason)
    }
  })

  it('is refused when text is not UTF-8', () => {
    const bytes = zipOf([{ ...hello, content: Buffer.from([0x61, 0xff]) }])
    expect(() => openZip(bytes).text(hello.name)).to.throw(ModelError, 'UTF-8')
  })
})
