import type { Command } from 'commander'
import { CommandError, ConnectError, messageOf } from '../api/errors.ts'
import type { Logger } from '../api/log.ts'
import type { ConnectorFile } from '../worker/configs/connector-file.ts'
import type { RunningWorker } from '../worker/worker.ts'
import { exitingWith } from './failure.ts'

/** Kafka Connect's exit codes: the worker, or one of its connectors, does not start. */
const EXIT = { settings: 2, start: 3 } as const

export function register(program: Command): void {
  program
    .command('standalone')
    .summary('run one worker by itself, with connectors from files')
    .description(
      'Runs one worker by itself, as Kafka Connect’s connect-standalone: it is in no group and needs no topics of its own. WORKER ' +
        'holds its settings, as Java properties (a connect-standalone.properties file) or as JSON (.json); offsets of sources go ' +
        'to the file offset.storage.file.filename. Each CONNECTOR is a file of properties or JSON, as it is or as it would be ' +
        'posted to REST. Connectors are created, changed and deleted over REST too, until the worker stops. A connector ' +
        'that does not start ends it with exit code 3. Ctrl-C stops it.',
    )
    .argument('<worker>', 'the settings')
    .argument('[connectors...]', 'a file for each connector')
    .action(run)
}

async function run(file: string, connectorFiles: readonly string[]): Promise<void> {
  const [{ loadSettings }, { readConnectorFiles }, { beginWorker, untilStarted }] = await Promise.all([
    import('../worker/settings/settings.ts'),
    import('../worker/configs/connector-file.ts'),
    import('./run-worker.ts'),
  ])
  const read = await exitingWith(EXIT.settings, () => loadSettings(file, process.env, 'standalone'))
  const connectors = await exitingWith(EXIT.start, async () =>
    Promise.resolve(readConnectorFiles(connectorFiles)),
  )
  const worker = await exitingWith(EXIT.settings, () => beginWorker(read))
  await exitingWith(EXIT.start, () =>
    untilStarted(worker, (running) => startConnectors(running, connectors, worker.log)),
  )
}

/** One after the other, in their order. */
async function startConnectors(
  worker: RunningWorker,
  connectors: readonly ConnectorFile[],
  log: Logger,
): Promise<void> {
  for (const { file, name, config, target } of connectors) {
    try {
      await worker.herder.create(name, config, target)
    } catch (error) {
      throw notStarted(name, file, error)
    }
    await worker.settled()
    const { connector } = worker.herder.views.status(name)
    if (connector.state === 'FAILED') throw notStarted(name, file, connector.trace ?? 'no reason is known')
    log.info('the connector has started', { connector: name, file })
  }
}

function notStarted(name: string, file: string, cause: unknown): CommandError {
  const message = `Connector ${name} (${file}) does not start: ${messageOf(cause)}`
  return new CommandError(cause instanceof ConnectError ? cause.code : 'task.failed', message, { cause })
}
