import { expect } from 'chai'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { eventually, uniqueName } from '../support/eventually.ts'
import { sharedKafka } from '../support/kafka.ts'
import { descendantsOf } from '../support/process-tree.ts'
import { RecordStream } from '../support/record-stream.ts'
import { RestProber } from '../support/rest-prober.ts'
import { type ClusterWorker, WorkerCluster } from '../support/worker-cluster.ts'

const TASKS = 6
const PATIENT = { timeoutMs: 60_000, everyMs: 100 }
/** What a killed worker's tasks may take to run elsewhere. */
const TAKEOVER_MS = 15_000
/** The worker's own defaults: a session of 6 s, a heartbeat each 2 s, a delay of 3 s. */
const DEFAULTS = {
  'session.timeout.ms': undefined,
  'heartbeat.interval.ms': undefined,
  'scheduled.rebalance.max.delay.ms': undefined,
}

interface Status {
  readonly connector: { readonly state: string; readonly worker_id: string }
  readonly tasks: readonly { readonly id: number; readonly state: string; readonly worker_id: string }[]
}

describe('three workers of one group, with six tasks under a stream', function () {
  this.timeout(240_000)
  const cluster = new WorkerCluster(DEFAULTS)
  let bootstrapServers = ''
  let workers: ClusterWorker[] = []
  let connector = ''
  let stream: RecordStream
  let prober: RestProber
  /** Those that must answer requests at the moment. */
  let up: ClusterWorker[] = []

  before(async () => {
    bootstrapServers = (await sharedKafka()).bootstrapServers
    // One after the other, as somebody does who looks at each.
    for (let i = 0; i < 3; i++) workers.push(await cluster.sluice())
  })
  after(() => cluster.stop())

  beforeEach(async () => {
    connector = uniqueName('copy')
    stream = await RecordStream.start(bootstrapServers, connector, TASKS)
    const config = configOf(stream.source, stream.target)
    await eventually(async () => {
      const { code, body } = await workers[1]!.call('PUT', `/connectors/${connector}/config`, config)
      return expect(code, JSON.stringify(body)).to.be.oneOf([200, 201])
    }, PATIENT)
    await eventually(async () => {
      const owners = new Set((await status(workers[2]!)).tasks.map(({ worker_id: id }) => id))
      return expect([...owners]).to.have.members(workers.map(({ id }) => id))
    }, PATIENT)
    await running(workers[2]!)
    await stream.flows()
    stream.takeLongestPause()
    up = [...workers]
    prober = new RestProber(() => up, connector, { ...configOf(stream.source, `${connector}-probed`) })
  })
  afterEach(async () => {
    await prober.stop()
    await stream.close()
    await eventually(
      async () => [204, 404].includes((await up[0]!.call('DELETE', `/connectors/${connector}`)).code),
      PATIENT,
    )
  })

  const configOf = (topics: string, target: string): Record<string, string> => ({
    'connector.class': 'TopicSink',
    'tasks.max': String(TASKS),
    topics,
    'target.topic': target,
  })

  const status = async (worker: ClusterWorker): Promise<Status> =>
    (await worker.call('GET', `/connectors/${connector}/status`)).body as Status

  /** Resolves when all tasks run, as that worker shows it, and on none of `gone`. */
  const running = (worker: ClusterWorker, gone: readonly ClusterWorker[] = []): Promise<Status> =>
    eventually(async () => {
      const shown = await status(worker)
      const all = [shown.connector, ...shown.tasks]
      expect(all.map(({ state }) => state)).to.deep.equal(Array(TASKS + 1).fill('RUNNING'))
      for (const { worker_id: id } of all) expect(gone.map((each) => each.id)).not.to.include(id)
      return shown
    }, PATIENT)

  /** The worker that leads, by the last word of each about it. */
  function leader(): ClusterWorker {
    const found = workers.filter(({ process }) => {
      const said = process
        .stderr()
        .split('\n')
        .filter((line) => line.includes('"message":"assigned"'))
      return said.at(-1)?.includes('"leads":true')
    })
    expect(found).to.have.lengthOf(1)
    return found[0]!
  }

  /** Ends the probing: whatever was asked had one of the answers that there are. */
  async function probed(): Promise<void> {
    await prober.stop()
    console.log(`      answers: ${JSON.stringify(prober.counts)}, slowest ${prober.slowest} ms`)
    expect(prober.wrong).to.deep.equal([])
  }

  /** Nothing is lost; returns how many came twice. */
  async function finished(): Promise<number> {
    await stream.finish()
    const { written, doubled } = stream
    const pause = stream.takeLongestPause()
    console.log(`      ${written} records, ${doubled} twice; longest pause of a partition ${pause} ms`)
    return doubled
  }

  it('lose and double nothing when all are restarted by SIGTERM, one after the other', async () => {
    for (const old of [...workers]) {
      up = up.filter((each) => each !== old)
      await old.stop()
      const back = await old.again()
      workers = workers.map((each) => (each === old ? back : each))
      up = [...workers]
      await running(back)
      await stream.flows()
    }
    await probed()
    const shown = await running(workers[0]!)
    expect(shown.tasks.map(({ id }) => id)).to.deep.equal([0, 1, 2, 3, 4, 5])
    expect(await finished()).to.equal(0)
  })

  it('run the tasks of one that is killed elsewhere within 15 s', async () => {
    const victim = leader()
    const others = workers.filter((each) => each !== victim)
    up = others
    const killedAt = performance.now()
    victim.process.signal('SIGKILL')
    await running(others[0]!, [victim])
    const took = performance.now() - killedAt
    await stream.flows()
    const flowed = performance.now() - killedAt
    console.log(
      `      running elsewhere after ${Math.round(took)} ms, records flow after ${Math.round(flowed)} ms`,
    )
    expect(took).to.be.below(TAKEOVER_MS)
    const back = await victim.again()
    workers = workers.map((each) => (each === victim ? back : each))
    up = [...workers]
    await eventually(
      async () => (await status(back)).tasks.some(({ worker_id: id }) => id === back.id),
      PATIENT,
    )
    await running(back)
    await probed()
    await finished()
  })

  for (const withHosts of [true, false]) {
    const who = withHosts ? 'with its hosts' : 'without its hosts'
    it(`take nothing of one that was stopped (SIGSTOP) beyond its session, ${who}`, async () => {
      const victim = leader()
      const others = workers.filter((each) => each !== victim)
      up = others
      const hosts = withHosts ? descendantsOf(victim.process.pid).map(({ pid }) => pid) : []
      const frozen = [victim.process.pid, ...hosts]
      for (const pid of frozen) process.kill(pid, 'SIGSTOP')
      await running(others[0]!, [victim])
      await stream.flows()
      // Requests that it gets while it is stopped, and answers when it runs on; others have made one of the two meanwhile.
      const [taken, free] = [uniqueName('taken'), uniqueName('free')]
      const theirs = { ...configOf(stream.source, `${connector}-theirs`), 'tasks.max': '1' }
      const its = { ...theirs, 'target.topic': `${connector}-its` }
      const late = [taken, free].map((name) => victim.call('POST', '/connectors', { name, config: its }))
      await eventually(
        async () => (await others[0]!.call('PUT', `/connectors/${taken}/config`, theirs)).code < 300,
        PATIENT,
      )
      await stream.flows()
      const before = stream.doubled
      for (const pid of frozen) process.kill(pid, 'SIGCONT')
      const [first, second] = await Promise.all(late)
      expect(first?.code).to.equal(409)
      expect(second?.code).to.be.oneOf([201, 409, 503])
      // Each worker answers by what it has read, and one that does not lead reads a moment later.
      await eventually(async () => {
        const { body } = await others[0]!.call('GET', `/connectors/${taken}/config`)
        return expect(body).to.include(theirs)
      }, PATIENT)
      if (second?.code !== 201)
        expect((await cluster.configs()).map(({ key }) => key)).not.to.include(`connector-${free}`)
      await eventually(
        async () => (await status(victim)).tasks.some(({ worker_id: id }) => id === victim.id),
        PATIENT,
      )
      up = [...workers]
      await running(victim)
      await stream.flows()
      await probed()
      const doubled = await finished()
      console.log(`      ${before} were twice before it ran on, ${doubled} are after`)
      expect(doubled).to.equal(before)
      for (const made of [taken, free]) await others[0]!.call('DELETE', `/connectors/${made}`)
    })
  }
})
