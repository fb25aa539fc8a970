/**
 * `npm run reliability -- R1 [--long] [--records N] [--per-second N] [--seed N] [--times N] [--report]`: experiments of
 * docs/reliability.md on a broker, a registry and workers of their own. Ends with 1 where a figure is not what it has to be.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, loadavg } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import type { Experiment, Figure, RunOptions } from './experiment.ts'
import { EXPERIMENTS } from './experiments.ts'

const REPORTS = path.join(import.meta.dirname, 'reports')
const USAGE = `Usage: npm run reliability -- NAME... [options]
${EXPERIMENTS.map(({ name, title }) => `  ${name}  ${title}`).join('\n')}
  --long          the sizes of the reports (default: those of CI)
  --records N     how many records
  --per-second N  how fast they are written
  --seed N        what is killed and when (default: at random; it is printed)
  --times N       runs of each, with seeds of their own (default 1)
  --report        write test/reliability/reports/NAME.json
`

interface Report {
  readonly experiment: string
  readonly title: string
  readonly date: string
  readonly seed: number
  readonly cores: number
  readonly loadAtStart: number
  readonly seconds: number
  readonly figures: readonly Figure[]
}

function fail(message: string): never {
  process.stderr.write(`${message}\n${USAGE}`)
  process.exit(2)
}

async function runOnce(experiment: Experiment, options: RunOptions): Promise<Report> {
  const [began, loadAtStart] = [performance.now(), Math.round((loadavg()[0] ?? 0) * 10) / 10]
  options.say(`${experiment.title}: ${options.records} records, seed ${options.seed}`)
  const figures = await experiment.run(options)
  const seconds = Math.round((performance.now() - began) / 1000)
  for (const { what, value, target, holds } of figures) {
    const wanted = target === undefined ? '' : ` (${target})`
    options.say(`${holds ? '✔' : '✖'} ${value.toLocaleString('en')} ${what}${wanted}`)
  }
  const { name, title } = experiment
  const date = new Date().toISOString()
  return {
    experiment: name,
    title,
    date,
    seed: options.seed,
    cores: cpus().length,
    loadAtStart,
    seconds,
    figures,
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    long: { type: 'boolean', default: false },
    records: { type: 'string' },
    'per-second': { type: 'string' },
    seed: { type: 'string' },
    times: { type: 'string', default: '1' },
    report: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  process.stdout.write(USAGE)
  process.exit(0)
}
if (positionals.length === 0) fail('Name an experiment.')
let failed = 0
for (const name of positionals) {
  const experiment = EXPERIMENTS.find((each) => each.name === name.toUpperCase())
  if (experiment === undefined) fail(`There is no experiment ${name}.`)
  const size = values.long ? experiment.long : experiment.short
  const reports: Report[] = []
  for (let time = 0; time < Number(values.times); time++) {
    const say = (line: string): void =>
      void process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${name}: ${line}\n`)
    const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31)) + time
    const records = Number(values.records ?? size.records)
    const perSecond = Number(values['per-second'] ?? size.perSecond)
    const report = await runOnce(experiment, { records, perSecond, seed, say })
    reports.push(report)
    if (report.figures.some(({ holds }) => !holds)) failed++
  }
  if (!values.report) continue
  await mkdir(REPORTS, { recursive: true })
  await writeFile(path.join(REPORTS, `${experiment.name}.json`), `${JSON.stringify(reports, null, 2)}\n`)
}
process.exit(failed > 0 ? 1 : 0)
