import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SILENT } from '../../src/api/log.ts'
import { type Broker, startBroker } from '../../src/dev/broker.ts'
import { createTopic } from '../../src/kafka/admin.ts'
import { KafkaClient } from '../../src/kafka/client.ts'
import { Fetcher } from '../../src/kafka/fetch/fetch.ts'
import { Producer } from '../../src/kafka/produce/produce.ts'
import { plain, recordsOf, rowsOf } from '../kafka/craft.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/kafka.ts'

const PARTITIONS = 2

describe('A broker that is killed and comes back', function () {
  this.timeout(120_000)
  let dataDir: string
  let port: number
  let broker: Broker
  let client: KafkaClient

  before(async () => {
    dataDir = await mkdtemp(path.join(tmpdir(), 'sluice-restart-'))
    port = await freePort()
    broker = await startBroker({ port, dataDir, log: SILENT })
    client = new KafkaClient({
      bootstrapServers: [broker.bootstrapServers],
      clientId: 'sluice-test',
      log: SILENT,
    })
  })
  after(async () => {
    await client.close()
    broker.kill()
    await broker.exited
    await rm(dataDir, { recursive: true, force: true })
  })

  it('costs no record, doubles none and keeps their order, for the Producer and for the Fetcher', async () => {
    await createTopic(client, { topic: 't', partitions: PARTITIONS })
    const producer = new Producer(client, { log: SILENT })
    const fetcher = new Fetcher(client, {
      isolation: 'read_committed',
      reset: 'earliest',
      log: SILENT,
      maxWaitMs: 100,
    })
    fetcher.assign(
      [...Array(PARTITIONS).keys()].map((partition) => ({ topic: 't', partition, offset: null })),
    )
    const sent: string[][] = Array.from({ length: PARTITIONS }, () => [])
    const read: string[][] = Array.from({ length: PARTITIONS }, () => [])
    const sends: Promise<number>[] = []
    let acknowledged = 0
    let producing = true

    // A broker that comes back believes what is in its log, and forgets producers whose records look a day old.
    const timestamp = BigInt(Date.now())
    const produce = async (): Promise<void> => {
      for (let i = 0; producing; i++) {
        const values = Array.from({ length: 10 }, (_, j) => `${i}.${j}`)
        sent[i % PARTITIONS]!.push(...values)
        const rows = rowsOf(values.map((value) => plain(value, { timestamp })))
        sends.push(producer.send('t', i % PARTITIONS, rows, () => undefined).then(() => acknowledged++))
        await sleep(2)
      }
    }
    const consume = async (): Promise<void> => {
      while (producing || sent.some((values, p) => read[p]!.length < values.length)) {
        for (const batch of await fetcher.next()) {
          read[batch.partition]!.push(...recordsOf(batch).map(({ value }) => String(value)))
        }
      }
    }

    const [produced, consumed] = [produce(), consume()]
    await eventually(() => acknowledged > 50)
    broker.kill()
    await broker.exited
    const before = acknowledged
    broker = await eventually(() => startBroker({ port, dataDir, log: SILENT }), { timeoutMs: 30_000 })
    await eventually(() => acknowledged > before + 50, { timeoutMs: 60_000 })
    producing = false
    await produced
    await Promise.all(sends)
    await consumed
    for (let p = 0; p < PARTITIONS; p++)
      expect(difference(read[p]!, sent[p]!), `partition ${p}`).to.equal('none')
    await fetcher.close()
    await producer.close()
  })
})

/** In words, for a failure that says what happened: lost, doubled or in another order. */
function difference(read: readonly string[], sent: readonly string[]): string {
  const at = sent.findIndex((value, i) => read[i] !== value)
  if (at < 0 && read.length === sent.length) return 'none'
  const lost = sent.filter((value) => !read.includes(value)).length
  const doubled = read.length - new Set(read).size
  return `${sent.length} sent, ${read.length} read, ${lost} lost, ${doubled} doubled; from ${at} on ${read.slice(at, at + 3).join(' ')} instead of ${sent.slice(at, at + 3).join(' ')}`
}
