import path from 'node:path'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { SILENT } from '../../src/api/log.ts'
import type { TaskId } from '../../src/runtime/host/protocol.ts'
import { hostSpawner } from '../../src/worker/hosts/host-process.ts'
import type { Death } from '../../src/worker/hosts/hosted-task.ts'
import { TaskHosts } from '../../src/worker/hosts/task-hosts.ts'
import { eventually } from '../support/eventually.ts'
import { REPOSITORY } from '../support/process.ts'
import { fakeHosts, HOST_SETTINGS } from './memory-worker.ts'

const MIB = 2 ** 20
const MOST = 100 * MIB
const QUICK = { everyMs: 2, timeoutMs: 5_000 }
const id = (task: number): TaskId => ({ connector: 'a', task })

/** Two tasks in one host, which run; `grow` lets it hold more than it may. */
async function twoTasks() {
  const { hosts, spawn } = fakeHosts()
  const all = new TaskHosts({
    spawn,
    settings: HOST_SETTINGS,
    max: 1,
    deadline: 200,
    maxMemory: MOST,
    log: SILENT,
  })
  const deaths: Death[][] = [[], []]
  let running = 0
  for (const [task, told] of deaths.entries()) {
    const nothing = (): undefined => undefined
    all.start(
      id(task),
      { name: 'a' },
      { paused: false, alone: false },
      {
        ...{
          waits: nothing,
          fenced: nothing,
          shown: nothing,
          metrics: nothing,
          passed: nothing,
          cleared: nothing,
        },
        state: () => running++,
        died: (death) => void told.push(death),
      },
    )
  }
  const host = await eventually(() => (running === 2 ? hosts[0] : undefined), QUICK)
  const grow = async (bytes: number): Promise<(Death | undefined)[]> => {
    host.memory = bytes
    await eventually(() => deaths.every((told) => told.length === 1), QUICK)
    return deaths.map(([death]) => death)
  }
  return { host, grow }
}

describe('a task host that holds more memory than it may', () => {
  it('is killed; the task in a plugin is the suspect, with its rows, and its neighbours are none', async () => {
    const { host, grow } = await twoTasks()
    const rows = { topic: 't', partition: 0, first: 1n, last: 9n }
    host.say({ type: 'at', id: id(0), stage: 'transforms.score', rows })
    const [eater, other] = await grow(MOST + MIB)
    const call = { rows, stage: 'transforms.score', bySignal: false }
    expect(eater).to.deep.include({ suspect: true, call })
    expect(eater?.reason).to.contain(
      'held 101 MiB of memory, and 100 MiB are allowed (task.host.memory.max.bytes) while task a-0 was in transforms.score',
    )
    expect(other?.suspect).to.equal(false)
  })

  it('while no plugin is at work makes each of its tasks a suspect: alone it shows which one it is', async () => {
    const { grow } = await twoTasks()
    const deaths = await grow(MOST + 1)
    expect(deaths.map((death) => death?.suspect)).to.deep.equal([true, true])
  })

  it('is measured as a process is', async function () {
    this.timeout(60_000)
    const spawn = hostSpawner(2 ** 30, path.join(REPOSITORY, 'src/cli/main.ts'), ['--conditions=source'])
    const options = { settings: HOST_SETTINGS, max: 1, deadline: 60_000, silence: 60_000, log: SILENT }
    const all = new TaskHosts({ ...options, spawn, maxMemory: MIB })
    const nothing = (): undefined => undefined
    const death = await new Promise<Death>((died) => {
      all.start(
        id(0),
        { name: 'a' },
        { paused: false, alone: false },
        {
          ...{
            state: nothing,
            waits: nothing,
            fenced: nothing,
            shown: nothing,
            metrics: nothing,
            passed: nothing,
            cleared: nothing,
          },
          died,
        },
      )
    })
    expect(death.reason).to.match(/held \d\d+ MiB of memory, and 1 MiB are allowed/)
    await all.stop()
  })
})
