/**
 * The flight-delay job on Sluice, on the JVM peer and as bytes through, on the same records and the same broker, one
 * after the other. docs/benchmarks.md says what is measured and how.
 */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { CommandError } from '../src/api/errors.ts'
import { describeFailure } from '../src/cli/failure.ts'
import { type Check, compareOutputs } from './support/check.ts'
import { type Job, type Measured, REPOSITORY, say } from './support/job.ts'
import { runPeer } from './support/peer.ts'
import { buildPeer } from './support/peer-jars.ts'
import * as report from './support/report.ts'
import { bytesThrough, flightDelay, runConnector } from './support/sluice.ts'
import { openStand, SOURCE_TOPIC, type Stand } from './support/stand.ts'
import { createTopic } from './support/topics.ts'

const FULL_SIZE = 1_000_000
const LEAST_RATIO = 5
const RESULT_FILE = path.join(REPOSITORY, 'bench', 'results', 'flight-delay.json')
const USAGE = `npm run bench -- [options]
  --records N    how many flights (default 1000000; fewer are not written to bench/results)
  --runs N       how often each engine runs; the medians are shown (default 1)
  --json         one JSON object on the last line
  --no-check     do not compare the outputs of Sluice and the JVM peer
  --no-assert    do not fail below ${LEAST_RATIO} times the JVM peer per CPU second
  --profile DIR  CPU profiles of Sluice's processes (they slow it down; not written to bench/results)`

interface Options {
  readonly records: number
  readonly runs: number
  readonly json: boolean
  readonly check: boolean
  readonly assert: boolean
  readonly profile: string | undefined
}

function readOptions(): Options | null {
  const { values } = parseArgs({
    allowNegative: true,
    options: {
      help: { type: 'boolean', default: false },
      records: { type: 'string', default: String(FULL_SIZE) },
      runs: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
      check: { type: 'boolean', default: true },
      assert: { type: 'boolean', default: true },
      profile: { type: 'string' },
    },
  })
  const count = (name: 'records' | 'runs'): number => {
    if (/^[1-9]\d{0,7}$/.test(values[name])) return Number(values[name])
    throw new CommandError('config.invalid', `--${name} must be a whole number from 1 to 99999999`)
  }
  if (values.help) return null
  return { ...values, records: count('records'), runs: count('runs'), profile: values.profile }
}

async function bench(options: Options): Promise<report.Report> {
  const machine = await report.machine()
  await buildPeer()
  const runs: Record<report.EngineName, Measured[]> = { jvm: [], sluice: [], bytes: [] }
  const checks: Check[] = []
  const stand = await openStand(options.records)
  for (let run = 1; run <= options.runs; run++) {
    const order = orderOf(run)
    for (const engine of order) {
      say(`run ${run} of ${options.runs}: ${report.ENGINES[engine]}`)
      runs[engine].push(await measure(engine, jobOf(engine, run, stand, options), stand))
    }
    if (options.check) {
      say(`run ${run} of ${options.runs}: comparing the outputs`)
      checks.push(await compareOutputs(stand, target('jvm', run), target('sluice', run)))
    }
    await stand.admin.deleteTopics({ topics: order.map((engine) => target(engine, run)) })
  }
  await stand.close()
  const engines = report.summarise(options.records, runs)
  return { records: options.records, machine, engines, runs, checks }
}

/** Who runs first changes from run to run, so that a machine that slows down or speeds up favours nobody. */
function orderOf(run: number): report.EngineName[] {
  const order: report.EngineName[] = ['jvm', 'sluice', 'bytes']
  return run % 2 === 1 ? order : order.reverse()
}

function target(engine: report.EngineName, run: number): string {
  return `flight-delays-${engine}-${run}`
}

function jobOf(engine: report.EngineName, run: number, stand: Stand, options: Options): Job {
  return {
    records: options.records,
    bootstrapServers: stand.bootstrapServers,
    registry: stand.registry,
    source: SOURCE_TOPIC,
    target: target(engine, run),
    id: `bench-${engine}-${run}`,
    folder: stand.folder,
    sluice: stand.sluice,
    profiles: options.profile,
  }
}

async function measure(engine: report.EngineName, job: Job, { admin, source }: Stand): Promise<Measured> {
  await createTopic(admin, job.target)
  if (engine === 'jvm') return runPeer(job, admin, source)
  const config = engine === 'sluice' ? flightDelay(job) : bytesThrough(job)
  return runConnector(report.ENGINES[engine], job, admin, config)
}

/** False: the result is not what this benchmark promises. */
function publish(result: report.Report, options: Options): boolean {
  process.stdout.write(`${report.table(result.engines)}\n`)
  for (const check of result.checks) process.stdout.write(`${report.checkText(check)}\n`)
  if (result.records >= FULL_SIZE && options.profile === undefined) {
    writeFileSync(RESULT_FILE, `${JSON.stringify(result, null, 2)}\n`)
  }
  const fast = !options.assert || result.engines.sluice.ratio >= LEAST_RATIO
  if (!fast) process.stdout.write(`Sluice is below ${LEAST_RATIO} times the JVM peer per CPU second\n`)
  if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`)
  return fast && result.checks.every(({ ok }) => ok)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
try {
  const options = readOptions()
  if (options === null) process.stdout.write(`${USAGE}\n`)
  process.exit(options === null || publish(await bench(options), options) ? 0 : 1)
} catch (error) {
  say(`bench: ${describeFailure(error)}`)
  process.exit(1)
}
