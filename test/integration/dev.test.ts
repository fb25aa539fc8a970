import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { eventually } from '../support/eventually.ts'
import { freePort, kafkajsClient } from '../support/kafka.ts'
import { descendantsOf, stillRunning, type RunningProcess } from '../support/process-tree.ts'
import { REPOSITORY, sluice, type StartedProcess } from '../support/process.ts'

const TOPIC = 'kept-over-restarts'

describe('sluice dev', function () {
  this.timeout(120_000)
  let dataDir = ''
  let ports: { kafka: number; registry: number; rest: number }
  let dev: StartedProcess

  const registryUrl = () => `http://127.0.0.1:${ports.registry}`
  const restUrl = () => `http://127.0.0.1:${ports.rest}`
  const kafka = () => kafkajsClient(`127.0.0.1:${ports.kafka}`)
  const log = () =>
    dev
      .stderr()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)

  function start(): StartedProcess {
    const { kafka, registry, rest } = ports
    const chosen = ['--kafka-port', kafka, '--registry-port', registry, '--rest-port', rest].map(String)
    return sluice(['dev', ...chosen, '--data-dir', dataDir], { cwd: dataDir })
  }

  /** The one descendant whose command line has the words, and that is not a shell around it. */
  function find(words: string): RunningProcess {
    const found = descendantsOf(dev.pid).filter(
      (p) => p.command.includes(words) && !p.command.startsWith('sh '),
    )
    expect(
      found,
      `${words} among ${descendantsOf(dev.pid)
        .map((p) => p.command.slice(0, 60))
        .join('; ')}`,
    ).to.have.length(1)
    return found[0]!
  }

  before(async () => {
    dataDir = await mkdtemp(path.join(tmpdir(), 'sluice-dev-'))
    await mkdir(path.join(dataDir, 'models'))
    ports = { kafka: await freePort(), registry: await freePort(), rest: await freePort() }
    dev = start()
  })
  after(async () => {
    for (const { pid } of descendantsOf(dev.pid)) process.kill(pid, 'SIGKILL')
    dev.kill()
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5 })
  })

  it('prints one JSON line with the addresses when all is healthy', async () => {
    const { modelsDir, ...addresses } = await dev.ready()
    expect(modelsDir).to.equal(path.join(dataDir, 'models')) // of the folder where it was started
    expect(addresses).to.deep.equal({
      ready: true,
      bootstrapServers: `127.0.0.1:${ports.kafka}`,
      schemaRegistry: registryUrl(),
      rest: [restUrl()],
    })
    expect(dev.stdout().trimEnd().split('\n')).to.have.length(1)
    expect((await fetch(`${restUrl()}/health`)).status).to.equal(200)
    expect(await (await fetch(`${restUrl()}/connectors`)).json()).to.deep.equal([])
    expect(await (await fetch(`${registryUrl()}/subjects`)).json()).to.deep.equal([])
  })

  it('runs each part as a process of its own, in a process group of its own', () => {
    const parts = ['sluice broker', 'sluice registry', 'sluice worker'].map(find)
    for (const part of parts) expect(part.group).to.equal(part.pid)
  })

  it('starts a killed worker, registry and broker again, and keeps their data', async () => {
    const schema = await readFile(path.join(REPOSITORY, 'schemas/flight.avsc'), 'utf8')
    const registered = await fetch(`${registryUrl()}/subjects/flights-value/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ schema }),
    })
    expect(registered.status, await registered.text()).to.equal(200)
    const admin = kafka().admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 3 }] })
    await admin.disconnect()

    for (const part of ['sluice worker', 'sluice registry', 'kafka.Kafka']) {
      const killed = find(part)
      process.kill(killed.pid, 'SIGKILL')
      await eventually(() => expect(find(part).pid).not.to.equal(killed.pid), { timeoutMs: 30_000 })
      await eventually(everythingKept, { timeoutMs: 60_000 })
    }
  })

  it('stops worker, registry and broker in this order at SIGTERM, with exit code 0 and nothing left running', async () => {
    const all = descendantsOf(dev.pid)
    dev.signal('SIGTERM')
    expect(await dev.exited, dev.stderr()).to.equal(0)
    const stopped = log().filter((line) => line['message'] === 'stopped')
    expect(stopped.map((line) => line['service'])).to.deep.equal([
      `worker on port ${ports.rest}`,
      'registry',
      'broker',
    ])
    expect(stillRunning(all)).to.deep.equal([])
  })

  it('goes on with the same data after a restart', async () => {
    dev = start()
    await dev.ready()
    await everythingKept()
  })

  it('leaves nothing running when it is itself killed', async () => {
    const all = descendantsOf(dev.pid)
    expect(all.length).to.be.at.least(4)
    dev.signal('SIGKILL')
    await eventually(() => expect(stillRunning(all)).to.deep.equal([]), { timeoutMs: 40_000 })
  })

  it('kills at once at a second Ctrl-C, also what hangs', async () => {
    dev = start()
    await dev.ready()
    const all = descendantsOf(dev.pid)
    process.kill(find('sluice worker').pid, 'SIGSTOP')
    dev.signal('SIGINT')
    await eventually(() => log().some((line) => String(line['message']).startsWith('stopping')))
    await eventually(async () => {
      dev.signal('SIGINT') // one that comes too soon counts as the first one, forwarded by npm
      return Promise.race([dev.exited, Promise.resolve(null)])
    })
    expect(await dev.exited).to.equal(130)
    await eventually(() => expect(stillRunning(all)).to.deep.equal([]))
  })

  /** The REST API answers, and topic and subject are there. */
  async function everythingKept(): Promise<true> {
    expect((await fetch(`${restUrl()}/health`)).status).to.equal(200)
    expect(await (await fetch(`${registryUrl()}/subjects`)).json()).to.deep.equal(['flights-value'])
    const admin = kafka().admin({ retry: { retries: 0 } })
    await admin.connect()
    const topics = await admin.listTopics().finally(() => admin.disconnect())
    expect(topics).to.include(TOPIC)
    return true
  }
})
