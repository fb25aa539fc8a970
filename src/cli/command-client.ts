import { CommandError } from '../api/errors.ts'
import type { Logger } from '../api/log.ts'
import { KafkaClient } from '../kafka/client.ts'
import { createLogger } from '../runtime/log.ts'

/** Warnings and errors, on standard error; SLUICE_LOG_LEVEL says otherwise. */
export function commandLog(): Logger {
  return createLogger(process.env['SLUICE_LOG_LEVEL'] ?? 'warn', { process: 'command' })
}

/** Runs a command with a client of its own. */
export async function withClient<T>(
  bootstrapServers: string,
  work: (client: KafkaClient) => Promise<T>,
): Promise<T> {
  const servers = bootstrapServers.split(',').map((server) => server.trim())
  const client = new KafkaClient({ bootstrapServers: servers, clientId: 'sluice-command', log: commandLog() })
  try {
    return await work(client)
  } finally {
    await client.close()
  }
}

export function noSuchTopic(topic: string): CommandError {
  return new CommandError(
    'kafka.topic',
    `There is no topic ${topic}. \`sluice topics\` lists those that exist; \`sluice topics --create ${topic}\` creates it.`,
  )
}
