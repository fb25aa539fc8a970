import { expect } from 'chai'
import { describe, it } from 'mocha'
import { SILENT } from '../../src/api/log.ts'
import { TaskHosts } from '../../src/worker/hosts/task-hosts.ts'
import { eventually } from '../support/eventually.ts'
import { fakeHosts, HOST_SETTINGS } from './memory-worker.ts'

describe('task hosts', () => {
  function pool(
    max: number,
    own: { readonly deadline?: number; readonly patience?: number; readonly keep?: number } = {},
  ) {
    const { hosts, spawn } = fakeHosts()
    const options = { settings: HOST_SETTINGS, max, deadline: 60_000, maxMemory: Infinity, log: SILENT }
    return { all: new TaskHosts({ ...options, ...own, spawn }), hosts }
  }
  const turn = (): Promise<void> =>
    new Promise((resolve) => {
      process.nextTick(resolve)
    })

  it('are a single process where many configurations are asked about at a time', async () => {
    const { all, hosts } = pool(2)
    const asked = Array.from({ length: 20 }, () => all.validate({ name: 'a' }))
    for (const problems of await Promise.all(asked)) expect(problems).to.deep.equal([])
    expect(hosts).to.have.lengthOf(1)
    expect(hosts[0]?.heard('validate')).to.have.lengthOf(20)
  })

  it('become more where one does not answer, so that it keeps no other question from its turn for long', async () => {
    const { all, hosts } = pool(1, { patience: 20 })
    const hanging = all.validate({ name: 'a' }).catch(String)
    await turn() // it is started, and has said nothing yet
    hosts[0]?.deaf.add('validate')
    const asked = Array.from({ length: 20 }, () => all.validate({ name: 'b' }))
    for (const problems of await Promise.all(asked)) expect(problems).to.deep.equal([])
    expect(hosts, 'and no more than are needed').to.have.lengthOf(2)
    await all.stop()
    expect(await hanging).to.include('This worker is stopping')
  })

  it('become no more than four, whatever hangs', async () => {
    const { all, hosts } = pool(1, { patience: 5, deadline: 200 })
    const asked = Array.from({ length: 8 }, () => all.configure({ name: 'a' }).catch(() => 'hung'))
    let most = 0
    const look = setInterval(() => {
      for (const host of hosts) host.deaf.add('configure')
      most = Math.max(most, hosts.filter(({ alive }) => alive).length)
    }, 1)
    await turn()
    for (const host of hosts) host.deaf.add('configure')
    await Promise.all(asked)
    clearInterval(look)
    expect(most).to.be.within(2, 4)
  })

  it('are kept as long as they are asked now and then', async () => {
    const { all, hosts } = pool(1, { keep: 60 })
    const until = performance.now() + 300
    await eventually(
      async () => {
        expect(await all.validate({ name: 'a' })).to.deep.equal([])
        return performance.now() > until
      },
      { everyMs: 10 },
    )
    expect(hosts).to.have.lengthOf(1)
    await eventually(() => hosts[0]?.alive === false, { everyMs: 10 })
  })

  it('are asked nothing any more once all were stopped, however many questions waited', async () => {
    const { all, hosts } = pool(1)
    const asked = Array.from({ length: 20 }, () => all.validate({ name: 'a' }).then(String, String))
    await turn() // they are started, and have said nothing yet
    for (const host of hosts) host.deaf.add('validate')
    await all.stop()
    for (const answer of await Promise.all(asked)) expect(answer).to.include('This worker is stopping')
    expect(hosts).to.have.lengthOf(1)
  })
})
