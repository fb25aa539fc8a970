import { readFile } from 'node:fs/promises'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { eventually, uniqueName } from '../support/eventually.ts'
import { encodeFlight, flightSchema, heldOutFlights } from '../support/flights.ts'
import { descendantsOf } from '../support/process-tree.ts'
import { call, registerSchema, type SluiceDev, startSluiceDev, untilTasks } from '../support/sluice-dev.ts'
import { countRecords, fillTopic, readTopic } from '../support/topics.ts'

const FLIGHTS = 200_000

/** What is killed, and after how many flights were written. */
const KILLS: readonly (readonly [number, string])[] = [
  [50_000, 'task-host'],
  [90_000, ' worker '],
  [150_000, 'task-host'],
]

describe('SIGKILL in the middle of 200,000 flights', function () {
  this.timeout(240_000)
  let sluice: SluiceDev

  before(async () => {
    sluice = await startSluiceDev()
  })

  after(() => sluice.stop())

  /** Kills a process of the worker whose command line has a word, once there is one. */
  async function kill(word: string): Promise<void> {
    const victim = await eventually(
      () => descendantsOf(sluice.process.pid).find(({ command }) => command.includes(word)),
      {
        timeoutMs: 60_000,
      },
    )
    process.kill(victim.pid, 'SIGKILL')
  }

  async function createConnector(source: string, target: string): Promise<string> {
    const file = JSON.parse(await readFile('config/connectors/flight-delay.json', 'utf8')) as {
      config: object
    }
    const name = uniqueName('flight-delay')
    const where = {
      topics: source,
      'target.topic': target,
      'value.converter.schema.registry.url': sluice.schemaRegistry,
    }
    const created = await call(sluice.rest, 'POST', '/connectors', {
      name,
      config: { ...file.config, ...where },
    })
    expect(created.status, JSON.stringify(created.body)).to.equal(201)
    return name
  }

  it('loses none, and goes on by itself, whichever process of the worker is killed', async () => {
    const [source, target] = [uniqueName('flights'), uniqueName('flight-delays')]
    const id = await registerSchema(sluice.schemaRegistry, `${source}-value`, flightSchema)
    const values = heldOutFlights().map(({ flight }) => encodeFlight(flight, id))
    const records = Array.from({ length: FLIGHTS }, (_, i) => ({
      key: String(i),
      value: values[i % values.length] ?? null,
    }))
    await fillTopic(sluice.bootstrapServers, source, 6, records.slice(0, 1000))
    const name = await createConnector(source, target)
    await eventually(async () => (await countRecords(sluice.bootstrapServers, target)) >= 1000, {
      timeoutMs: 60_000,
    })
    let killed = 0
    await fillTopic(sluice.bootstrapServers, source, 6, records.slice(1000), async (written) => {
      if (written < (KILLS[killed]?.[0] ?? Infinity)) return
      await kill(KILLS[killed]?.[1] ?? '')
      killed++
    })
    expect(killed).to.equal(KILLS.length)
    const keys = await eventually(
      async () => {
        const read = (await readTopic(sluice.bootstrapServers, target)).map(({ key }) => key?.toString())
        return new Set(read).size >= FLIGHTS ? read : null
      },
      { timeoutMs: 120_000, everyMs: 1000 },
    )
    const distinct = new Set(keys)
    for (let i = 0; i < FLIGHTS; i++) if (!distinct.has(String(i))) throw new Error(`flight ${i} is lost`)
    expect(distinct.size).to.equal(FLIGHTS)
    await untilTasks(sluice.rest, name, 'RUNNING')
    console.log(`      ${keys.length - FLIGHTS} of ${FLIGHTS} flights came twice (at-least-once)`)
  })
})
