import { CommandError, UnavailableError } from '../api/errors.ts'
import type { Logger } from '../api/log.ts'
import { KafkaClient } from '../kafka/client.ts'
import { createLogger } from '../runtime/host/log.ts'

/** Warnings and errors, on standard error; SLUICE_LOG_LEVEL says otherwise. */
export function commandLog(): Logger {
  return createLogger(process.env['SLUICE_LOG_LEVEL'] ?? 'warn', { process: 'command' })
}

export const INTERRUPTED = 130
/** How long Kafka may take to confirm what is under way after Ctrl-C. */
const LAST_GRACE_MS = 3000

/**
 * Runs a command with a client of its own. Throws at once where no Kafka answers, whatever the command would retry. Where
 * `stopping` aborts and Kafka answers nothing, the process ends without it.
 */
export async function withClient<T>(
  bootstrapServers: string,
  work: (client: KafkaClient) => Promise<T>,
  stopping?: AbortSignal,
): Promise<T> {
  const servers = bootstrapServers.split(',').map((server) => server.trim())
  const client = new KafkaClient({ bootstrapServers: servers, clientId: 'sluice-command', log: commandLog() })
  stopping?.addEventListener('abort', () => setTimeout(giveUp, LAST_GRACE_MS).unref(), { once: true })
  try {
    await requireKafka(client, bootstrapServers)
    return await work(client)
  } finally {
    await client.close()
  }
}

async function requireKafka(client: KafkaClient, bootstrapServers: string): Promise<void> {
  try {
    await client.metadata([])
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error
    throw new CommandError('kafka.unavailable', `no Kafka answers at ${bootstrapServers}: ${error.message}`, {
      cause: error,
      suggestion: 'start one with `sluice dev`, or say where one is with --bootstrap-servers',
    })
  }
}

function giveUp(): void {
  process.stderr.write('sluice: Kafka does not answer; records that it has not confirmed may be lost\n')
  process.exit(INTERRUPTED)
}

export function noSuchTopic(topic: string): CommandError {
  return new CommandError(
    'kafka.topic',
    `There is no topic ${topic}. \`sluice topics\` lists those that exist; \`sluice topics --create ${topic}\` creates it.`,
  )
}
