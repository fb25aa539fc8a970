import { SILENT } from '../../../src/api/log.ts'
import { ConnectError } from '../../../src/api/errors.ts'
import { KafkaClient } from '../../../src/kafka/client.ts'
import {
  jaasConfig,
  type ListenerName,
  type SecuredKafka,
  startSecuredKafka,
} from '../../support/secured-kafka.ts'

export type Settings = Readonly<Record<string, string>>

/** The one broker of this suite: there from its `before` on. */
export let kafka: SecuredKafka

export async function start(): Promise<void> {
  kafka = await startSecuredKafka()
}

export function clientOf(listener: ListenerName | 'clear', security: Settings): KafkaClient {
  const server = listener === 'clear' ? kafka.bootstrapServers : kafka.at(listener)
  return new KafkaClient({ bootstrapServers: [server], clientId: 'test', log: SILENT, security })
}

/** The cluster's id, asked for over two connections: the second goes to what the broker advertises for the listener. */
export async function ask(listener: ListenerName | 'clear', security: Settings): Promise<string> {
  const client = clientOf(listener, security)
  try {
    await client.connection(await client.controller())
    return await client.clusterId()
  } finally {
    await client.close()
  }
}

export async function refusalOf(listener: ListenerName | 'clear', security: Settings): Promise<ConnectError> {
  try {
    await ask(listener, security)
  } catch (error) {
    if (error instanceof ConnectError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

export const sasl = (mechanism: string, password?: string): Settings => ({
  'security.protocol': 'SASL_PLAINTEXT',
  'sasl.mechanism': mechanism,
  'sasl.jaas.config': jaasConfig(mechanism, password),
})

export const file = (name: string): string => kafka.certificates.file(name)

export const trusting = (): Settings => ({
  'security.protocol': 'SSL',
  'ssl.truststore.type': 'PEM',
  'ssl.truststore.location': file('ca.pem'),
})
