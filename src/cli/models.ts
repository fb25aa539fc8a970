import { type Command, Option } from 'commander'
import type { PluginOptions } from './model-plugins.ts'
import { step } from './steps.ts'
import { isTimed, timed, type TimedOptions, TIMEOUT } from './timed.ts'

type ModelOptions = TimedOptions & PluginOptions

interface InspectOptions extends ModelOptions {
  readonly json?: boolean
  readonly replaces?: string
}

interface ScoreOptions extends ModelOptions {
  readonly model: string
  readonly input: string
  readonly output: string
  readonly json?: boolean
}

const PLUGIN_PATH = [
  '--plugin-path <folders>',
  'folders of packages with model formats, separated by commas; default: CONNECT_PLUGIN_PATH',
] as const

/** A worker names the packages that it found itself. */
function pluginPackage(): Option {
  const collect = (folder: string, others: readonly string[] | undefined) => [...(others ?? []), folder]
  return new Option('--plugin-package <folder>').argParser(collect).hideHelp()
}

/** Timed, and with the model formats of packages. */
function timedWithFormats<A extends readonly unknown[]>(work: (...args: A) => Promise<void>) {
  return timed(async (...args: A): Promise<void> => {
    const { loadModelPlugins } = await import('./model-plugins.ts')
    await loadModelPlugins(args.find(isModelOptions) ?? {})
    await work(...args)
  })
}

function isModelOptions(option: unknown): option is ModelOptions {
  return isTimed(option)
}

export function register(program: Command): void {
  const models = program
    .command('models')
    .summary('look into model files and score CSV files with them')
    .description(
      'Looks into model files, scores CSV files with them, and holds them against their probes. Needs no Kafka, no Python and no Java.',
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
    .option(
      '--replaces <path>',
      'fail where it could not take over from this model while a connector runs, or where this cannot be read',
    )
    .option(...PLUGIN_PATH)
    .addOption(pluginPackage())
    .option(...TIMEOUT)
    .action(timedWithFormats(inspect))
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
    .option(...PLUGIN_PATH)
    .option(...TIMEOUT)
    .action(timedWithFormats(score))
  models
    .command('verify')
    .summary('score the probes of a model')
    .description(
      'Scores the probes of a model (inputs with the outputs of the engine that trained it, probe.jsonl beside the file) ' +
        'and prints the largest difference. Fails where it is larger than the manifest allows, or a label differs.',
    )
    .argument('<path>', 'a model file or folder, or the name of a model below ./models')
    .option('--json', 'print a summary as one JSON object')
    .option(...PLUGIN_PATH)
    .option(...TIMEOUT)
    .action(timedWithFormats(verify))
  registerInit(models)
}

function registerInit(models: Command): void {
  models
    .command('init')
    .summary('write the manifest and the probes of a model')
    .description(
      'Writes manifest.json beside a model file: its checksum, columns, labels and what else the file says. With a sample ' +
        'also probe.jsonl: its rows, with the outputs of the engine that trained the model where the sample has columns ' +
        'for all of them (label or predict, and each class or p_<class>; a regression: prediction or predict), else with ' +
        'those of Sluice, which guard against a later change and prove nothing of the other engine.',
    )
    .argument('<path>', 'a model file, or the folder of one')
    .option(
      '--sample <file>',
      'rows as CSV with a header, of which the first 20 become probes; it names the columns of a network whose file does not',
    )
    .option('--force', 'overwrite a manifest.json and a probe.jsonl that are there')
    .option(...PLUGIN_PATH)
    .option(...TIMEOUT)
    .action(timedWithFormats(init))
}

function reading(path: string): string {
  return `Reading and probing ${path}`
}

async function init(
  path: string,
  options: ModelOptions & { readonly sample?: string; readonly force?: boolean },
): Promise<void> {
  const { initModel } = await import('./init-model.ts')
  process.stdout.write(await step(reading(path), () => initModel(path, options)))
}

async function verify(path: string, options: ModelOptions & { readonly json?: boolean }): Promise<void> {
  const { openModel } = await import('./open-model.ts')
  // Opening a model scores its probes: what a worker would refuse is refused here.
  const { model, probed, file } = await step(reading(path), () => openModel(path))
  if (probed === null) {
    const { ModelError } = await import('../api/errors.ts')
    throw new ModelError(
      'model.probe',
      `${file} has no probes: put a probe.jsonl and a manifest.json beside it.`,
    )
  }
  const { probes, largest, at, tolerance, own } = probed
  if (options.json === true) {
    const summary = {
      model: model.name,
      version: model.version,
      probes,
      largestDifference: largest,
      tolerance,
      own,
    }
    process.stdout.write(`${JSON.stringify({ ...summary, at })}\n`)
    return
  }
  const where = at === null ? '' : ` (${at.name}, line ${at.line})`
  process.stdout.write(
    `${model.name} ${model.version}: ${probes} probes, largest difference ${largest}${where}, allowed ${tolerance}${own === 0 ? '' : `; ${own} of them recorded by Sluice itself`}\n`,
  )
}

async function inspect(path: string, options: InspectOptions): Promise<void> {
  const { checkReplaces, openModel, tryOut } = await import('./open-model.ts')
  const { describeModel, formatModel } = await import('./describe-model.ts')
  const ready = await step(reading(path), async () => {
    const opened = await openModel(path)
    await tryOut(opened)
    return opened
  })
  const { replaces } = options
  if (replaces !== undefined) await step(reading(replaces), () => checkReplaces(ready.model, replaces))
  process.stdout.write(
    options.json === true ? `${JSON.stringify(describeModel(ready))}\n` : formatModel(ready),
  )
}

async function score(options: ScoreOptions): Promise<void> {
  const { openModel } = await import('./open-model.ts')
  const { scoreFile } = await import('./score-csv.ts')
  const ready = await step(reading(options.model), () => openModel(options.model))
  const summary = await scoreFile(ready, {
    ...options,
    warn: (message) => process.stderr.write(`${message}\n`),
  })
  if (options.json === true) process.stdout.write(`${JSON.stringify(summary)}\n`)
  else process.stderr.write(`${summary.rows} rows scored in ${summary.seconds} s: ${options.output}\n`)
}
