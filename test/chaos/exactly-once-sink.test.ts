import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { afterEach, before, describe, it } from 'mocha'
import { type ChaosWorker, startChaosWorker } from '../support/chaos-worker.ts'
import { readToEnd } from '../support/committed-reader.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { kafkajsClient, sharedKafka } from '../support/kafka.ts'
import { descendantsOf } from '../support/process-tree.ts'
import { fillTopic } from '../support/topics.ts'

const PARTITIONS = 8
const RECORDS = Number(process.env['SLUICE_CHAOS_RECORDS'] ?? 120_000)
const KILLS = 10
/** Kafka looks each ten seconds for transactions that are older: readers wait that long for those of a lost worker. */
const TRANSACTION_TIMEOUT = '10000'

interface Outcome {
  readonly lost: number
  readonly doubled: number
  readonly phantoms: number
  readonly swapped: number
  /** Records that were written and that readers of committed records do not see: of transactions that kills hit. */
  readonly aborted: number
}

/**
 * Workers of one sink group while records flow and processes are killed. Each record is its number within its partition, and
 * the sink keeps partitions. An independent client (kafkajs) writes what goes in, and reads what comes out.
 */
describe('exactly-once delivery while task hosts and workers are killed', function () {
  this.timeout(600_000)
  let bootstrapServers: string
  let workers: ChaosWorker[] = []

  before(async function () {
    // Not ready: one of seven runs showed 5,000 records twice (decision 0024).
    if (process.env['SLUICE_PREVIEW'] !== 'exactly-once-sinks') this.skip()
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
    const hosts = () =>
      workers.flatMap(({ pid }) => descendantsOf(pid).filter(({ command }) => command.includes('task-host')))
    const found = await eventually(() => (hosts().length > 0 ? hosts() : null), { timeoutMs: 60_000 })
    process.kill(found[Math.floor(random() * found.length)]?.pid ?? 0, 'SIGKILL')
  }

  async function copyUnderFire(config: Record<string, string>, seed: number): Promise<Outcome> {
    const [source, target, group] = [uniqueName('in'), uniqueName('out'), uniqueName('together')]
    const random = randomOf(seed)
    const whole = {
      topics: source,
      'target.topic': target,
      'consumer.override.group.id': group,
      'consumer.override.session.timeout.ms': '6000',
      ...config,
    }
    const values = Array.from({ length: RECORDS }, (_, i) => String(Math.floor(i / PARTITIONS)))
    await fillTopic(bootstrapServers, source, PARTITIONS, [])
    await fillTopic(bootstrapServers, target, PARTITIONS, [])
    await join(whole)
    await join(whole)
    const records = values.map((value) => ({ key: null, value: Buffer.from(value) }))
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
    const admin = kafkajsClient(bootstrapServers).admin()
    await admin.connect()
    await eventually(
      async () => {
        const [found] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
        const sum = (found?.partitions ?? []).reduce(
          (all, { offset }) => all + Math.max(0, Number(offset)),
          0,
        )
        expect(sum).to.equal(RECORDS)
        return true
      },
      { timeoutMs: 180_000, everyMs: 500 },
    )
    await admin.disconnect()
  }

  async function outcomeOf(target: string): Promise<Outcome> {
    const messages = await readToEnd(bootstrapServers, target)
    const written = await readToEnd(bootstrapServers, target, { uncommitted: true })
    const outcome = {
      lost: 0,
      doubled: 0,
      phantoms: 0,
      swapped: 0,
      aborted: written.length - messages.length,
    }
    const byPartition = Map.groupBy(messages, ({ partition }) => partition)
    const wanted = RECORDS / PARTITIONS
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const seen = new Set<number>()
      let last = -1
      const inOrder = (byPartition.get(partition) ?? []).toSorted(
        (a, b) => Number(a.offset) - Number(b.offset),
      )
      for (const { value } of inOrder) {
        const number = Number(String(value))
        if (seen.has(number)) outcome.doubled++
        else if (number < last) outcome.swapped++
        if (!(number >= 0 && number < wanted)) outcome.phantoms++
        seen.add(number)
        last = number
      }
      outcome.lost += wanted - seen.size
    }
    return outcome
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
      expect(rest).to.deep.equal({ lost: 0, doubled: 0, phantoms: 0, swapped: 0 })
      expect(aborted, 'no kill hit an open transaction, so this shows nothing').to.be.above(0)
    })
  }

  it('is seen to be at work: at least once, under the same kills, shows records twice', async () => {
    const seed = seedOf()
    const outcome = await copyUnderFire({}, seed)
    tell('at least once', seed, outcome)
    expect(outcome.lost).to.equal(0)
    expect(outcome.doubled).to.be.above(0)
  })
})

function seedOf(): number {
  return Number(process.env['SLUICE_CHAOS_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
}

/** Numbers from 0 to 1 that a seed gives again (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
