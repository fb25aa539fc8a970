import type { Command } from 'commander'
import { listOf } from '../api/config.ts'
import { CommandError } from '../api/errors.ts'
import { isLoopback } from '../api/hosts.ts'
import { bootstrapServersOption, parsePort } from './options.ts'

interface Options {
  readonly port: number
  readonly bootstrapServers: string
  readonly topic: string
  readonly host: string
  readonly allowedHosts: string
  readonly usersFile?: string
  readonly allowNetwork?: boolean
}

export function register(program: Command): void {
  program
    .command('registry')
    .summary('run the schema registry alone')
    .description(
      "Runs a schema registry with Confluent's REST API for Avro, which keeps its schemas in a compacted " +
        'topic. Run one per topic. When it serves requests it prints one JSON line. Ctrl-C stops it.',
    )
    .option('--port <port>', 'the port of its REST API', parsePort, 8081)
    .addOption(bootstrapServersOption())
    .option('--topic <topic>', 'the topic of its schemas', '_schemas')
    .option(
      '--host <address>',
      'the address to listen on; another one than 127.0.0.1 needs users',
      '127.0.0.1',
    )
    .option('--users-file <file>', 'who may ask, with roles and hashes of passwords (sluice hash-password)')
    .option('--allowed-hosts <list>', 'names by which other machines ask, besides addresses in numbers', '')
    .option('--allow-network', 'lets whoever reaches that address do everything, without users')
    .action(run)
}

async function run(options: Options): Promise<void> {
  const { port, bootstrapServers, topic, host, allowedHosts, usersFile } = options
  refuseOpen(options)
  const [{ Access }, { startRegistry }, { createLogger }, { aborted, stopSignal }] = await Promise.all([
    import('../access/access.ts'),
    import('../registry/server.ts'),
    import('../runtime/host/log.ts'),
    import('../dev/signals.ts'),
  ])
  const signal = stopSignal(() => undefined)
  const log = createLogger(process.env['SLUICE_LOG_LEVEL'] ?? 'info', { process: 'registry' })
  const users = usersFile === undefined ? null : { file: usersFile, setting: '--users-file' }
  const access = users === null ? undefined : new Access({ users, bearer: null, certificates: null }, log)
  await access?.open()
  const reached = { host, allowedHosts: listOf(allowedHosts), ...(access === undefined ? {} : { access }) }
  const starting = startRegistry({ port, bootstrapServers: listOf(bootstrapServers), topic, log, ...reached })
  const registry = await Promise.race([starting, aborted(signal)])
  if (registry !== undefined) {
    process.stdout.write(`${JSON.stringify({ ready: true, schemaRegistry: registry.url })}\n`)
    await aborted(signal)
  }
  await registry?.close()
  process.exit(0)
}

/** Without users whoever reaches it can change and delete schemas. */
function refuseOpen({ host, usersFile, allowNetwork = false }: Options): void {
  if (isLoopback(host) || usersFile !== undefined || allowNetwork) return
  throw new CommandError('dev.start', `The schema registry would be open without users on ${host}`, {
    suggestion:
      'name those who may ask with --users-file, or listen on 127.0.0.1; where only people whom you trust reach that address, add --allow-network',
  })
}
