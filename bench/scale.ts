/**
 * A broker and three workers with 200 idle connectors of 1,000 tasks: what they cost, and how long it takes until all run
 * again after a worker was stopped, killed, and came back, while requests go on. docs/scaling.md says what is measured and how.
 */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { CommandError } from '../src/api/errors.ts'
import { describeFailure } from '../src/cli/failure.ts'
import { REPOSITORY, say } from './support/job.ts'
import { machine } from './support/report.ts'
import { type BenchCluster, openCluster } from './support/scale/cluster.ts'
import { createAll, createTopics, type Planned, planned, probeConfig } from './support/scale/connectors.ts'
import { type Idle, measureIdle, measurePhase, type Phase } from './support/scale/measure.ts'
import { costs, scaleTable, type ScaleReport } from './support/scale/report.ts'
import { latencyOf, type Latency } from './support/scale/requests.ts'

const RESULT_FILE = path.join(REPOSITORY, 'bench', 'results', 'scale.json')
const FULL_SIZE = { sinks: 150, sources: 50 }
const USAGE = `npm run bench:scale -- [options]
  --workers N            worker processes (default 3)
  --sinks N              sink connectors (default 150)
  --tasks-per-sink N     (default 6)
  --sources N            source connectors (default 50)
  --tasks-per-source N   (default 2)
  --hosts N              task.hosts of each worker (default 0: what a worker takes by itself)
  --rate N               REST requests a second while workers come and go (default 40)
  --idle N               seconds for which the idle cluster is watched (default 20)
  --timeout N            seconds that each phase may take (default 180)
  --logs DIR             keep the logs of the workers there
  --json                 one JSON object on the last line
A full run writes bench/results/scale.json.`

interface Options {
  readonly counts: Readonly<Record<CountName, number>>
  readonly json: boolean
  readonly logs: string | undefined
}

const COUNTS = {
  workers: 3,
  sinks: FULL_SIZE.sinks,
  'tasks-per-sink': 6,
  sources: FULL_SIZE.sources,
  'tasks-per-source': 2,
  hosts: 0,
  rate: 40,
  idle: 20,
  timeout: 180,
} as const
type CountName = keyof typeof COUNTS

function readOptions(): Options | null {
  const names = Object.keys(COUNTS) as CountName[]
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      logs: { type: 'string' },
      ...Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
    },
  })
  if (values.help) return null
  const given = values as Readonly<Record<string, string | boolean | undefined>>
  const count = (name: CountName): number => {
    const text = given[name]
    if (text === undefined) return COUNTS[name]
    if (typeof text === 'string' && /^\d{1,5}$/.test(text)) return Number(text)
    throw new CommandError('config.invalid', `--${name} must be a whole number up to 99999`)
  }
  const counts = Object.fromEntries(names.map((name) => [name, count(name)])) as Record<CountName, number>
  return { counts, json: values.json, logs: values.logs }
}

async function create(cluster: BenchCluster, connectors: readonly Planned[]): Promise<Latency> {
  let said = performance.now()
  const samples = await createAll(cluster, connectors, (done) => {
    if (performance.now() - said < 5_000 && done < connectors.length) return
    said = performance.now()
    say(`  ${done} of ${connectors.length} connectors are created`)
  })
  return latencyOf(samples)
}

async function measure({ counts, logs }: Options): Promise<ScaleReport> {
  const plan = {
    sinks: counts.sinks,
    tasksPerSink: counts['tasks-per-sink'],
    sources: counts.sources,
    tasksPerSource: counts['tasks-per-source'],
  }
  const about = await machine()
  const cluster = await openCluster({
    workers: counts.workers,
    settings: { 'task.hosts': String(counts.hosts) },
    ...(logs === undefined ? {} : { logs }),
  })
  await createTopics(cluster.admin, plan.tasksPerSink)
  const empty = await measureIdle(cluster, Math.min(5, counts.idle))
  const connectors = planned(plan)
  const [witness, stopped, killed] = [cluster.workers[0]!, cluster.workers[1]!, cluster.workers.at(-1)!]
  const phase = async (what: string, act: () => Promise<void>): Promise<Phase> => {
    const [requestRate, timeoutMs] = [counts.rate, counts.timeout * 1000]
    const done = await measurePhase({ what, cluster, connectors, requestRate, timeoutMs, witness, act })
    say(
      `  all run after ${done.runningSeconds} s, all read after ${done.readSeconds} s; REST p99 ${done.requests['all']?.p99 ?? '?'} ms`,
    )
    return done
  }
  let creations: Latency | undefined
  const phases: Phase[] = [
    await phase(`creating ${connectors.length} connectors`, async () => {
      creations = await create(cluster, [...connectors, probe(cluster)])
    }),
  ]
  say(`watching the idle cluster for ${counts.idle} s`)
  const idle: Idle = await measureIdle(cluster, counts.idle)
  phases.push(await phase('one worker is stopped (SIGTERM)', () => stopped.end('SIGTERM')))
  phases.push(await phase('it comes back', () => stopped.start()))
  phases.push(await phase('one worker is killed (SIGKILL)', () => killed.end('SIGKILL')))
  phases.push(await phase('it comes back', () => killed.start()))
  const after = await measureIdle(cluster, Math.min(5, counts.idle))
  await cluster.close()
  const tasks = connectors.reduce((sum, each) => sum + each.tasks, 0)
  const cost = costs(empty, idle, connectors.length, tasks)
  return {
    machine: about,
    ...counts,
    connectors: connectors.length,
    tasks,
    creations,
    empty,
    idle,
    after,
    cost,
    phases,
  }
}

function probe({ folder }: BenchCluster): Planned {
  return { name: 'probe', config: probeConfig(folder), tasks: 1, isSink: false }
}

function publish(report: ScaleReport, { json }: Options): void {
  process.stdout.write(`${scaleTable(report)}\n`)
  if (report.sinks >= FULL_SIZE.sinks && report.sources >= FULL_SIZE.sources)
    writeFileSync(RESULT_FILE, `${JSON.stringify(report, null, 2)}\n`)
  if (json) process.stdout.write(`${JSON.stringify(report)}\n`)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
try {
  const options = readOptions()
  if (options === null) process.stdout.write(`${USAGE}\n`)
  else publish(await measure(options), options)
  process.exit(0)
} catch (error) {
  say(`bench: ${describeFailure(error)}`)
  process.exit(1)
}
