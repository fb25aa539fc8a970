#!/usr/bin/env node
import '../kafka/lean-client.ts'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { Command } from 'commander'
import { endWithParent } from '../dev/child-channel.ts'
import { packageRoot } from '../dev/package-root.ts'
import { register as registerBroker } from './broker.ts'
import { register as registerDev } from './dev.ts'
import { fail } from './failure.ts'
import { register as registerHashPassword } from './hash-password.ts'
import { register as registerModels } from './models.ts'
import { register as registerRecords } from './records.ts'
import { register as registerRegistry } from './registry.ts'
import { register as registerRun } from './run.ts'
import { register as registerStandalone } from './standalone.ts'
import { register as registerTaskHost } from './task-host.ts'
import { register as registerTest } from './test.ts'
import { register as registerTopics } from './topics.ts'
import { register as registerWorker } from './worker.ts'

// Process lists then show `sluice worker …` or `sluice task-host`, whatever file was started.
process.title = ['sluice', ...process.argv.slice(2)].join(' ')

/** Each command is light to register and imports its work in its action: starting one must not load the others. */
function createProgram(): Command {
  const program = new Command('sluice')
    .description('Kafka Connect in TypeScript, made for models in the stream')
    .version(version())
    .option('--debug', 'show where an unexpected error comes from (or set SLUICE_DEBUG)')
    .showHelpAfterError('(--help shows the commands and options)')
  const commands = [
    registerDev,
    registerWorker,
    registerStandalone,
    registerTaskHost,
    registerBroker,
    registerRegistry,
    registerModels,
    registerTopics,
    registerRecords,
    registerRun,
    registerTest,
    registerHashPassword,
  ]
  for (const register of commands) register(program)
  return program
}

function version(): string {
  const file = path.join(packageRoot(), 'package.json')
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}

if (process.argv[2] !== 'task-host') endWithParent() // a task host has a watchdog of its own
try {
  await createProgram().parseAsync()
} catch (error) {
  fail(error)
}
