import type { Command } from 'commander'
import { CommandError } from '../api/errors.ts'

/** `sluice task-host`: started by a worker, never by hand. */
export function register(program: Command): void {
  program.command('task-host', { hidden: true }).summary('run tasks for a worker').action(run)
}

async function run(): Promise<void> {
  if (process.send === undefined) {
    const suggestion = 'a worker starts its task hosts itself: run sluice worker'
    throw new CommandError('dev.start', 'A task host works for the worker that starts it', { suggestion })
  }
  const { runHost } = await import('../runtime/host/host.ts')
  await runHost()
}
