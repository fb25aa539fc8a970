import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { afterEach, before, describe, it } from 'mocha'
import { type ChaosWorker, startChaosWorker } from '../support/chaos-worker.ts'
import { audit, differences } from '../reliability/audit.ts'
import { readByJava, readByLibrdkafka } from '../reliability/clients.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { sharedKafka } from '../support/kafka.ts'
import { taskHostsOf } from '../support/process-tree.ts'
import { seeded } from '../support/seeded.ts'
import { countCommitted, fillTopic } from '../support/topics.ts'

const PARTITIONS = 8
const RECORDS = Number(process.env['SLUICE_CHAOS_RECORDS'] ?? 120_000)
const KILLS = 10
/** Kafka looks each ten seconds for transactions that are older: readers wait that long for those of a lost worker. */
const TRANSACTION_TIMEOUT = '10000'

/** Record `id` is in the partition that `fillTopic` puts it into. */
const sent = new Map(
  Array.from({ length: RECORDS }, (_, id) => [
    id,
    { partition: id % PARTITIONS, offset: Math.floor(id / PARTITIONS), poison: false },
  ]),
)

interface Outcome {
  readonly lost: number
  readonly duplicated: number
  readonly phantom: number
  readonly reordered: number
  /** Records that were written and that readers of committed records do not see: of transactions that kills hit. */
  readonly aborted: number
}

/**
 * Workers of one sink group while records flow and processes are killed. Each record is its number, and the sink
 * keeps partitions. kafkajs writes what goes in; Kafka's own consumer and librdkafka read what comes out, since kafkajs shows
 * records of aborted transactions that overlap (decision 0024).
 */
describe('exactly-once delivery while task hosts and workers are killed', function () {
  this.timeout(600_000)
  let bootstrapServers: string
  let workers: ChaosWorker[] = []

  before(async () => {
    bootstrapServers = (await sharedKafka()).bootstrapServers
  })
  afterEach(async () => {
    await Promise.all(workers.map((worker) => worker.stop()))
    workers = []
  })

  async function join(config: Record<string, string>): Promise<ChaosWorker> {
    const worker = await startChaosWorker(30_000)
    workers.push(worker)
    await worker.create(uniqueName('copy'), { 'tasks.max': '2', ...config })
    return worker
  }

  /** Ends the task host of some worker, at any moment of its work, as soon as there is one. */
  async function killHost(random: () => number): Promise<void> {
    await sleep(random() * 500) // the moment is the fault: it must not follow from what the task does
    const hosts = () => workers.flatMap(({ pid }) => taskHostsOf(pid))
    const found = await eventually(() => (hosts().length > 0 ? hosts() : null), { timeoutMs: 60_000 })
    process.kill(found[Math.floor(random() * found.length)]?.pid ?? 0, 'SIGKILL')
  }

  async function copyUnderFire(config: Record<string, string>, seed: number): Promise<Outcome> {
    const [source, target, group] = [uniqueName('in'), uniqueName('out'), uniqueName('together')]
    const random = seeded(seed)
    const whole = {
      topics: source,
      'target.topic': target,
      'consumer.override.group.id': group,
      'consumer.override.session.timeout.ms': '6000',
      ...config,
    }
    await fillTopic(bootstrapServers, source, PARTITIONS, [])
    await fillTopic(bootstrapServers, target, PARTITIONS, [])
    await join(whole)
    await join(whole)
    const records = [...sent.keys()].map((id) => ({ key: null, value: Buffer.from(String(id)) }))
    let killed = 0
    await fillTopic(bootstrapServers, source, PARTITIONS, records, async (written) => {
      if (written * (KILLS + 1) < RECORDS * (killed + 1) || killed >= KILLS) return
      killed++
      if (killed === KILLS / 2) {
        // A whole worker, with its task hosts and its place in the group, and another one in its place.
        process.kill(workers[0]?.pid ?? 0, 'SIGKILL')
        await join(whole)
      } else await killHost(random)
    })
    expect(killed).to.equal(KILLS)
    await untilCommitted(group, source)
    return outcomeOf(target)
  }

  async function untilCommitted(group: string, topic: string): Promise<void> {
    await eventually(
      async () => {
        expect(await countCommitted(bootstrapServers, group, topic)).to.equal(RECORDS)
        return true
      },
      { timeoutMs: 180_000, everyMs: 500 },
    )
  }

  async function outcomeOf(target: string): Promise<Outcome> {
    const committed = await readByJava(bootstrapServers, target, 'read_committed')
    const other = await readByLibrdkafka(bootstrapServers, target, 'read_committed')
    const written = await readByJava(bootstrapServers, target, 'read_uncommitted')
    expect(differences(committed, other), 'records that the readers disagree about').to.equal(0)
    const { lost, duplicated, phantom, reordered } = audit(sent, committed)
    return { lost, duplicated, phantom, reordered, aborted: written.ids.length - committed.ids.length }
  }

  function tell(what: string, seed: number, outcome: Outcome): void {
    const words = Object.entries(outcome).map(([name, count]) => `${count} ${name}`)
    console.log(`      ${what}: ${RECORDS} records, ${KILLS} kills (seed ${seed}): ${words.join(', ')}`)
  }

  const REQUIRED = {
    'exactly.once.support': 'required',
    'producer.override.transaction.timeout.ms': TRANSACTION_TIMEOUT,
  }

  for (const strategy of ['range', 'cooperative-sticky']) {
    it(`shows readers of committed records each record once, in order (${strategy})`, async () => {
      const seed = seedOf()
      const assignor = { 'consumer.override.partition.assignment.strategy': strategy }
      const outcome = await copyUnderFire({ ...REQUIRED, ...assignor }, seed)
      tell(`exactly once, ${strategy}`, seed, outcome)
      const { aborted, ...rest } = outcome
      expect(rest).to.deep.equal({ lost: 0, duplicated: 0, phantom: 0, reordered: 0 })
      expect(aborted, 'no kill hit an open transaction, so this shows nothing').to.be.above(0)
    })
  }

  it('is seen to be at work: at least once, under the same kills, shows records twice', async () => {
    const seed = seedOf()
    const outcome = await copyUnderFire({}, seed)
    tell('at least once', seed, outcome)
    expect(outcome.lost).to.equal(0)
    expect(outcome.duplicated).to.be.above(0)
  })
})

function seedOf(): number {
  return Number(process.env['SLUICE_CHAOS_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
}
