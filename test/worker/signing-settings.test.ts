import { expect } from 'chai'
import { describe, it } from 'mocha'
import { readSettings } from '../../src/worker/settings/settings.ts'
import type { SigningSettings } from '../../src/worker/settings/signing.ts'

function signing(raw: Record<string, string>): SigningSettings {
  const needed = {
    'group.id': 'g',
    'config.storage.topic': 'c',
    'offset.storage.topic': 'o',
    'status.storage.topic': 's',
  }
  const { mode } = readSettings(new Map(Object.entries({ ...needed, ...raw }))).settings
  if (mode.kind !== 'distributed') throw new Error('not of a cluster')
  return mode.signing
}

describe('the settings of signed requests between workers', () => {
  it('have Kafka Connect’s names and defaults', () => {
    expect(signing({})).to.deep.equal({
      keyAlgorithm: 'HmacSHA256',
      keySize: 0,
      keyTtl: 3_600_000,
      signatureAlgorithm: 'HmacSHA256',
      verificationAlgorithms: ['HmacSHA256'],
    })
  })

  it('are taken as they are written', () => {
    const raw = {
      'inter.worker.key.generation.algorithm': 'HmacSHA1',
      'inter.worker.key.size': '512',
      'inter.worker.key.ttl.ms': '0',
      'inter.worker.signature.algorithm': 'HmacSHA512/256',
      'inter.worker.verification.algorithms': 'HmacSHA256, HmacSHA512/256',
    }
    expect(signing(raw)).to.deep.equal({
      keyAlgorithm: 'HmacSHA1',
      keySize: 512,
      keyTtl: 0,
      signatureAlgorithm: 'HmacSHA512/256',
      verificationAlgorithms: ['HmacSHA256', 'HmacSHA512/256'],
    })
  })

  it('refuse a signature that no worker set like this one would take, and algorithms that nobody knows', () => {
    expect(() => signing({ 'inter.worker.signature.algorithm': 'HmacSHA512' })).to.throw(
      'inter.worker.verification.algorithms: must contain HmacSHA512, the value of inter.worker.signature.algorithm.',
    )
    expect(() => signing({ 'inter.worker.verification.algorithms': 'HmacSHA256,ROT13' })).to.throw(
      'inter.worker.verification.algorithms: must be of HmacSHA256,',
    )
    expect(() => signing({ 'inter.worker.key.generation.algorithm': 'AES' })).to.throw(
      'inter.worker.key.generation.algorithm: must be one of HmacSHA256,',
    )
    expect(() => signing({ 'inter.worker.key.ttl.ms': '-1' })).to.throw('inter.worker.key.ttl.ms')
  })
})
