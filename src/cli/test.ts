import type { Command } from 'commander'
import { exitingWith } from './failure.ts'
import { UNUSABLE } from './run.ts'
import type { TestOptions } from './run-tests.ts'
import { timed, TIMEOUT, type TimedOptions } from './timed.ts'

export function register(program: Command): void {
  program
    .command('test')
    .summary('run the tests beside connector configurations, without Kafka')
    .description(
      'Runs *.test.json, each beside the configuration of its name (flight-delay.test.json for flight-delay.json): cases of ' +
        'records that go in and what comes out of the connector. Prints a line per case, and what differs. Exit code 1 ' +
        'where a case fails.',
    )
    .argument('[files or folders...]', 'the tests; default: the present folder and all in it')
    .option('--filter <text>', 'only cases with this text in the name of their file or their own')
    .option('--update', 'write what comes out over what was expected', false)
    .option('--json', 'print one JSON object per case', false)
    .option('--worker <file>', 'the settings of a worker; default: those of `sluice dev`')
    .option('--models <folder>', 'where models are, instead of the worker’s models.dir')
    .option(...TIMEOUT)
    .action(run)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : UNUSABLE))
}

async function run(places: readonly string[], options: TestOptions & TimedOptions): Promise<void> {
  await exitingWith(UNUSABLE, () => timed(work)(places, options))
}

async function work(places: readonly string[], options: TestOptions & TimedOptions): Promise<void> {
  const { runTests } = await import('./run-tests.ts')
  await runTests(places, options)
}
