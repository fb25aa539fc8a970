import type { RawConfig } from '../api/config.ts'
import { CommandError, UnavailableError } from '../api/errors.ts'
import type { Logger } from '../api/log.ts'
import { KafkaClient } from '../kafka/client.ts'
import { isSecurityKey } from '../kafka/security/security-keys.ts'
import { createLogger } from '../runtime/host/log.ts'
import { readFile } from '../worker/settings/settings-file.ts'

/** Warnings and errors, on standard error; SLUICE_LOG_LEVEL says otherwise. */
export function commandLog(): Logger {
  return createLogger(process.env['SLUICE_LOG_LEVEL'] ?? 'warn', { process: 'command' })
}

export const INTERRUPTED = 130
/** How long Kafka may take to confirm what is under way after Ctrl-C. */
const LAST_GRACE_MS = 3000

/** Which Kafka a command asks, and how. */
export interface Kafka {
  readonly bootstrapServers: string
  /** A file as Kafka's own commands take by --command-config; where absent, in clear. */
  readonly config?: string
}

/**
 * Runs a command with a client of its own. Throws at once where no Kafka answers, whatever the command would retry. Where
 * `stopping` aborts and Kafka answers nothing, the process ends without it.
 * @throws ConfigError where the file of its security is wrong
 */
export async function withClient<T>(
  { bootstrapServers, config }: Kafka,
  work: (client: KafkaClient) => Promise<T>,
  stopping?: AbortSignal,
): Promise<T> {
  const servers = bootstrapServers.split(',').map((server) => server.trim())
  const client = new KafkaClient({
    ...{ bootstrapServers: servers, clientId: 'sluice-command', log: commandLog() },
    security: config === undefined ? {} : securityOf(config),
  })
  stopping?.addEventListener('abort', () => setTimeout(giveUp, LAST_GRACE_MS).unref(), { once: true })
  try {
    await requireKafka(client, bootstrapServers)
    return await work(client)
  } finally {
    await client.close()
  }
}

function securityOf(file: string): RawConfig {
  const settings = Object.fromEntries(readFile(file))
  const others = Object.keys(settings).filter((key) => !isSecurityKey(key))
  if (others.length > 0)
    process.stderr.write(`sluice: ${file}: without effect on this command: ${others.sort().join(', ')}\n`)
  return settings
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
