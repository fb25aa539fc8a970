import { expect } from 'chai'
import { describe, it } from 'mocha'
import { ConfigError } from '../../src/api/errors.ts'
import { parseListener } from '../../src/worker/settings/listener.ts'
import { readSettings } from '../../src/worker/settings/settings.ts'

const MINIMUM = {
  'group.id': 'g',
  'config.storage.topic': 'c',
  'offset.storage.topic': 'o',
  'status.storage.topic': 's',
}
const OPEN = 'http://0.0.0.0:8083'
const USERS = { 'rest.auth.basic.users.file': '/etc/users' }
const KEYS = { 'ssl.keystore.location': '/etc/own.jks', 'ssl.truststore.location': '/etc/ca.jks' }
const https = (more: Record<string, string> = {}): Record<string, string> => ({
  listeners: 'https://0.0.0.0:8443',
  ...Object.fromEntries(
    Object.entries({ ...KEYS, ...more }).map(([key, value]) => [`listeners.https.${key}`, value]),
  ),
})
const BEARER = {
  'rest.auth.bearer.jwks': 'https://id.test/keys',
  'rest.auth.bearer.issuer': 'https://id.test',
  'rest.auth.bearer.audience': 'sluice',
}

function read(given: Record<string, string>) {
  return readSettings(new Map(Object.entries({ ...MINIMUM, ...given })))
}

function problemsOf(given: Record<string, string>): Map<string, string> {
  try {
    read(given)
    return new Map()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return new Map(error.problems.map(({ path, message }) => [path, message]))
  }
}

