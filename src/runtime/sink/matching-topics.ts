import type { RawConfig } from '../../api/config.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, UnavailableError } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import type { HostSettings } from '../host/protocol.ts'
import { TaskClients } from '../host/task-clients.ts'
import { topicReader } from './read-topics.ts'

const PATIENCE_MS = 2_000
/** More topics are not looked at, nor is the registry asked for their schemas. */
const MOST = 100

/**
 * The topics that `topics.regex` matches now, the first by name, for the check of a configuration. None where Kafka does
 * not answer within two seconds: a check is no reason to wait for it.
 */
export async function matchingTopics(
  { bootstrapServers, clientId, clients }: Pick<HostSettings, 'bootstrapServers' | 'clientId' | 'clients'>,
  config: RawConfig,
  log: Logger,
): Promise<string[]> {
  const own = new TaskClients({ bootstrapServers, clientId: `${clientId}-check`, clients, config, log })
  const waiting = new AbortController()
  const late = sleep(PATIENCE_MS, undefined, { signal: waiting.signal }).then(() => {
    throw new UnavailableError('kafka.unavailable', `No answer within ${PATIENCE_MS} ms`)
  })
  try {
    const found = await Promise.race([own.get('consumer').metadata(null), late])
    const names = found.filter(({ error }) => error === 0).map(({ topic }) => topic)
    return names.filter(topicReader(config)).toSorted().slice(0, MOST)
  } catch (error) {
    log.debug('a configuration is not checked against the topics of its pattern', { error: messageOf(error) })
    return []
  } finally {
    waiting.abort()
    void own.close()
  }
}
