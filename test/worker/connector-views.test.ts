import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { RawConfig } from '../../src/api/config.ts'
import { ConnectorViews } from '../../src/worker/connector-views.ts'
import type { StoredConnector } from '../../src/worker/stores/config-state.ts'
import type { Status } from '../../src/worker/stores/status-store.ts'

const TASKS = 4
const CONFIG: RawConfig = {
  'connector.class': 'TopicSink',
  topics: 'in',
  'target.topic': 'out',
  'db.password': 'secret',
  transforms: 'a',
  'transforms.a.type': 'ParseCsv$Value',
  'transforms.a.fields': 'n:int32',
}
const STATUS: Status = {
  state: 'RUNNING',
  trace: null,
  reason: null,
  workerId: 'w:1',
  generation: 3,
  version: null,
}

/** Views over stores that count what is asked of them and of their configurations. */
function counted(connectors: number) {
  const work = { asked: 0, valuesRead: 0 }
  const reading: ProxyHandler<RawConfig> = {
    get: (config, key: string) => {
      work.valuesRead++
      return config[key]
    },
  }
  const stored = new Map<string, StoredConnector>(
    Array.from({ length: connectors }, (_, n) => {
      const config = new Proxy({ ...CONFIG, name: `c${n}` }, reading)
      return [
        String(config.name),
        { config, target: 'STARTED', tasks: Array<RawConfig>(TASKS).fill(CONFIG) },
      ] as const
    }),
  )
  const asked = <T>(answer: T): T => {
    work.asked++
    return answer
  }
  const tasks = Array.from({ length: TASKS }, (_, n) => [n, STATUS] as const)
  const views = new ConnectorViews(
    { names: () => [...stored.keys()], get: (name) => asked(stored.get(name)) },
    { connector: () => asked(STATUS), task: () => asked(STATUS), tasks: () => asked(tasks) },
  )
  const list = () => views.names().map((name) => ({ status: views.status(name), info: views.info(name) }))
  return { work, list }
}

describe('a list of many connectors with status and info', () => {
  it('asks the stores as often for each of 600 connectors as for each of 6', () => {
    const [few, many] = [counted(6), counted(600)]
    few.list()
    many.list()
    expect(few.work.asked).to.be.at.most(6 * 4)
    expect(many.work.asked / 600).to.equal(few.work.asked / 6)
    expect(many.work.valuesRead / 600).to.be.at.most(few.work.valuesRead / 6)
  })

  it('looks into a configuration the first time only', () => {
    const { work, list } = counted(600)
    const first = list()
    work.valuesRead = 0
    expect(list()).to.deep.equal(first)
    expect(work.valuesRead).to.equal(0)
    expect(first[0]?.info.config).to.include({ 'db.password': '[hidden]', topics: 'in' })
    expect(first[0]).to.have.nested.property('status.type', 'sink')
  })
})
