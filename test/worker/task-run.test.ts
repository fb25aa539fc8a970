import { TaskMetrics } from '../../src/runtime/host/task-metrics.ts'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { SILENT } from '../../src/api/log.ts'
import type { RowRange } from '../../src/runtime/host/protocol.ts'
import type { RestartSettings } from '../../src/worker/hosts/restart-policy.ts'
import { Suspects } from '../../src/worker/hosts/suspects.ts'
import type { HostedTask, TaskListener } from '../../src/worker/hosts/hosted-task.ts'
import { type Place, TaskRun } from '../../src/worker/hosts/task-run.ts'
import { eventually } from '../support/eventually.ts'

const PARTITIONS = [{ topic: 't', partitions: [0] }]
const QUICK = { everyMs: 2, timeoutMs: 5_000 }

function rows(first: number, last = first): RowRange {
  return { topic: 't', partition: 0, first: BigInt(first), last: BigInt(last) }
}

/** A task whose hosts are as the test says. */
function run(suspects = new Suspects(), willReturn = false, restart?: RestartSettings) {
  const started: { readonly listener: TaskListener; readonly alone: boolean }[] = []
  const assigned: Parameters<HostedTask['assign']>[] = []
  const reports: string[] = []
  const reasons: (string | null)[] = []
  const left: string[] = []
  let topics: (reason: string | null) => void = () => undefined
  let replaced: (reason: string) => void = () => undefined
  const leave: Place['leave'] = (timeout, options) => {
    left.push(`${options?.willReturn === true ? 'to return' : 'for good'} in ${timeout}`)
    return Promise.resolve()
  }
  const hosted: HostedTask = {
    assign: (...args) => void assigned.push(args),
    revoke: () => Promise.resolve(),
    lost: () => undefined,
    pause: () => undefined,
    resume: () => undefined,
    stop: () => Promise.resolve(),
  }
  const task = new TaskRun({
    id: { connector: 'c', task: 0 },
    config: { name: 'c' },
    paused: false,
    hosts: {
      start: (_id, _config, { alone }, listener) => {
        started.push({ listener, alone })
        setImmediate(() => listener.state('RUNNING', undefined))
        return hosted
      },
    },
    suspects,
    join: (joining, waits, isReplaced) => {
      topics = waits
      replaced = isReplaced
      joining.assign({ groupId: 'g', memberId: 'm', generation: 1, partitions: PARTITIONS })
      return { start: () => undefined, rejoin: () => undefined, leave }
    },
    willReturn: () => willReturn,
    restart,
    report: (state, trace, reason) => {
      reports.push(trace === null ? state : `${state} ${trace}`)
      reasons.push(reason)
    },
    stopTimeout: 1_000,
    log: SILENT,
  })
  task.start()
  let deaths = 0
  /** Lets the next host die over these rows; gives what was reported then. */
  const die = async (first: number, last = first, bySignal = false): Promise<string> => {
    await eventually(() => started.length > deaths && reports.at(-1) === 'RUNNING', QUICK)
    const call = { rows: rows(first, last), stage: 'transforms.score', bySignal }
    started[deaths++]?.listener.died({ reason: 'its task host died', suspect: !bySignal, call })
    return reports.at(-1) ?? ''
  }
  const running = () => eventually(() => started.length > deaths && reports.at(-1) === 'RUNNING', QUICK)
  const waitForTopics = (reason: string | null): void => topics(reason)
  const replace = (): void => replaced('another has its id')
  return { task, started, assigned, reports, reasons, left, waitForTopics, replace, suspects, die, running }
}

/** Deaths over rows of a batch of ten, after which the first two records are found out. */
const TWO_FOUND_OUT = [
  [0, 9],
  [0, 9],
  [0, 0],
  [1, 1],
] as const

