import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { FromHost } from '../../src/runtime/host/protocol.ts'
import { eventually } from '../support/eventually.ts'
import { CONFIG, restApi } from './rest-api.ts'

interface Report {
  readonly shadows: readonly { readonly model: string; readonly rows: number }[]
  readonly tasks: readonly { readonly task: number; readonly transform: string; readonly rows: number }[]
}

const figures = (rows: number) => [
  {
    ...{
      model: 'challenger',
      version: '1',
      serving: 'champion$1',
      rows,
      notScored: 0,
      labelled: rows,
      equal: rows,
    },
    ...{
      compared: rows,
      difference: 0,
      largest: 0,
      batches: 1,
      milliseconds: 1,
      servingMilliseconds: 1,
      problem: null,
    },
  },
]

describe('what shadow models say, over REST', () => {
  const api = restApi()

  async function report(name: string): Promise<Report> {
    const { code, body } = await api.call('GET', `/sluice/connectors/${name}/shadows`)
    expect(code).to.equal(200)
    return body as Report
  }

  /** The host of a task says what its transform shows. */
  function show(connector: string, task: number, rows: number, name = 'shadows'): void {
    const host = api.worker.hosts.find((each) =>
      each.heard('start').some(({ id }) => id.connector === connector && id.task === task),
    )
    const id = { connector, task }
    const message: FromHost = {
      type: 'shown',
      id,
      shown: [{ transform: 'score', name, figures: figures(rows) }],
    }
    host?.say(message)
  }

  it('is that of the tasks which run here, the latest of each', async () => {
    await api.create('two', { ...CONFIG, 'tasks.max': '2' })
    await eventually(() => {
      const started = api.worker.hosts
        .flatMap((host) => host.heard('start'))
        .filter(({ id }) => id.connector === 'two')
      return started.length === 2
    })
    expect(await report('two')).to.deep.equal({ connector: 'two', shadows: [], tasks: [] })
    show('two', 0, 1)
    show('two', 1, 10)
    show('two', 0, 5)
    show('two', 0, 100, 'others')
    const { shadows, tasks } = await report('two')
    expect(shadows).to.have.length(1)
    expect(shadows[0]).to.deep.include({ model: 'challenger', rows: 15 })
    expect(tasks.map(({ task, transform, rows }) => [task, transform, rows])).to.deep.equal([
      [0, 'score', 5],
      [1, 'score', 10],
    ])
  })

  it('is forgotten when its task starts anew', async () => {
    await api.create('again')
    const starts = () =>
      api.worker.hosts.flatMap((host) => host.heard('start')).filter(({ id }) => id.connector === 'again')
        .length
    await eventually(() => starts() === 1)
    show('again', 0, 3)
    expect((await report('again')).tasks).to.have.length(1)
    expect((await api.call('POST', '/connectors/again/tasks/0/restart')).code).to.equal(204)
    await eventually(() => starts() === 2)
    expect((await report('again')).tasks).to.deep.equal([])
  })

  it('is not there for a connector that nobody knows: 404; and cannot be changed: 405', async () => {
    const unknown = await api.call('GET', '/sluice/connectors/nobody/shadows')
    expect(unknown.code).to.equal(404)
    expect(unknown.body).to.deep.equal({ error_code: 404, message: 'Connector nobody not found' })
    expect((await api.call('PUT', '/sluice/connectors/nobody/shadows', {})).code).to.equal(405)
  })
})
