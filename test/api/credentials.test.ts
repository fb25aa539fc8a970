import { expect } from 'chai'
import { describe, it } from 'mocha'
import { isSecretName, withoutCredentials } from '../../src/api/credentials.ts'

describe('withoutCredentials', () => {
  it('hides the secrets of URLs, malformed ones too', () => {
    for (const text of [
      'http://user:CANARY@host:8081',
      'http://CANARY@host',
      'no URL: "http://user:CANARY@ho st"',
      'http://user:CAN/CANARY@host',
      'http://user:CAN@CANARY@host/path',
      'http://:CANARY@host',
      'https://host/x?api_key=CANARY&y=1',
      'jdbc:sqlserver://host;user=a;password=CANARY;x=1',
      'mongodb+srv://a:CANARY@host/?token=CANARY',
      'https://a.blob/x?sv=1&sig=CANARY',
    ])
      expect(withoutCredentials(text), text).to.contain('[hidden]').and.not.to.contain('CANARY')
  })

  it('leaves all other texts', () => {
    for (const text of [
      'http://host:8081/a@b',
      'http://host/x?monkey=1&tokenizer=2',
      'mail me@host',
      'a=b;password',
      'http://a,http://b',
    ])
      expect(withoutCredentials(text)).to.equal(text)
  })

  it('takes time linear in the text', () => {
    for (const start of ['a://b:', 'a://', '?', '&password', '?a.a.a.'])
      expect(withoutCredentials(`@=${start.repeat(60_000)}`)).to.be.a('string')
  })
})

describe('isSecretName', () => {
  it('knows what keys of secrets end with', () => {
    for (const name of [
      'pwd',
      'db.pwd',
      'ssl.key.password',
      'client.secret',
      'auth.token',
      'my.api.key',
      'x.credentials',
      'sasl.jaas.config',
      'db.pass',
    ])
      expect(isSecretName(name), name).to.equal(true)
    for (const name of [
      'key.converter',
      'monkey',
      'tokenizer',
      'transforms.a.key',
      'bypass',
      'max.tokens',
      'topics',
    ])
      expect(isSecretName(name), name).to.equal(false)
  })
})
