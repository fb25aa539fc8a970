import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { SILENT } from '../../src/api/log.ts'
import { startBroker } from '../../src/dev/broker.ts'
import { freePort } from '../../src/dev/ports.ts'
import { type Certificates, makeCertificates, STORE_PASSWORD } from './certificates.ts'

export const USER = 'alice'
export const PASSWORD = 'alices-secret-3'

/** Its listeners, each by a name of ours: `security.protocol` and what it is special in. */
const LISTENERS = {
  PLAIN: ['SASL_PLAINTEXT', 'PLAIN'],
  SCRAM: ['SASL_PLAINTEXT', 'SCRAM-SHA-256,SCRAM-SHA-512'],
  OAUTH: ['SASL_PLAINTEXT', 'OAUTHBEARER'],
  SHORT: ['SASL_PLAINTEXT', 'PLAIN'],
  REVOKE: ['SASL_PLAINTEXT', 'SCRAM-SHA-512'],
  SASLSSL: ['SASL_SSL', 'SCRAM-SHA-512,PLAIN'],
  TLS: ['SSL', ''],
  MUTUAL: ['SSL', ''],
  EXPIRED: ['SSL', ''],
  WRONGHOST: ['SSL', ''],
  STRANGER: ['SSL', ''],
} as const

export type ListenerName = keyof typeof LISTENERS

export interface SecuredKafka {
  /** The listener in clear. */
  readonly bootstrapServers: string
  /** `localhost:port` of a listener. */
  at(listener: ListenerName): string
  readonly certificates: Certificates
  stop(): Promise<void>
}

/** A real broker with a listener of each kind. Users are there from its start. */
export async function startSecuredKafka(): Promise<SecuredKafka> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'sluice-secured-'))
  const certificates = await makeCertificates(path.join(dataDir, 'certificates'))
  const names = Object.keys(LISTENERS) as ListenerName[]
  const ports = new Map<ListenerName, number>()
  for (const name of names) ports.set(name, await freePort())
  const address = (name: ListenerName): string => `localhost:${ports.get(name) ?? 0}`
  const users = ['256', '512'].flatMap((bits) => [
    '--add-scram',
    `SCRAM-SHA-${bits}=[name=${USER},password=${PASSWORD}]`,
  ])
  const broker = await startBroker({
    port: await freePort(),
    dataDir,
    log: SILENT,
    special: {
      format: users,
      settings: ({ port, controllerPort }) => {
        const own = names.map((name) => `${name}://${address(name)}`)
        const clear = `PLAINTEXT://127.0.0.1:${port}`
        const protocols = names.map((name) => `${name}:${LISTENERS[name][0]}`)
        return {
          listeners: [clear, `CONTROLLER://127.0.0.1:${controllerPort}`, ...own].join(','),
          'advertised.listeners': [clear, ...own].join(','),
          'inter.broker.listener.name': 'PLAINTEXT',
          'listener.security.protocol.map': [
            'PLAINTEXT:PLAINTEXT',
            'CONTROLLER:PLAINTEXT',
            ...protocols,
          ].join(','),
          ...Object.fromEntries(
            names.flatMap((name) => Object.entries(listenerSettings(name, certificates))),
          ),
        }
      },
    },
  })
  process.once('exit', () => broker.kill())
  return {
    bootstrapServers: broker.bootstrapServers,
    at: address,
    certificates,
    stop: async () => {
      broker.kill()
      await broker.exited
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

const SECURITY = 'org.apache.kafka.common.security'

function listenerSettings(name: ListenerName, { file }: Certificates): Record<string, string> {
  const prefix = `listener.name.${name.toLowerCase()}`
  const [protocol, mechanisms] = LISTENERS[name]
  const settings: Record<string, string> = {}
  if (mechanisms !== '') settings[`${prefix}.sasl.enabled.mechanisms`] = mechanisms
  for (const mechanism of mechanisms.split(',').filter((each) => each !== ''))
    settings[`${prefix}.${mechanism.toLowerCase()}.sasl.jaas.config`] = jaas(mechanism)
  if (name === 'SHORT') settings[`${prefix}.plain.connections.max.reauth.ms`] = '1500'
  if (name === 'REVOKE') settings[`${prefix}.scram-sha-512.connections.max.reauth.ms`] = '1500'
  if (!protocol.endsWith('SSL')) return settings
  const own: Partial<Record<ListenerName, string>> = {
    EXPIRED: 'expired',
    WRONGHOST: 'wrong-host',
    STRANGER: 'stranger',
  }
  return {
    ...settings,
    [`${prefix}.ssl.keystore.type`]: 'PKCS12',
    [`${prefix}.ssl.keystore.location`]: file(`${own[name] ?? 'broker'}.p12`),
    [`${prefix}.ssl.keystore.password`]: STORE_PASSWORD,
    [`${prefix}.ssl.key.password`]: STORE_PASSWORD,
    ...(name === 'MUTUAL'
      ? {
          [`${prefix}.ssl.client.auth`]: 'required',
          [`${prefix}.ssl.truststore.type`]: 'PEM',
          [`${prefix}.ssl.truststore.location`]: file('ca.pem'),
        }
      : {}),
  }
}

function jaas(mechanism: string): string {
  if (mechanism === 'PLAIN') return `${SECURITY}.plain.PlainLoginModule required user_${USER}="${PASSWORD}";`
  if (mechanism === 'OAUTHBEARER')
    return `${SECURITY}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`
  return `${SECURITY}.scram.ScramLoginModule required;`
}

/** `sasl.jaas.config` of a client. */
export function jaasConfig(mechanism: string, password = PASSWORD): string {
  const module = mechanism === 'PLAIN' ? 'plain.PlainLoginModule' : 'scram.ScramLoginModule'
  return `${SECURITY}.${module} required username="${USER}" password="${password}";`
}
