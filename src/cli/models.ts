import type { Command } from 'commander'

interface InspectOptions {
  readonly json?: boolean
}

interface ScoreOptions {
  readonly model: string
  readonly input: string
  readonly output: string
  readonly json?: boolean
}

export function register(program: Command): void {
  const models = program
    .command('models')
    .summary('look into model files and score CSV files with them')
    .description(
      'Looks into model files, and scores CSV files with them. Needs no Kafka, no Python and no Java.',
    )
  models
    .command('inspect')
    .summary('show what a model file is')
    .description(
      'Shows what a model is: format, algorithm, columns with their types and levels, labels and threshold. The model ' +
        'is loaded as a worker would load it: with its manifest and probes, where they lie beside it.',
    )
    .argument('<path>', 'a model file or folder, or the name of a model below ./models')
    .option('--json', 'print everything as one JSON object')
    .action(inspect)
  models
    .command('score')
    .summary('score the rows of a CSV file')
    .description(
      'Scores a CSV file with a header; an empty cell and NA are missing. Writes one row per row: predict, and for a ' +
        'classifier the probability of each class, named as the class; for an autoencoder reconstructionError, for an ' +
        'isolation forest score (the mean path length) and normalizedScore; 17 significant digits.',
    )
    .requiredOption('--model <path>', 'a model file or folder, or the name of a model below ./models')
    .requiredOption('--input <file>', 'the rows, as CSV with a header')
    .requiredOption('--output <file>', 'where the scores are written')
    .option('--json', 'print a summary as one JSON object')
    .action(score)
}

async function inspect(path: string, options: InspectOptions): Promise<void> {
  const { openModel } = await import('./open-model.ts')
  const { describeModel, formatModel } = await import('./describe-model.ts')
  const ready = await openModel(path)
  process.stdout.write(
    options.json === true ? `${JSON.stringify(describeModel(ready))}\n` : formatModel(ready),
  )
}

async function score(options: ScoreOptions): Promise<void> {
  const { openModel } = await import('./open-model.ts')
  const { scoreFile } = await import('./score-csv.ts')
  const ready = await openModel(options.model)
  const summary = await scoreFile(ready, {
    ...options,
    warn: (message) => process.stderr.write(`${message}\n`),
  })
  if (options.json === true) process.stdout.write(`${JSON.stringify(summary)}\n`)
  else process.stderr.write(`${summary.rows} rows scored in ${summary.seconds} s: ${options.output}\n`)
}
