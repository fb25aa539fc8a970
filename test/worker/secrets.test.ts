import { expect } from 'chai'
import { describe, it } from 'mocha'
import { isSecretName, MASK } from '../../src/api/credentials.ts'
import { configInfos } from '../../src/worker/configs/config-infos.ts'
import { checkConnectorConfig } from '../../src/worker/configs/connector-config.ts'
import { masked, unmasked } from '../../src/worker/configs/secrets.ts'

const isReference = () => false

const GOOD: Readonly<Record<string, string>> = {
  name: 'a',
  'connector.class': 'TopicSink',
  topics: 'in',
  'target.topic': 'out',
}

describe('secrets', () => {
  it('are masked where their key is a password or is named like one', () => {
    const config = {
      ...GOOD,
      'connection.password': 'canary',
      'aws.secret.access.key': 'canary',
      'value.converter.basic.auth.user.info': 'canary',
    }
    expect(JSON.stringify(masked(config))).not.to.contain('canary')
    expect(masked(config)['topics']).to.equal('in')
    expect(isSecretName('topics')).to.equal(false)
    expect(isSecretName('transforms.a.key')).to.equal(false)
  })

  it('are masked in the settings of a connector’s own clients', () => {
    const config = {
      ...GOOD,
      'errors.deadletterqueue.topic.name': 'dead',
      'consumer.override.sasl.jaas.config': 'x.PlainLoginModule required username="u" password="canary";',
      'producer.override.ssl.truststore.password': 'canary',
      'admin.override.ssl.keystore.key': 'canary',
      'consumer.override.max.poll.records': '5',
    }
    const shown = masked(config)
    expect(JSON.stringify(shown)).not.to.contain('canary')
    expect(shown['consumer.override.max.poll.records']).to.equal('5')
    expect(unmasked(shown, config)).to.deep.equal(config)
    const { keys } = checkConnectorConfig(config)
    const infos = configInfos('TopicSink', config, { keys, isReference, problems: [] })
    expect(JSON.stringify(infos)).not.to.contain('canary')
  })

  it('are masked within URLs, and come back with them as they were shown', () => {
    const registry = 'value.converter.schema.registry.url'
    const stored = {
      ...GOOD,
      [registry]: 'http://user:CANARY@one:8081,http://user:CANARY@two:8081',
      'connection.url': 'jdbc:postgresql://db/x?user=me&password=CANARY&ssl=true',
      pwd: 'CANARY',
    }
    const shown = masked(stored)
    expect(JSON.stringify(shown)).not.to.contain('CANARY')
    expect(shown['connection.url']).to.equal('jdbc:postgresql://db/x?user=me&password=[hidden]&ssl=true')
    expect(shown[registry]).to.equal('http://[hidden]@one:8081,http://[hidden]@two:8081')
    expect(unmasked(shown, stored)).to.deep.equal(stored)
    const moved = { ...shown, [registry]: 'http://[hidden]@elsewhere' }
    expect(() => unmasked(moved, stored)).to.throw('Give the value itself')
  })

  it('are not in what validate says, of values and of what is wrong with them', () => {
    const path = 'value.converter.schema.registry.url'
    const url = 'http://user:CANARY@ho st'
    const raw = { ...GOOD, [path]: url, 'value.converter': 'AvroConverter' }
    const { keys } = checkConnectorConfig(raw)
    const infos = configInfos('TopicSink', raw, {
      ...{ keys, isReference },
      problems: [{ path, message: `${path}: ${url} is no URL` }],
    })
    expect(JSON.stringify(infos)).to.contain('[hidden]').and.not.to.contain('CANARY')
    const unknown = configInfos(
      'TopicSink',
      { x: url },
      {
        ...{ keys: [], isReference },
        problems: [{ path: 'x', message: 'wrong' }],
      },
    )
    expect(JSON.stringify(unknown)).to.contain('[hidden]').and.not.to.contain('CANARY')
  })

  it('come back: a mask that is put stands for the stored value', () => {
    const stored = { ...GOOD, 'db.password': 'canary' }
    const put: Record<string, string> = { ...masked(stored), topics: 'other' }
    expect(put['db.password']).to.equal(MASK)
    expect(unmasked(put, stored)).to.deep.equal({ ...stored, topics: 'other' })
    expect(() => unmasked(put, undefined)).to.throw('db.password')
  })
})
