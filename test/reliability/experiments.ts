import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../support/eventually.ts'
import { seeded } from '../support/seeded.ts'
import { auditDeadLetters } from './audit.ts'
import { EXACTLY_ONCE, atLeast, atMost, type Experiment, figuresOf, told, underFaults } from './experiment.ts'
import { freezeWorker, type Kill, killSomething, rollingRestart } from './faults.ts'
import { killFigures, underKills } from './kills.ts'
import { DEAD, PATIENT } from './stage.ts'

const STAGE = { partitions: 4, workers: 3 }
/** Session, heartbeat and delay that a worker has where nothing is said. */
const DEFAULTS = {
  'session.timeout.ms': undefined,
  'heartbeat.interval.ms': undefined,
  'scheduled.rebalance.max.delay.ms': undefined,
}
/** Kafka Connect's own test of clean restarts has as many. */
const LEAST_RESTARTS = 9
const TAKEOVER_MS = 15_000
/** KIP-298. */
const ERROR_HEADERS = 10

function p95(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0
}

const R1: Experiment = {
  name: 'R1',
  title: 'exactly once while workers, task hosts and the broker are killed',
  short: { records: 120_000, perSecond: 3000 },
  long: { records: 1_000_000, perSecond: 4000 },
  async run(options) {
    const { outcome, kills } = await underKills(options, { ...STAGE, config: EXACTLY_ONCE }, 2)
    return [
      ...figuresOf(outcome, 'exactly once'),
      ...killFigures(kills),
      atLeast('records that a fault caught in a transaction', outcome.aborted, 1),
    ]
  },
}

const R2: Experiment = {
  name: 'R2',
  title: 'at least once under the same faults',
  short: { records: 60_000, perSecond: 3000 },
  long: { records: 1_000_000, perSecond: 4000 },
  async run(options) {
    // A control is about kills of ours alone.
    const brokerKills = options.mutation === undefined ? 2 : 0
    const { outcome, kills } = await underKills(options, STAGE, brokerKills)
    // Four tasks commit each second what they have read, and each kill repeats what was not committed.
    const interval = options.perSecond * 2
    const most = (kills.length + 2) * interval
    return [
      ...figuresOf(outcome, 'at least once'),
      ...killFigures(kills),
      atMost('duplicated, by kills times two commit intervals', outcome.counts.duplicated, most),
    ]
  },
}

const R3: Experiment = {
  name: 'R3',
  title: 'rolling restarts by SIGTERM, at least once',
  short: { records: 60_000, perSecond: 2000 },
  long: { records: 400_000, perSecond: 3000 },
  async run(options) {
    let restarts = 0
    const outcome = await underFaults(options, STAGE, async (stage, writing) => {
      while (writing.acknowledged() < options.records || restarts < LEAST_RESTARTS) {
        await rollingRestart(stage)
        restarts += stage.workers.length
        options.say(`${restarts} restarts; ${writing.acknowledged()} acknowledged`)
      }
    })
    return [
      ...figuresOf(outcome, 'at least once'),
      atMost('duplicated by clean restarts', outcome.counts.duplicated, 0),
      told('restarts', restarts),
    ]
  },
}

const R4: Experiment = {
  name: 'R4',
  title: 'workers frozen for two sessions, exactly once',
  short: { records: 60_000, perSecond: 2000 },
  long: { records: 400_000, perSecond: 1000 },
  async run(options) {
    const random = seeded(options.seed)
    const frozen: number[] = []
    const stage = { ...STAGE, config: EXACTLY_ONCE }
    const outcome = await underFaults(options, stage, async (open, writing) => {
      while (writing.acknowledged() < options.records) {
        frozen.push(await freezeWorker(open, random))
        options.say(`frozen ${frozen.length} times; ${writing.acknowledged()} acknowledged`)
      }
    })
    return [
      ...figuresOf(outcome, 'exactly once'),
      told('times that a worker was frozen', frozen.length),
      atLeast('of them with tasks', frozen.filter((tasks) => tasks > 0).length, 1),
    ]
  },
}

