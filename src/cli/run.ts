import { type Command, Option } from 'commander'
import { exitingWith } from './failure.ts'
import { parsePositive, parseSetting } from './options.ts'
import type { RunOptions } from './run-pipeline.ts'
import { timed, TIMEOUT } from './timed.ts'

/** Wrong options, files and configurations; 1 is for a connector that would have failed. */
export const UNUSABLE = 2

export function register(program: Command): void {
  program
    .command('run')
    .summary('run a connector on a file, without Kafka, and print what comes out')
    .description(
      'Takes the lines of a file through a connector as a task would (converters, transforms, predicates, models, ' +
        'errors.tolerance) and prints the records that it would write, one line of JSON each, as `sluice consume` does. ' +
        'What was dropped and what failed is named on standard error. Of a source without --input it prints what the source ' +
        'reads. Neither Kafka nor a schema registry is asked, and nothing is written.',
    )
    .argument('<connector>', 'the configuration: JSON as it is posted, or flat, or Java properties')
    .option('--input <file>', 'the records, one line each; - is standard input')
    .option('--records', 'lines are records, as `sluice consume --with all` prints them', false)
    .option('--schema <file>', 'the Avro schema of the values')
    .option('--key-schema <file>', 'the Avro schema of the keys, for --records')
    .option('--key <field>', 'take the text of this field as key')
    .option('--key-separator <text>', 'take what stands before this text as key')
    .option('--null <text>', 'a line that is this has no value; default: null, for text none')
    .option('--topic <name>', 'the topic that records are of; default: the first of the connector')
    .option('--limit <number>', 'end after so many records of the input', parsePositive)
    .option('--all', 'print dropped and failed records among the others', false)
    .option(
      '--with <parts>',
      'print an object with topic, key, headers, partition, offset, timestamp, or all',
    )
    .addOption(
      new Option('--format <name>', 'what the values that come out are')
        .choices(['auto', 'avro', 'json', 'text', 'bytes'])
        .default('auto'),
    )
    .option('--set <key=value>', 'a key of the configuration, over that of the file', parseSetting)
    .option('--worker <file>', 'the settings of a worker; default: those of `sluice dev`')
    .option('--models <folder>', 'where models are, instead of the worker’s models.dir')
    .option(...TIMEOUT)
    .action(run)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : UNUSABLE))
}

async function run(connector: string, options: RunOptions & { readonly timeout: number }): Promise<void> {
  await exitingWith(UNUSABLE, () => timed(work)(connector, options))
}

async function work(connector: string, options: RunOptions & { readonly timeout: number }): Promise<void> {
  const { runPipeline } = await import('./run-pipeline.ts')
  await runPipeline(connector, options)
}
