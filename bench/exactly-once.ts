/**
 * What exactly-once delivery costs: the flight-delay job and bytes through, each at least once and exactly once, in turns on
 * the same records and broker. docs/decisions/0024-exactly-once-sinks.md has the figures.
 */
import { parseArgs } from 'node:util'
import { describeFailure } from '../src/cli/failure.ts'
import { type Job, type Measured, say } from './support/job.ts'
import { bytesThrough, flightDelay, runConnector } from './support/sluice.ts'
import { openStand, SOURCE_TOPIC, type Stand } from './support/stand.ts'
import { createTopic } from './support/topics.ts'

const JOBS = { 'flight delay': flightDelay, 'bytes through': bytesThrough }
const MODES = { 'at least once': {}, 'exactly once': { 'exactly.once.support': 'required' } }

const { values } = parseArgs({
  options: { records: { type: 'string', default: '1000000' }, runs: { type: 'string', default: '3' } },
})
const [records, runs] = [Number(values.records), Number(values.runs)]

function median(of: readonly number[]): number {
  const sorted = of.toSorted((a, b) => a - b)
  return ((sorted[(sorted.length - 1) >> 1] ?? 0) + (sorted[sorted.length >> 1] ?? 0)) / 2
}

function jobOf(id: string, stand: Stand): Job {
  const { bootstrapServers, registry, folder, sluice } = stand
  const where = { bootstrapServers, registry, folder, sluice, profiles: undefined }
  return { records, source: SOURCE_TOPIC, target: `out-${id}`, id: `bench-${id}`, ...where }
}

async function measure(stand: Stand): Promise<void> {
  for (const [name, config] of Object.entries(JOBS)) {
    const found = new Map<string, Measured[]>()
    for (let run = 0; run < runs; run++) {
      const modes = Object.entries(MODES)
      for (const [mode, more] of run % 2 === 0 ? modes : modes.reverse()) {
        const job = jobOf(`${name}-${mode}-${run}`.replaceAll(' ', '-'), stand)
        await createTopic(stand.admin, job.target)
        say(`${name}, ${mode}, run ${run + 1} of ${runs}`)
        const measured = await runConnector(mode, job, stand.admin, { ...config(job), ...more })
        found.set(mode, [...(found.get(mode) ?? []), measured])
        await stand.admin.deleteTopics({ topics: [job.target] })
      }
    }
    print(name, found)
  }
}

function print(name: string, found: ReadonlyMap<string, readonly Measured[]>): void {
  const rates = [...found].map(([mode, of]) => {
    const perSecond = median(of.map(({ seconds }) => records / seconds))
    const perCpuSecond = median(of.map(({ cpuSeconds }) => records / cpuSeconds))
    const figures = `${Math.round(perSecond)} records/s, ${Math.round(perCpuSecond)} records per CPU s`
    process.stdout.write(`${name}, ${mode}: ${figures}\n`)
    return { mode, perSecond, perCpuSecond }
  })
  const of = (wanted: string) => rates.find(({ mode }) => mode === wanted)
  const [least, exactly] = [of('at least once'), of('exactly once')]
  if (least === undefined || exactly === undefined) return
  const ratio = (a: number, b: number): string => (a / b).toFixed(2)
  process.stdout.write(
    `${name}: exactly once has ${ratio(exactly.perSecond, least.perSecond)} of the records/s, ` +
      `${ratio(exactly.perCpuSecond, least.perCpuSecond)} of the records per CPU s\n`,
  )
}

try {
  const stand = await openStand(records)
  await measure(stand)
  await stand.close()
  process.exit(0)
} catch (error) {
  say(`bench: ${describeFailure(error)}`)
  process.exit(1)
}