describe('a task whose host died while a plugin was at rows', () => {
  it('looks for the record that did it, and goes on without it', async () => {
    const { task, started, assigned, die, running } = run()
    expect(await die(0, 9)).to.match(/^RESTARTING .*t-0@0–9 are tried once more/)
    expect(await die(0, 9)).to.match(/^RESTARTING .*t-0@0–9 are tried one by one/)
    expect(await die(4)).to.match(/^RESTARTING .*t-0@4 is given up/)
    await running()
    expect(started.map(({ alone }) => alone)).to.deep.equal([false, true, true, true])
    const poison = { stage: 'transforms.score', reason: 'its task host died' }
    expect(assigned.map(([, suspects]) => suspects)).to.deep.equal([
      [],
      [{ ...rows(0, 9), apart: false, poison: null }],
      [{ ...rows(0, 9), apart: true, poison: null }],
      [
        { ...rows(0, 9), apart: true, poison: null },
        { ...rows(4), apart: true, poison },
      ],
    ])
    await task.stop()
  })

  it('keeps its place as a static member for the task that starts again, without a wait', async () => {
    const { task, left, die, running } = run()
    await die(0, 9)
    await running()
    expect(left).to.deep.equal(['to return in 0'])
    await task.stop()
    expect(left.slice(1)).to.deep.equal(['for good in 1000'])
  })

  it('says goodbye to its group where it stops for good or fails, and not where it is to run again', async () => {
    const returning = run(new Suspects(), true)
    await returning.running()
    await returning.task.stop()
    expect(returning.left).to.deep.equal(['to return in 1000'])
    const failing = run(new Suspects(), true)
    await failing.running()
    failing.started[0]?.listener.state('FAILED', 'broken')
    expect(failing.left).to.deep.equal(['for good in 1000'])
    await failing.task.stop()
  })

  it('is FAILED where another member has taken its place, and says what to do', async () => {
    const { task, reports, replace, running } = run()
    await running()
    replace()
    expect(reports.at(-1)).to.match(
      /^FAILED FencedError \[kafka\.fenced\]: The task was stopped: another has its id\. /,
    )
    expect(reports.at(-1)).to.contain('consumer.override.group.instance.id')
    const count = reports.length
    replace()
    expect(reports).to.have.lengthOf(count)
    await task.stop()
  })

  it('forgets with each start what it had counted before', async () => {
    const { task, started, die, running } = run()
    await running()
    const metrics = new TaskMetrics()
    metrics.count('records.read', 3)
    started[0]?.listener.metrics(metrics.snapshot())
    expect(task.metrics?.counters['records.read']).to.equal(3)
    await die(0, 9)
    await running()
    expect(task.metrics).to.equal(null)
    await task.stop()
  })

  it('shares what it knows with the other tasks of its connector, which may get the partition next', async () => {
    const first = run()
    await first.die(0, 9)
    await first.task.stop()
    const second = run(first.suspects)
    expect(await second.die(0, 9)).to.contain('one by one')
    await second.task.stop()
  })

  it('is FAILED, with the plugin in its trace, when one record after the other does it', async () => {
    const { started, die } = run()
    for (const [first, last] of TWO_FOUND_OUT) await die(first, last)
    const report = await die(2)
    expect(report).to.match(/^FAILED TaskError \[record.poison\].*t-0@2.*transforms\.score that is broken/)
    expect(started).to.have.lengthOf(5)
  })

  it('is not FAILED for such records when others get through between them', async () => {
    const { task, started, die, running } = run()
    for (const [first, last] of TWO_FOUND_OUT) await die(first, last)
    await running()
    started.at(-1)?.listener.passed(rows(2))
    expect(await die(3)).to.match(/^RESTARTING .*t-0@3 is given up/)
    await task.stop()
  })

  it('stays with the others after a signal from outside, until that has hit the same rows again', async () => {
    const { task, started, die, running } = run()
    await die(0, 9, true)
    await die(0, 9, true)
    await running()
    expect(started.map(({ alone }) => alone)).to.deep.equal([false, false, true])
    await task.stop()
  })

  it('forgets rows that are committed', async () => {
    const { task, started, suspects, die, running } = run()
    await die(0, 9)
    await running()
    started.at(-1)?.listener.cleared({ topic: 't', partition: 0, offset: 10n })
    expect(suspects.of('c', PARTITIONS)).to.deep.equal([])
    await task.stop()
  })
})

