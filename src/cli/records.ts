import { type Command, Option } from 'commander'
import { bootstrapServersOption, clientConfigOption, parsePositive } from './options.ts'
import type { ConsumeOptions } from './run-consume.ts'
import type { ProduceOptions } from './run-produce.ts'

export function register(program: Command): void {
  registerProduce(program)
  registerConsume(program)
}

function registerProduce(program: Command): void {
  program
    .command('produce')
    .summary('write records to a topic, one per line')
    .description(
      'Writes a record per line of a file, or of standard input. A line that cannot be sent ends the command and is ' +
        'named by its number; the lines before it are sent.',
    )
    .argument('<topic>', 'the topic, which must exist')
    .argument('[file]', 'the lines; default: standard input')
    .addOption(
      new Option('--format <name>', 'what lines are').choices(['avro', 'json', 'text']).default('avro'),
    )
    .option('--schema <file>', 'the Avro schema; default: the newest of subject TOPIC-value')
    .option('--key <field>', 'take the text of this field as key')
    .option('--key-separator <text>', 'take what stands before this text as key')
    .option('--null <text>', 'a line that is this has no value; default: null, for text none')
    .addOption(bootstrapServersOption())
    .addOption(clientConfigOption())
    .option('--registry <url>', 'the schema registry', 'http://127.0.0.1:8081')
    .action(produce)
}

function registerConsume(program: Command): void {
  program
    .command('consume')
    .summary('print the records of a topic, one line of JSON each')
    .description('Prints what comes, or with --from-beginning also what is there, until Ctrl-C.')
    .argument('<topic>', 'the topic; it is waited for')
    .option('--from-beginning', 'all that the topic holds first', false)
    .option('--max <number>', 'end after so many records', parsePositive)
    .option('--exit-at-end', 'end where the topic ended when the command started', false)
    .option('--with <parts>', 'print an object with key, headers, partition, offset, timestamp, or all')
    .addOption(
      new Option('--format <name>', 'what values are')
        .choices(['auto', 'avro', 'json', 'text', 'bytes'])
        .default('auto'),
    )
    .addOption(bootstrapServersOption())
    .addOption(clientConfigOption())
    .option('--registry <url>', 'the schema registry', 'http://127.0.0.1:8081')
    .action(consume)
}

async function produce(topic: string, file: string | undefined, options: ProduceOptions): Promise<void> {
  const { runProduce } = await import('./run-produce.ts')
  await runProduce(topic, file, options)
}

async function consume(topic: string, options: ConsumeOptions): Promise<void> {
  const { runConsume } = await import('./run-consume.ts')
  await runConsume(topic, options)
}
