/** `npm run quickstart`: a command of the checkout, not of the package (it needs the development dependencies). */
import { Command } from 'commander'
import { runQuickstart, type QuickstartOptions } from '../dev/quickstart.ts'
import { fail } from './failure.ts'
import { parsePort } from './options.ts'

const program = new Command('npm run quickstart --')
  .description(
    'Starts Kafka, a schema registry and a worker on this machine, scores real flights with the flight-delay job and ' +
      'shows the result. Everything stays up until Ctrl-C.',
  )
  .option('--once', 'stop everything after the table', false)
  .option('--json', 'print the summary as one JSON object on the last line', false)
  .option('--kafka-port <port>', 'the port of the Kafka protocol', parsePort, 9092)
  .option('--registry-port <port>', 'the port of the schema registry', parsePort, 8081)
  .option('--rest-port <port>', "the port of the worker's REST API", parsePort, 8083)
  .option('--data-dir <folder>', 'where data is kept', '.sluice')
  .option('--bootstrap-servers <list>', 'use this Kafka (host:port,…) instead of starting one')
  .option('--debug', 'show where an unexpected error comes from')

try {
  const options = program.parse().opts<Omit<QuickstartOptions, 'workers'>>()
  await runQuickstart({ ...options, workers: 1 })
  process.exit()
} catch (error) {
  fail(error)
}