describe('the settings of the REST API', () => {
  it('listen on this machine without authentication, where nothing is said', () => {
    const { settings, warnings } = read({})
    expect(settings.listener).to.deep.equal({ host: '127.0.0.1', port: 8083 })
    expect(settings).to.include({ access: null, auditFile: null, rateLimit: 0, advertisedProtocol: 'http' })
    expect(warnings).to.deep.equal([])
  })

  it('refuse any other address without authentication, by a sentence that names both ways', () => {
    for (const listeners of [
      'http://:8083',
      OPEN,
      'http://[::]:8083',
      'http://10.0.0.1:8083',
      'http://connect:8083',
    ])
      expect(problemsOf({ listeners }).get('listeners'), listeners)
        .to.contain('rest.auth.basic.users.file')
        .and.contain('rest.allow.network=true')
    expect(problemsOf(https()).get('listeners')).to.contain('without authentication')
    expect(problemsOf(https({ 'ssl.client.auth': 'requested' })).get('listeners')).to.be.a('string')
  })

  it('take any address with authentication, or where they are told to', () => {
    const open = [
      { listeners: OPEN, 'rest.allow.network': 'TRUE' },
      { listeners: OPEN, ...USERS },
      { listeners: OPEN, ...BEARER },
      { ...https(), ...USERS },
      https({ 'ssl.client.auth': 'required' }),
      { ...https({ 'ssl.client.auth': 'requested' }), 'rest.auth.certificate.roles': 'ops:operator' },
    ]
    for (const given of open) expect([...problemsOf(given)], JSON.stringify(given)).to.deep.equal([])
  })

  it('mean by a certificate that is required what Kafka Connect means, unless they say more', () => {
    const required = https({ 'ssl.client.auth': 'required' })
    const rolesOf = (given: Record<string, string>) => {
      const certificates = read(given).settings.access?.certificates
      return certificates == null ? null : Object.fromEntries(certificates)
    }
    expect(rolesOf(required)).to.deep.equal({ '*': 'admin' })
    expect(rolesOf({ ...required, ...USERS })).to.equal(null)
    const roles = { 'rest.auth.certificate.roles': 'a:admin, *:reader' }
    expect(rolesOf({ ...required, ...roles })).to.deep.equal({ a: 'admin', '*': 'reader' })
    expect(problemsOf({ ...https(), ...roles }).get('rest.auth.certificate.roles')).to.contain(
      'ssl.client.auth',
    )
  })

  it('take keys for https of the listener alone, or else the worker’s own', () => {
    expect(read({ ...https(), ...USERS }).settings.listener.tls).to.have.property('clientAuth', 'none')
    expect([...problemsOf({ listeners: 'https://127.0.0.1:1', ...KEYS })]).to.deep.equal([])
    expect([...problemsOf({ listeners: 'https://127.0.0.1:1' }).keys()]).to.deep.equal([
      'ssl.keystore.location',
    ])
    const partly = { listeners: 'https://127.0.0.1:1', ...KEYS, 'listeners.https.ssl.keystore.type': 'PEM' }
    expect([...problemsOf(partly).keys()]).to.deep.equal(['listeners.https.ssl.keystore.location'])
    const wrong = https({ 'ssl.client.auth': 'maybe', 'ssl.keystore.type': 'X', 'ssl.cipher.suites': 'NONE' })
    expect([...problemsOf({ ...wrong, ...USERS }).keys()].sort()).to.deep.equal([
      'listeners.https.ssl.cipher.suites',
      'listeners.https.ssl.client.auth',
      'listeners.https.ssl.keystore.type',
    ])
  })

  it('ask for no certificates that any public authority may have signed', () => {
    const untrusting = https({ 'ssl.client.auth': 'required', 'ssl.truststore.location': '' })
    expect(problemsOf(untrusting).get('listeners.https.ssl.truststore.location')).to.contain(
      'any public authority',
    )
  })

  it('warn of a key of the listener that does nothing', () => {
    const { warnings } = read({ ...https({ 'ssl.provider': 'x' }), ...USERS })
    expect(warnings).to.deep.equal(['listeners.https.ssl.provider has no effect in Sluice and is ignored.'])
  })

  it('tell other workers what the listener speaks, or what a proxy in front of it does', () => {
    expect(read({ ...https(), ...USERS }).settings.advertisedProtocol).to.equal('https')
    expect(read({ 'rest.advertised.listener': 'HTTPS' }).settings.advertisedProtocol).to.equal('https')
    const downgraded = { ...https(), ...USERS, 'rest.advertised.listener': 'http' }
    expect([...problemsOf(downgraded).keys()]).to.deep.equal(['rest.advertised.listener'])
  })

  it('take tokens of one issuer for one audience, signed with pairs of keys', () => {
    for (const key of ['rest.auth.bearer.issuer', 'rest.auth.bearer.audience'])
      expect(problemsOf({ ...BEARER, [key]: '' }).get(key)).to.contain('is needed')
    const wrong = {
      'rest.auth.bearer.jwks': 'http://id.test/keys',
      'rest.auth.bearer.algorithms': 'RS256,HS256',
      'rest.auth.bearer.roles': 'ops:king',
    }
    expect([...problemsOf({ ...BEARER, ...wrong }).keys()].sort()).to.deep.equal(Object.keys(wrong).sort())
    expect(problemsOf({ ...BEARER, 'rest.auth.bearer.algorithms': 'none' }).size).to.equal(1)
  })

  it('need workers that sign what they ask of each other', () => {
    const given = { ...USERS, 'connect.protocol': 'compatible' }
    expect(problemsOf(given).get('connect.protocol')).to.contain('must be sessioned')
    const alone = new Map(Object.entries({ ...USERS, 'offset.storage.file.filename': '/tmp/offsets' }))
    expect(readSettings(alone, 'standalone').settings.access).not.to.equal(null)
  })

  it('name one listener of http or https', () => {
    expect(parseListener(['http://[::1]:0'])).to.deep.equal({ protocol: 'http', host: '::1', port: 0 })
    expect(parseListener(['HTTPS://localhost:1/'])).to.deep.equal({
      protocol: 'https',
      host: 'localhost',
      port: 1,
    })
    for (const wrong of [
      [],
      ['http://a:1', 'http://b:2'],
      ['ftp://a:1'],
      ['http://a'],
      ['http://a:70000'],
      ['a:1'],
    ])
      expect(parseListener(wrong), wrong.join()).to.have.property('problem')
  })
})
