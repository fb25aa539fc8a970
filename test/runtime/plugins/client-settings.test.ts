import { expect } from 'chai'
import { describe, it } from 'mocha'
import {
  clientSettings,
  NO_CLIENT_SETTINGS,
  withClientDefaults,
} from '../../../src/runtime/plugins/client-settings.ts'

const OWN = { 'bootstrap.servers': 'own:1', 'security.protocol': 'SSL', 'client.id': 'worker' }
const worker = (more: Partial<typeof NO_CLIENT_SETTINGS> = {}) => ({
  ...NO_CLIENT_SETTINGS,
  own: OWN,
  ...more,
})

describe('the settings of a task’s Kafka client', () => {
  it('are those of the worker where nothing else is said, but for its name', () => {
    const expected = { 'bootstrap.servers': 'own:1', 'security.protocol': 'SSL' }
    for (const kind of ['producer', 'consumer', 'admin'] as const)
      expect(clientSettings(worker(), kind, {}), kind).to.deep.equal(expected)
    expect(clientSettings(worker(), 'own', { 'producer.override.client.id': 'x' })).to.deep.equal(OWN)
  })

  it('are those below the prefix, and over them those of the connector', () => {
    const defaults = worker({ producer: { 'security.protocol': 'PLAINTEXT', 'client.id': 'p', acks: 'all' } })
    expect(clientSettings(defaults, 'producer', {})).to.deep.equal({
      'bootstrap.servers': 'own:1',
      'security.protocol': 'PLAINTEXT',
      'client.id': 'p',
    })
    const connector = {
      'producer.override.security.protocol': 'SASL_SSL',
      'consumer.override.client.id': 'c',
    }
    expect(clientSettings(defaults, 'producer', connector)['security.protocol']).to.equal('SASL_SSL')
    expect(clientSettings(defaults, 'consumer', connector)['client.id']).to.equal('c')
  })

  it('take no security without a prefix where there is some with it, but for admin, as in Kafka Connect', () => {
    const own = { ...OWN, 'ssl.truststore.location': '/t' }
    const some = { 'security.protocol': 'SSL' }
    const defaults = { own, producer: some, consumer: some, admin: some }
    expect(clientSettings(defaults, 'consumer', {})).not.to.have.property('ssl.truststore.location')
    expect(clientSettings(defaults, 'admin', {})).to.have.property('ssl.truststore.location', '/t')
  })

  it('tell the worker’s own secrets to no brokers that a connector names', () => {
    const connector = Object.fromEntries(
      ['producer', 'consumer', 'admin'].map((kind) => [`${kind}.override.bootstrap.servers`, 'evil:1']),
    )
    for (const kind of ['producer', 'consumer', 'admin'] as const)
      expect(clientSettings(worker(), kind, connector), kind).to.deep.equal({ 'bootstrap.servers': 'evil:1' })
  })
})

describe('what a worker says below producer., consumer. and admin.', () => {
  it('is the default of what connectors override', () => {
    const defaults = worker({ consumer: { 'isolation.level': 'read_uncommitted', 'client.id': 'c' } })
    expect(withClientDefaults(defaults, { name: 'n' })).to.deep.equal({
      name: 'n',
      'consumer.override.isolation.level': 'read_uncommitted',
    })
    const own = { 'consumer.override.isolation.level': 'read_committed' }
    expect(withClientDefaults(defaults, own)).to.deep.equal(own)
  })
})
