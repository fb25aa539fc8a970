import type { Command } from 'commander'

export function register(program: Command): void {
  program
    .command('worker')
    .summary('run one worker against a Kafka that is there')
    .description(
      'Runs one worker: its REST API and the connectors of its cluster. FILE holds its settings with Kafka Connect’s ' +
        'names, as JSON (.json) or as Java properties (a connect-distributed.properties file). A setting is overridden ' +
        'by an environment variable: CONNECT_BOOTSTRAP_SERVERS for bootstrap.servers. Ctrl-C stops it.',
    )
    .argument('[file]', 'the settings; without a file, those of the environment alone')
    .action(run)
}

async function run(file: string | undefined): Promise<void> {
  const [{ loadSettings }, { beginWorker, untilStarted }] = await Promise.all([
    import('../worker/settings/settings.ts'),
    import('./run-worker.ts'),
  ])
  await untilStarted(await beginWorker(await loadSettings(file)))
}
