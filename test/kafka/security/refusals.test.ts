import { AuthenticationError, NetworkError, ProtocolError, TimeoutError } from '@platformatic/kafka'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { refusal } from '../../../src/kafka/security/refusals.ts'
import type { SecurityConfig } from '../../../src/kafka/security/security-config.ts'

const SASL: SecurityConfig = { tls: null, sasl: { mechanism: 'PLAIN', username: 'u', password: 'p' } }
const failed = (cause: Error): Error => new NetworkError('Connection to a:1 failed.', { cause })

describe('what a broker refuses', () => {
  it('is no refusal where the connection was lost in the middle of it: trying again may help', () => {
    for (const lost of [new NetworkError('Connection closed'), new TimeoutError('timed out')]) {
      const error = failed(new AuthenticationError('SASL authentication failed.', { cause: lost }))
      expect(refusal(error, SASL)).to.equal(undefined)
    }
    expect(refusal(failed(new Error('connect ECONNREFUSED')), SASL)).to.equal(undefined)
  })

  it('is told in the broker’s own words, cut off where they are long', () => {
    const denied = new ProtocolError('SASL_AUTHENTICATION_FAILED', `Invalid ${'x'.repeat(1000)}`)
    const told = refusal(
      failed(new AuthenticationError('SASL authentication failed.', { cause: denied })),
      SASL,
    )
    expect(told).to.contain('(Invalid xxx').and.contain('check sasl.jaas.config')
    expect(told?.length).to.be.below(400)
  })

  it('is told of a server that proves itself wrongly', () => {
    const error = failed(new AuthenticationError('Invalid server signature.'))
    expect(refusal(error, SASL)).to.contain('Invalid server signature.')
  })
})
