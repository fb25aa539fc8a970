import type { Command } from 'commander'
import { bootstrapServersOption, clientConfigOption, parsePositive } from './options.ts'
import type { TopicsOptions } from './run-topics.ts'

export function register(program: Command): void {
  program
    .command('topics')
    .summary('list, describe, create and delete topics')
    .description('Lists the topics, or describes one; --create and --delete change them.')
    .argument('[name]', 'the topic to describe, partition by partition')
    .option('--create <name>', 'create a topic')
    .option('--partitions <number>', 'how many partitions it gets', parsePositive, 1)
    .option('--delete <name>', 'delete a topic and its records')
    .option('--all', "list Kafka's own topics too")
    .option('--json', 'print one JSON object per topic')
    .addOption(bootstrapServersOption())
    .addOption(clientConfigOption())
    .action(run)
}

async function run(name: string | undefined, options: TopicsOptions): Promise<void> {
  const { runTopics } = await import('./run-topics.ts')
  await runTopics(name, options)
}