describe('a task that runs and waits', () => {
  it('says for what, for its topics and for what its host says, and no longer than it waits', async () => {
    const { task, started, reports, reasons, waitForTopics, running } = run()
    await running()
    waitForTopics('waiting for topic a to be created')
    started[0]?.listener.waits('waiting for the registry')
    waitForTopics(null)
    waitForTopics(null)
    started[0]?.listener.waits(null)
    expect(new Set(reports)).to.deep.equal(new Set(['RUNNING']))
    expect(reasons).to.deep.equal([
      null,
      'waiting for topic a to be created',
      'waiting for topic a to be created; waiting for the registry',
      'waiting for the registry',
      null,
    ])
    await task.stop()
  })

  it('says nothing of it any more when its host died or it failed', async () => {
    const { task, started, reports, reasons, running, die } = run()
    await running()
    started[0]?.listener.waits('waiting for the registry')
    await die(0, 9)
    await running()
    started[1]?.listener.waits('waiting for the registry')
    started[1]?.listener.state('FAILED', 'broken')
    expect(reports.map((report, i) => `${report.split(' ')[0] ?? ''} ${reasons[i] ?? ''}`)).to.deep.equal([
      'RUNNING ',
      'RUNNING waiting for the registry',
      'RESTARTING ',
      'RUNNING ',
      'RUNNING waiting for the registry',
      'FAILED ',
    ])
    await task.stop()
  })
})

describe('a task that failed', () => {
  const restart = { most: 1, firstPause: 5, longestPause: 5 }

  it('stays FAILED where its connector says nothing of restarts', async () => {
    const { task, started, reports, running } = run()
    await running()
    started[0]?.listener.state('FAILED', 'broken')
    expect(reports.at(-1)).to.equal('FAILED broken')
    await task.stop()
  })

  it('starts again by itself, as often as its connector says, and is FAILED until then', async () => {
    const { task, started, reports, running } = run(new Suspects(), false, restart)
    await running()
    started[0]?.listener.state('FAILED', 'broken')
    expect(reports.at(-1)).to.equal('FAILED broken\nIt starts again in 0.005 s (restart 1 of 1).')
    await eventually(() => started.length === 2 && reports.at(-1) === 'RUNNING', QUICK)
    expect(reports.at(-2)).to.equal('RESTARTING The task starts again after it failed: broken')
    started[1]?.listener.state('FAILED', 'still broken')
    expect(reports.at(-1)).to.equal('FAILED still broken')
    await task.stop()
  })

  it('says of a restart that fails at once too that it failed', async () => {
    const { task, started, reports, running } = run(new Suspects(), false, { ...restart, most: 2 })
    await running()
    started[0]?.listener.state('FAILED', 'broken')
    await eventually(() => started.length === 2, QUICK)
    started[1]?.listener.state('FAILED', 'broken again')
    expect(reports.at(-1)).to.match(/^FAILED broken again\n/)
    await task.stop()
  })

  it('does not start again once it was stopped', async () => {
    const { task, started, running } = run(new Suspects(), false, restart)
    await running()
    started[0]?.listener.state('FAILED', 'broken')
    await task.stop()
    const later = run(new Suspects(), false, { ...restart, firstPause: 20, longestPause: 20 })
    await later.running()
    later.started[0]?.listener.state('FAILED', 'broken')
    await eventually(() => later.started.length === 2, QUICK)
    expect(started).to.have.lengthOf(1)
    await later.task.stop()
  })
})
