import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { SILENT } from '../../src/index.ts'
import type { MetricsSnapshot } from '../../src/runtime/host/task-metrics.ts'
import { hostSpawner } from '../../src/worker/hosts/host-process.ts'
import { TaskHosts } from '../../src/worker/hosts/task-hosts.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { hostSettings } from '../support/host-settings.ts'
import { sharedKafka } from '../support/kafka.ts'
import { REPOSITORY } from '../support/process.ts'

describe('a task host as a process', function () {
  this.timeout(60_000)
  let bootstrapServers: string
  let folder: string

  before(async () => {
    bootstrapServers = (await sharedKafka()).bootstrapServers
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-host-'))
  })

  after(() => rm(folder, { recursive: true, force: true }))

  it('tells its worker what its tasks have counted, and lives on while they have nothing to count', async () => {
    const file = path.join(folder, 'lines.txt')
    await writeFile(file, 'a\nb\nc\n')
    const hosts = new TaskHosts({
      spawn: hostSpawner(2 ** 30, path.join(REPOSITORY, 'src/cli/main.ts')),
      settings: hostSettings({
        bootstrapServers: bootstrapServers.split(','),
        offsetTopic: { topic: uniqueName('offsets'), partitions: 1, replicationFactor: 1 },
      }),
      ...{ max: 1, deadline: 20_000, maxMemory: 2 ** 30, silence: 3_000, log: SILENT },
    })
    const traces: (string | undefined)[] = []
    const told: MetricsSnapshot[] = []
    const deaths: unknown[] = []
    const nothing = (): undefined => undefined
    const config = {
      'value.converter': 'StringConverter',
      'topic.creation.default.replication.factor': '1',
      'topic.creation.default.partitions': '1',
      name: uniqueName('lines'),
      'connector.class': 'FileStreamSource',
      topic: uniqueName('t'),
      file,
    }
    const task = hosts.start(
      { connector: config.name, task: 0 },
      config,
      { paused: false, alone: false },
      {
        ...{
          state: nothing,
          waits: nothing,
          fenced: nothing,
          shown: nothing,
          passed: nothing,
          cleared: nothing,
        },
        state: (_, trace) => traces.push(trace),
        metrics: (snapshot) => told.push(snapshot),
        died: (death) => deaths.push(death),
      },
    )
    await eventually(() => traces.length > 0 || deaths.length > 0, { timeoutMs: 30_000 })
    expect([traces, deaths]).to.deep.equal([[undefined], []])
    const last = await eventually(
      () => {
        const snapshot = told.at(-1)
        return snapshot !== undefined && snapshot.counters.commits > 0 ? snapshot : undefined
      },
      { timeoutMs: 30_000 },
    )
    expect(last.counters).to.include({ 'records.read': 3, 'records.sent': 3, 'records.failed': 0 })
    expect(last.timers.commit.count).to.equal(last.counters.commits)
    await task.stop(5_000)
    await hosts.stop()
    expect(deaths).to.deep.equal([])
  })
})
