import { expect } from 'chai'
import { describe, it } from 'mocha'
import { SILENT } from '../../src/api/log.ts'
import { TaskHosts } from '../../src/worker/hosts/task-hosts.ts'
import { eventually } from '../support/eventually.ts'
import { rejection } from '../support/rejection.ts'
import { fakeHosts, HOST_SETTINGS } from './memory-worker.ts'

const QUICK = { everyMs: 2, timeoutMs: 5_000 }
const STOPPING = 'This worker is stopping. Ask again, or another worker.'

function pool() {
  const { hosts, spawn } = fakeHosts()
  const limits = { max: 1, deadline: 60_000, maxMemory: Infinity }
  return { hosts, all: new TaskHosts({ settings: HOST_SETTINGS, ...limits, log: SILENT, spawn }) }
}

describe('task hosts of a worker that stops', () => {
  it('say nothing of a configuration that they are asked about', async () => {
    const { all, hosts } = pool()
    await all.validate({ name: 'a' })
    hosts[0]?.deaf.add('validate')
    const asked = rejection(all.validate({ name: 'a' }))
    await eventually(() => hosts[0]?.heard('validate').length === 2, QUICK)
    await all.stop()
    expect((await asked).message).to.equal(STOPPING)
  })

  it('say nothing of the tasks of a source where they are killed', async () => {
    const { all, hosts } = pool()
    await all.validate({ name: 'a' })
    hosts[0]?.deaf.add('configure')
    const asked = rejection(all.configure({ name: 'a' }))
    await eventually(() => hosts[0]?.heard('configure').length === 1, QUICK)
    all.kill('the worker stops')
    expect((await asked).message).to.equal(STOPPING)
  })
})