const R5: Experiment = {
  name: 'R5',
  title: 'takeover after SIGKILL of a whole worker, at the defaults',
  short: { records: 30_000, perSecond: 1000 },
  long: { records: 200_000, perSecond: 1000 },
  async run(options) {
    const kills: Kill[] = []
    const random = seeded(options.seed)
    const stage = { ...STAGE, settings: DEFAULTS }
    const outcome = await underFaults(options, stage, async (open, writing) => {
      while (writing.acknowledged() < options.records) kills.push(await killSomething(open, random))
    })
    const times = kills
      .filter(({ tasks, victim }) => tasks > 0 && victim !== 'a task host')
      .map(({ recoveredMs }) => recoveredMs)
    return [
      ...figuresOf(outcome, 'at least once'),
      ...killFigures(kills),
      atMost('ms until all tasks ran elsewhere, 95th percentile', p95(times), TAKEOVER_MS, ' ms'),
    ]
  },
}

const R6: Experiment = {
  name: 'R6',
  title: 'two minutes without the broker, exactly once',
  short: { records: 40_000, perSecond: 2000 },
  long: { records: 400_000, perSecond: 2000 },
  async run(options) {
    const down = options.records > 100_000 ? 120_000 : 15_000
    let [failed, flowingMs] = [0, 0]
    const outcome = await underFaults(options, { ...STAGE, config: EXACTLY_ONCE }, async (stage, writing) => {
      await eventually(() => writing.acknowledged() >= options.records / 4, PATIENT)
      await stage.kafka.kill()
      options.say(`the broker is down for ${down / 1000} s`)
      await sleep(down) // the length of the outage is the fault
      await stage.kafka.again()
      const began = performance.now()
      const before = await stage.ends()
      await eventually(async () => {
        failed = Math.max(failed, (await stage.tasks()).filter(({ state }) => state === 'FAILED').length)
        return (await stage.ends()).every((end, i) => end > (before[i] ?? 0))
      }, PATIENT)
      flowingMs = performance.now() - began
    })
    return [
      ...figuresOf(outcome, 'exactly once'),
      atMost('tasks that FAILED', failed, 0),
      atMost('ms from the broker’s answer to records in every partition', flowingMs, TAKEOVER_MS, ' ms'),
    ]
  },
}

const R8: Experiment = {
  name: 'R8',
  title: 'one record in a hundred unreadable, in eight ways, and five kills, exactly once',
  short: { records: 40_000, perSecond: 2000 },
  long: { records: 100_000, perSecond: 2000 },
  async run(options) {
    const config = {
      ...EXACTLY_ONCE,
      'errors.tolerance': 'all',
      'errors.deadletterqueue.topic.name': DEAD,
      'errors.deadletterqueue.topic.replication.factor': '1',
      'errors.deadletterqueue.context.headers.enable': 'true',
    }
    const { outcome, kills } = await underKills({ ...options, poisonEvery: 100 }, { ...STAGE, config }, 0)
    const dead = auditDeadLetters(outcome.sent, outcome.dead, ERROR_HEADERS)
    return [
      ...figuresOf(outcome, 'exactly once'),
      ...killFigures(kills),
      told('dead letters', outcome.dead.ids.length),
      atMost('unreadable records without a dead letter', dead.missing, 0),
      atMost('dead letters that came twice', dead.duplicated, 0),
      atMost('dead letters of no unreadable record', dead.wrong, 0),
      atMost('dead letters without all headers', dead.headers, 0),
    ]
  },
}

/** The same with something broken in the workers: each must be red, or the others show nothing. */
function control(name: string, mutation: string, of: Experiment, breaks: string): Experiment {
  return {
    name,
    title: `negative control: ${mutation}; ${breaks} must not be 0`,
    short: of.short,
    long: of.long,
    async run(options) {
      const figures = await of.run({ ...options, mutation })
      const broken = figures.find(({ what }) => what === breaks)?.value ?? 0
      return [
        ...figures.map(({ what, value }) => told(what, value)),
        atLeast(`${breaks}: the control bites`, broken, 1),
      ]
    },
  }
}

const CONTROLS = [
  control('N1', 'commit before write', R2, 'lost'),
  control('N2', 'no fencing', R4, 'duplicated'),
  control('N3', 'no dead letters', R8, 'unreadable records without a dead letter'),
]

export const EXPERIMENTS: readonly Experiment[] = [R1, R2, R3, R4, R5, R6, R8, ...CONTROLS]
