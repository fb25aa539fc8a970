import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { eventually, uniqueName } from '../support/eventually.ts'
import { freePort, sharedKafka } from '../support/kafka.ts'
import { descendantsOf, stillRunning } from '../support/process-tree.ts'
import { sluice, type StartedProcess } from '../support/process.ts'
import { call, createCopy, ownCluster } from '../support/sluice-dev.ts'
import { countRecords, fillTopic } from '../support/topics.ts'

const WORKERS = 3
const PATIENT = { timeoutMs: 60_000, everyMs: 100 }

interface Status {
  readonly tasks: readonly { readonly state: string; readonly worker_id: string }[]
}

describe('sluice dev --workers 3', function () {
  this.timeout(180_000)
  let dev: StartedProcess
  let dataDir = ''
  let bootstrapServers = ''
  let ports: readonly number[] = []
  const name = uniqueName('copy')
  const [source, target] = [uniqueName('in'), uniqueName('out')]

  const lines = () =>
    dev
      .stderr()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  const urls = () => ports.map((port) => `http://127.0.0.1:${port}`)
  const status = async (rest: string): Promise<Status> =>
    (await call(rest, 'GET', `/connectors/${name}/status`)).body as Status

  /** Resolves when each worker shows that the tasks run, and that they run on all workers. */
  const shared = () =>
    eventually(async () => {
      for (const rest of urls()) {
        const { tasks } = await status(rest)
        expect(tasks.map(({ state }) => state)).to.deep.equal(Array(WORKERS).fill('RUNNING'))
        expect(tasks.map(({ worker_id: id }) => id)).to.have.members(ports.map((port) => `127.0.0.1:${port}`))
      }
      return true
    }, PATIENT)

  before(async () => {
    bootstrapServers = (await sharedKafka()).bootstrapServers
    dataDir = await mkdtemp(path.join(tmpdir(), 'sluice-dev-workers-'))
    await fillTopic(bootstrapServers, source, WORKERS, [])
    const first = await freePort()
    ports = Array.from({ length: WORKERS }, (_, n) => first + n)
    const where = ['--bootstrap-servers', bootstrapServers, '--data-dir', dataDir, '--workers', '3']
    const chosen = ['--rest-port', String(first), '--registry-port', String(await freePort())]
    dev = sluice(['dev', ...where, ...chosen], { env: ownCluster() })
  })
  after(async () => {
    for (const { pid } of descendantsOf(dev.pid)) process.kill(pid, 'SIGKILL')
    dev.kill()
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5 })
  })

  it('prints the addresses of all, whose ports count up from the first', async () => {
    const { rest } = await dev.ready(120_000)
    expect(rest).to.deep.equal(urls())
  })

  it('runs them as one cluster, which shares the tasks of a connector that any of them is given', async () => {
    await createCopy(urls()[1]!, name, { source, target, 'tasks.max': String(WORKERS) })
    await shared()
    const records = Array.from({ length: 30 }, (_, i) => ({ key: String(i), value: Buffer.from('a') }))
    await fillTopic(bootstrapServers, source, WORKERS, records)
    await eventually(async () => (await countRecords(bootstrapServers, target)) === 30, PATIENT)
  })

  it('says in each line of a worker and of its task hosts which worker it is of', () => {
    const ready = lines().filter(({ message }) => message === 'the worker is ready')
    const names = ports.map((port) => `worker-${port}`)
    expect(ready.map(({ process }) => process)).to.have.members(names)
    for (const line of lines())
      expect(line['process'], JSON.stringify(line)).to.be.oneOf([...names, 'supervisor', 'registry'])
  })

  it('starts one that is killed again, at its own port, and it gets its share back', async () => {
    const worker = (): number =>
      descendantsOf(dev.pid).find(({ command }) => command.startsWith('sluice worker'))?.pid ?? 0
    const killed = worker()
    process.kill(killed, 'SIGKILL')
    const again = () => lines().filter(({ message }) => message === 'the worker is ready').length
    await eventually(() => again() === WORKERS + 1, PATIENT)
    await shared()
  })

  it('stops all of them at Ctrl-C, with exit code 0, nothing left running and nothing killed', async () => {
    const all = descendantsOf(dev.pid)
    dev.signal('SIGINT')
    expect(await dev.exited, dev.stderr()).to.equal(0)
    const stopped = lines().filter(({ message }) => message === 'stopped')
    expect(stopped.map(({ service }) => service)).to.have.members([
      ...ports.map((port) => `worker on port ${port}`),
      'registry',
    ])
    expect(stopped.at(-1)?.['service']).to.equal('registry')
    expect(stillRunning(all)).to.deep.equal([])
    const unclean = lines().filter(({ message }) => String(message).includes('did not stop cleanly'))
    expect(unclean).to.deep.equal([])
  })
})
