import { expect } from 'chai'
import { describe, it } from 'mocha'
import { parseProperties } from '../../src/runtime/config-providers/properties-file.ts'
import { overrideProblems } from '../../src/worker/configs/override-check.ts'
import { checkConnectorConfig } from '../../src/worker/configs/connector-config.ts'
import { readSettings } from '../../src/worker/settings/settings.ts'
import { codeBlock } from '../support/pages.ts'

const MINIMUM = {
  'group.id': 'g',
  'config.storage.topic': 'c',
  'offset.storage.topic': 'o',
  'status.storage.topic': 's',
}

function settingsOf(properties: string) {
  return readSettings(new Map([...Object.entries(MINIMUM), ...parseProperties(properties)]))
}

describe('the page on security', () => {
  it('shows settings of a worker that are right, and all of which do something', () => {
    for (const [block, protocol] of [
      [codeBlock('docs/security.md', 'security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512'), 'SASL_SSL'],
      [codeBlock('docs/security.md', 'security.protocol=SASL_SSL\nsasl.mechanism=OAUTHBEARER'), 'SASL_SSL'],
      [codeBlock('docs/security.md', 'security.protocol=SSL'), 'SSL'],
    ] as const) {
      const { settings, warnings } = settingsOf(block)
      expect(warnings).to.deep.equal([])
      expect(settings.clients.own['security.protocol']).to.equal(protocol)
    }
  })

  it('shows how the REST API is opened to the network', () => {
    const { settings } = settingsOf(codeBlock('docs/security.md', 'listeners=http://0.0.0.0:8083'))
    expect(settings.listener).to.deep.equal({ host: '0.0.0.0', port: 8083 })
    expect(settings.allowedHosts).to.deep.equal(['connect.example.com'])
    expect(settings.advertised.host).to.equal('connect-1.internal')
  })

  it('shows how users, tokens and certificates are asked for', () => {
    for (const [block, kind] of [
      [
        codeBlock('docs/security.md', 'listeners=https://0.0.0.0:8443\nlisteners.https.ssl.keystore.type'),
        'users',
      ],
      [codeBlock('docs/security.md', 'rest.auth.bearer.jwks'), 'bearer'],
      [
        codeBlock(
          'docs/security.md',
          'listeners=https://0.0.0.0:8443\nlisteners.https.ssl.keystore.location',
        ),
        'certificates',
      ],
    ] as const) {
      const { settings, warnings } = settingsOf(block)
      expect(warnings).to.deep.equal([])
      expect(settings.access?.[kind], kind).not.to.equal(null)
    }
  })

  it('shows a connector that reads another Kafka, with the default policy', () => {
    const config = JSON.parse(codeBlock('docs/security.md', '{\n  "name": "flights-of-another"')) as Record<
      string,
      string
    >
    expect(checkConnectorConfig(config).problems).to.deep.equal([])
    expect(overrideProblems(config, settingsOf('').settings)).to.deep.equal([])
  })
})
