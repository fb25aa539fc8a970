import { expect } from 'chai'
import { describe, it } from 'mocha'
import { messageOf } from '../../src/api/errors.ts'
import { SILENT } from '../../src/api/log.ts'
import { ConnectorCheck } from '../../src/worker/configs/connector-check.ts'
import { overrideProblems } from '../../src/worker/configs/override-check.ts'
import { policyProblem } from '../../src/worker/configs/override-policy.ts'
import { readSettings } from '../../src/worker/settings/settings.ts'

type Settings = Readonly<Record<string, string>>

const JAAS =
  'org.apache.kafka.common.security.plain.PlainLoginModule required username="alice" password="geheim-1";'

const MINIMUM = {
  'group.id': 'g',
  'config.storage.topic': 'c',
  'offset.storage.topic': 'o',
  'status.storage.topic': 's',
}

function workerOf(more: Settings) {
  return readSettings(new Map(Object.entries({ ...MINIMUM, ...more }))).settings
}

function problemsOf(config: Settings, worker: Settings = {}): Record<string, string> {
  const problems = overrideProblems(config, workerOf(worker))
  return Object.fromEntries(problems.map(({ path, message }) => [path, message]))
}

const policy = (name: string, allowlist = ''): Settings => ({
  'connector.client.config.override.policy': name,
  'connector.client.config.override.allowlist': allowlist,
})

const PRINCIPAL: Settings = {
  'consumer.override.security.protocol': 'SASL_PLAINTEXT',
  'consumer.override.sasl.mechanism': 'PLAIN',
  'consumer.override.sasl.jaas.config': JAAS,
}
const TUNING: Settings = { 'producer.override.linger.ms': '5', 'consumer.override.client.rack': 'a' }

describe('the overrides of a connector', () => {
  it('are all allowed by default, as in Kafka Connect', () => {
    expect(problemsOf({ ...PRINCIPAL, ...TUNING, 'admin.override.interceptor.classes': 'x' })).to.deep.equal(
      {},
    )
  })

  it('are refused by the policies None and Principal in the words of Kafka Connect', () => {
    const refused = (name: string, key: string): string =>
      `The '${name}' policy does not allow '${key}' to be overridden in the connector configuration.`
    expect(problemsOf({ ...PRINCIPAL, ...TUNING }, policy('None'))).to.deep.equal({
      'consumer.override.security.protocol': refused('None', 'security.protocol'),
      'consumer.override.sasl.mechanism': refused('None', 'sasl.mechanism'),
      'consumer.override.sasl.jaas.config': refused('None', 'sasl.jaas.config'),
      'producer.override.linger.ms': refused('None', 'linger.ms'),
      'consumer.override.client.rack': refused('None', 'client.rack'),
    })
    expect(problemsOf(PRINCIPAL, policy('Principal'))).to.deep.equal({})
    expect(problemsOf(TUNING, policy('Principal'))).to.have.all.keys(Object.keys(TUNING))
    expect(problemsOf({ 'consumer.group.id': 'x', name: 'n' }, policy('None'))).to.deep.equal({})
  })

  it('are refused where a configuration is validated, and where it is stored; no secret is shown', async () => {
    const check = new ConnectorCheck(
      { validate: () => Promise.resolve([]) },
      workerOf(policy('None')),
      SILENT,
    )
    const config = { name: 'n', topics: 't', 'target.topic': 'u', 'consumer.override.sasl.jaas.config': JAAS }
    const infos = await check.infos('TopicSink', config)
    expect(infos.error_count).to.equal(1)
    const found = infos.configs.find(({ value }) => value.name === 'consumer.override.sasl.jaas.config')
    expect(found?.value.errors).to.deep.equal([
      "The 'None' policy does not allow 'sasl.jaas.config' to be overridden in the connector configuration.",
    ])
    const stored = await check
      .require({ ...config, 'connector.class': 'TopicSink' })
      .catch((error: unknown) => messageOf(error))
    expect(stored).to.contain("The 'None' policy does not allow 'sasl.jaas.config'")
    expect(JSON.stringify([infos, stored])).not.to.contain('geheim')
  })

  it('are allowed one by one by the policy Allowlist', () => {
    const some = policy('Allowlist', 'linger.ms, client.id')
    expect(
      problemsOf({ 'producer.override.linger.ms': '5', 'admin.override.client.id': 'x' }, some),
    ).to.deep.equal({})
    expect(problemsOf({ 'producer.override.linger': '5' }, some)['producer.override.linger']).to.equal(
      "The 'Allowlist' policy does not allow 'linger' to be overridden in the connector configuration.",
    )
    expect(problemsOf(TUNING, policy('Allowlist'))).to.have.all.keys(Object.keys(TUNING))
  })

  it('have a policy by its short name or its class', () => {
    for (const name of ['All', 'Principal', 'AllConnectorClientConfigOverridePolicy'])
      expect(policyProblem(name), name).to.equal(undefined)
    const apache = 'org.apache.kafka.connect.connector.policy.NoneConnectorClientConfigOverridePolicy'
    expect(problemsOf(TUNING, policy(apache))).to.have.all.keys(Object.keys(TUNING))
    for (const name of ['all', 'com.Own', 'AllOf', ''])
      expect(policyProblem(name), name).to.contain('one of All, None')
  })

  it('are checked as a whole with what the worker says below the same prefix, and show no secret', () => {
    const worker = {
      'consumer.security.protocol': 'SASL_PLAINTEXT',
      'consumer.sasl.mechanism': 'PLAIN',
      'consumer.sasl.jaas.config': JAAS,
    }
    expect(problemsOf({ 'consumer.override.sasl.jaas.config': JAAS }, worker)).to.deep.equal({})
    const wrong = problemsOf({ 'consumer.override.sasl.jaas.config': 'geheim-2' }, worker)
    expect(wrong['consumer.override.sasl.jaas.config']).to.contain('needs one of required')
    expect(JSON.stringify(wrong)).not.to.contain('geheim')
    expect(problemsOf({ 'producer.override.security.protocol': 'TLS' })).to.have.all.keys(
      'producer.override.security.protocol',
    )
    expect(
      problemsOf({ 'consumer.override.bootstrap.servers': 'nowhere' })['consumer.override.bootstrap.servers'],
    ).to.contain('host:port')
  })

  it('name no token endpoint that the worker does not name', () => {
    const path = 'consumer.override.sasl.oauthbearer.token.endpoint.url'
    const config = {
      'consumer.override.security.protocol': 'SASL_PLAINTEXT',
      'consumer.override.sasl.mechanism': 'OAUTHBEARER',
      'consumer.override.sasl.jaas.config':
        'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required clientId="a" clientSecret="b";',
      [path]: 'http://169.254.169.254/token',
    }
    expect(problemsOf(config)[path]).to.contain("the worker's own settings do not name")
    expect(problemsOf(config, { 'sasl.oauthbearer.token.endpoint.url': config[path] })).to.deep.equal({})
  })
})
