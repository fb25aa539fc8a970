import { expect } from 'chai'
import { describe, it } from 'mocha'
import { SILENT } from '../../src/api/log.ts'
import { TaskHosts } from '../../src/worker/hosts/task-hosts.ts'
import { fakeHosts, HOST_SETTINGS } from './memory-worker.ts'

describe('task hosts', () => {
  function pool(max: number, deadline = 60_000) {
    const { hosts, spawn } = fakeHosts()
    const options = { settings: HOST_SETTINGS, max, deadline, maxMemory: Infinity, log: SILENT }
    return { all: new TaskHosts({ ...options, spawn }), hosts }
  }
  const turn = (): Promise<void> =>
    new Promise((resolve) => {
      process.nextTick(resolve)
    })

  it('are asked about many configurations some at a time, and a hanging one keeps no other from its turn', async () => {
    const { all, hosts } = pool(1, 100)
    const asked = Array.from({ length: 20 }, () => all.configure({ name: 'a' }).catch(() => 'hung'))
    await turn() // they are started, and have said nothing yet
    hosts[0]?.deaf.add('configure')
    const answers = await Promise.all(asked)
    expect(answers.filter((answer) => answer === 'hung')).to.have.lengthOf(1)
    expect(hosts, 'and no further processes').to.have.lengthOf(4)
  })

  it('are asked nothing any more once all were stopped, however many questions waited', async () => {
    const { all, hosts } = pool(1)
    const asked = Array.from({ length: 20 }, () => all.validate({ name: 'a' }).then(String, String))
    await turn() // they are started, and have said nothing yet
    for (const host of hosts) host.deaf.add('validate')
    await all.stop()
    for (const answer of await Promise.all(asked)) expect(answer).to.include('This worker is stopping')
    expect(hosts).to.have.lengthOf(4)
  })
})
