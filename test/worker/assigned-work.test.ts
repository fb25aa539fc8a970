import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { RawConfig } from '../../src/api/config.ts'
import { SILENT } from '../../src/api/log.ts'
import { AssignedWork } from '../../src/worker/assigned-work.ts'
import type { State } from '../../src/worker/stores/status-store.ts'
import { eventually } from '../support/eventually.ts'

const QUICK = { everyMs: 1, timeoutMs: 5_000 }
const config = (topic: string): RawConfig => ({
  ...{ name: 'a', 'connector.class': 'FileStreamSource', file: '/dev/null', topic },
})

/** A source whose plugin answers when it is let. */
function source() {
  const questions: { readonly config: RawConfig; readonly answer: () => void }[] = []
  const stored = { config: config('first'), tasks: [] as readonly RawConfig[], target: 'STARTED' as const }
  const said: State[] = []
  const none = (): never => {
    throw new Error('nothing of this runs here')
  }
  const work = new AssignedWork({
    configs: { get: () => ({ ...stored }) },
    publish: (_, tasks) => {
      stored.tasks = tasks as readonly RawConfig[]
      return Promise.resolve()
    },
    statuses: {
      connector: (_, state) => Promise.resolve(void said.push(state)),
      task: () => Promise.resolve(),
    },
    suspects: { forget: () => undefined },
    hosts: {
      configure: (asked) =>
        new Promise((resolve) => {
          questions.push({ config: asked, answer: () => resolve([{ ...asked, 'task.class': 'x' }]) })
        }),
    },
    createTask: none,
    createMonitor: none,
    resolve: (each) => Promise.resolve(each),
    workerId: 'here:1',
    restartsAll: () => false,
    failedOn: () => [],
    log: SILENT,
  })
  const put = (topic: string): void => {
    stored.config = config(topic)
    work.refreshConnector('a')
  }
  return { work, questions, stored, said, put }
}

describe('a connector that a worker runs', () => {
  it('starts once more, with what counts then, however often it is changed while it starts', async () => {
    const { work, questions, stored, put } = source()
    await work.runOnly(['a'], [])
    await eventually(() => questions.length === 1, QUICK)
    for (let n = 1; n <= 20; n++) put(`out-${n}`)
    questions[0]?.answer()
    await eventually(() => questions.length === 2, QUICK)
    expect(questions[1]?.config['topic']).to.equal('out-20')
    questions[1]?.answer()
    await work.settled()
    expect(stored.tasks[0]?.['topic']).to.equal('out-20')
    expect(questions).to.have.lengthOf(2)
  })

  it('runs in the end where it is given away and comes back while it starts', async () => {
    const { work, questions, said, put } = source()
    await work.runOnly(['a'], [])
    await eventually(() => questions.length === 1, QUICK)
    put('other')
    void work.runOnly([], [])
    await work.runOnly(['a'], [])
    while (said.at(-1) !== 'RUNNING' || !said.includes('UNASSIGNED')) {
      for (const { answer } of questions) answer()
      await new Promise(setImmediate)
    }
    await work.settled()
    expect(said.at(-1)).to.equal('RUNNING')
    expect(work.connectors).to.deep.equal(['a'])
  })
})
