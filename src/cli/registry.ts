import type { Command } from 'commander'
import { parsePort } from './options.ts'

interface Options {
  readonly port: number
  readonly bootstrapServers: string
  readonly topic: string
}

export function register(program: Command): void {
  program
    .command('registry')
    .summary('run the schema registry alone')
    .description(
      "Runs a schema registry with Confluent's REST API for Avro on 127.0.0.1, which keeps its schemas in a compacted " +
        'topic. Run one per topic. When it serves requests it prints one JSON line. Ctrl-C stops it.',
    )
    .option('--port <port>', 'the port of its REST API', parsePort, 8081)
    .option('--bootstrap-servers <list>', 'the Kafka to use (host:port,…)', '127.0.0.1:9092')
    .option('--topic <topic>', 'the topic of its schemas', '_schemas')
    .action(run)
}

async function run({ port, bootstrapServers, topic }: Options): Promise<void> {
  const [{ startRegistry }, { createLogger }, { aborted, stopSignal }] = await Promise.all([
    import('../registry/server.ts'),
    import('../runtime/host/log.ts'),
    import('../dev/signals.ts'),
  ])
  const signal = stopSignal(() => undefined)
  const log = createLogger(process.env['SLUICE_LOG_LEVEL'] ?? 'info', { process: 'registry' })
  const servers = bootstrapServers.split(',').map((server) => server.trim())
  const starting = startRegistry({ port, bootstrapServers: servers, topic, log })
  const registry = await Promise.race([starting, aborted(signal)])
  if (registry !== undefined) {
    process.stdout.write(`${JSON.stringify({ ready: true, schemaRegistry: registry.url })}\n`)
    await aborted(signal)
  }
  await registry?.close()
  process.exit(0)
}
