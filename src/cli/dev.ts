import type { Command } from 'commander'
import type { StackOptions } from '../dev/stack.ts'
import { parseCount, parsePort } from './options.ts'

export function register(program: Command): void {
  program
    .command('dev')
    .summary('run Kafka, a schema registry and workers on this machine')
    .description(
      'Starts an embedded Kafka, a schema registry and workers on 127.0.0.1, each as a process of its own, and starts ' +
        'again what dies. When all is healthy it prints one JSON line with the addresses. Data survives a restart. ' +
        'Ctrl-C stops everything; a second one kills it. Logs go to standard error (SLUICE_LOG_LEVEL=debug|info|warn|error).',
    )
    .option('--kafka-port <port>', 'the port of the Kafka protocol', parsePort, 9092)
    .option('--registry-port <port>', 'the port of the schema registry', parsePort, 8081)
    .option('--rest-port <port>', "the port of the first worker's REST API; others count up", parsePort, 8083)
    .option('--data-dir <folder>', 'where data is kept', '.sluice')
    .option(
      '--workers <number>',
      'how many workers, one cluster that shares connectors and tasks',
      parseCount,
      1,
    )
    .option('--bootstrap-servers <list>', 'use this Kafka (host:port,…) instead of starting one')
    .action(run)
}

async function run(options: StackOptions): Promise<void> {
  const { runDev } = await import('../dev/run-dev.ts')
  await runDev(options)
}
