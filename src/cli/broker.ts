import type { Command } from 'commander'
import { parsePort } from './options.ts'

interface Options {
  readonly port: number
  readonly dataDir: string
}

export function register(program: Command): void {
  program
    .command('broker')
    .summary('run the embedded Kafka alone')
    .description(
      'Runs one real Apache Kafka on 127.0.0.1. Needs Java 17 and, the first time, Maven. When it serves requests it ' +
        'prints one JSON line. What it holds stays in the data folder. Ctrl-C stops it.',
    )
    .option('--port <port>', 'the port of the Kafka protocol', parsePort, 9092)
    .option('--data-dir <folder>', 'where its data is kept', '.sluice')
    .action(run)
}

async function run({ port, dataDir }: Options): Promise<void> {
  const { runBroker } = await import('../dev/run-broker.ts')
  await runBroker(port, dataDir)
}
