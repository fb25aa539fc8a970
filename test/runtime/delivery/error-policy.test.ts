import { expect } from 'chai'
import { describe, it } from 'mocha'
import { DataError, type Logger, SILENT, TaskError, UnavailableError } from '../../../src/index.ts'
import { commonKeys } from '../../../src/runtime/plugins/connector-keys.ts'
import { ErrorPolicy } from '../../../src/runtime/delivery/error-policy.ts'
import { eventually } from '../../support/eventually.ts'
import { batchOf } from '../../support/example-batch.ts'

function policy(raw: Record<string, string> = {}): ErrorPolicy {
  return new ErrorPolicy(commonKeys.read({ name: 'c', 'connector.class': 'TopicSink', ...raw }), SILENT)
}

const never = new AbortController().signal

async function thrown(run: () => Promise<unknown>): Promise<unknown> {
  return run().then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe('errors.retry.*', () => {
  it('does not try again by default', async () => {
    let tries = 0
    const error = await thrown(() =>
      policy().retry(() => {
        tries++
        return Promise.reject(new UnavailableError('task.failed', 'down'))
      }, never),
    )
    expect(error).to.be.instanceOf(UnavailableError)
    expect(tries).to.equal(1)
  })

  it('tries again until it works where errors.retry.timeout allows it', async () => {
    let tries = 0
    const retrying = policy({ 'errors.retry.timeout': '-1', 'errors.retry.delay.max.ms': '1' })
    const result = await retrying.retry(
      () =>
        ++tries < 5 ? Promise.reject(new UnavailableError('task.failed', 'down')) : Promise.resolve('up'),
      never,
    )
    expect(result).to.equal('up')
    expect(tries).to.equal(5)
  })

  it('never tries again what is not known to pass, such as an error that Sluice did not create', async () => {
    const retrying = policy({ 'errors.retry.timeout': '-1', 'errors.retry.delay.max.ms': '1' })
    for (const error of [new TypeError('a bug'), new DataError('record.value', 'bad')]) {
      let tries = 0
      const seen = await thrown(() =>
        retrying.retry(() => {
          tries++
          return Promise.reject(error)
        }, never),
      )
      expect(seen).to.equal(error)
      expect(tries).to.equal(1)
    }
  })
})

describe('a schema registry or a Kafka that is away', () => {
  const AWAY = new UnavailableError('registry.unavailable', 'no answer', {
    waitsFor: 'the schema registry at http://me:CANARY@r: HTTP 500',
  })
  const quick = { 'errors.retry.delay.max.ms': '1' }

  function waiting(raw: Record<string, string> = quick) {
    const told: (string | null)[] = []
    const lines: string[] = []
    const say = (message: string): void => void lines.push(message)
    const log: Logger = { ...SILENT, warn: say, info: say }
    const config = commonKeys.read({ name: 'c', 'connector.class': 'TopicSink', ...raw })
    return { told, lines, policy: new ErrorPolicy(config, log, { tell: (reason) => void told.push(reason) }) }
  }

  it('is waited for without errors.retry.timeout, which its status and two log lines tell', async () => {
    const { told, lines, policy: waits } = waiting()
    let tries = 0
    const result = await waits.retry(
      () => (++tries < 9 ? Promise.reject(AWAY) : Promise.resolve('up')),
      never,
    )
    expect(result).to.equal('up')
    const reason = 'waiting for the schema registry at http://[hidden]@r: HTTP 500'
    expect(told).to.deep.equal([reason, null])
    expect(lines).to.deep.equal([reason, `no longer ${reason}`])
  })

  it('leaves the whole errors.retry.timeout to another error that comes after it', async () => {
    const { policy: waits } = waiting({ ...quick, 'errors.retry.timeout': '60' })
    const failures = [AWAY, ...Array<Error>(100).fill(AWAY), new UnavailableError('task.failed', 'other')]
    const next = (): Promise<string> => {
      const failure = failures.shift()
      return failure === undefined ? Promise.resolve('up') : Promise.reject(failure)
    }
    expect(await waits.retry(next, never)).to.equal('up')
  })

  it('is not waited for any longer than its batch is wanted', async () => {
    const { told, policy: waits } = waiting({ 'errors.retry.delay.max.ms': '60000' })
    const stopping = new AbortController()
    const retrying = thrown(() => waits.retry(() => Promise.reject(AWAY), stopping.signal))
    await eventually(() => told.length === 1)
    stopping.abort()
    expect(await retrying).to.include({ name: 'AbortError' })
    expect(told.at(-1)).to.equal(null)
  })
})

describe('errors.log.* and errors.tolerance', () => {
  /** The log lines about a batch of two records whose second one failed, and what was thrown. */
  function judged(raw: Record<string, string>): { lines: Record<string, unknown>[]; error: unknown } {
    const lines: Record<string, unknown>[] = []
    const log: Logger = { ...SILENT, error: (message, fields) => void lines.push({ message, ...fields }) }
    const config = commonKeys.read({ name: 'c', 'connector.class': 'TopicSink', ...raw })
    const batch = batchOf([{ value: 'good' }, { value: 'bad' }])
    batch.states.enter('TRANSFORMATION', 'ScoreH2OGbm')
    batch.fail(1, new DataError('record.field', 'no such field'))
    try {
      new ErrorPolicy(config, log).enforce(batch, batch.states.failures())
      return { lines, error: undefined }
    } catch (error) {
      return { lines, error }
    }
  }

  const said = {
    message: 'a record failed',
    stage: 'TRANSFORMATION',
    plugin: 'ScoreH2OGbm',
    code: 'record.field',
    error: 'no such field',
  }

  it('log nothing by default, and nothing of a record but its place where asked', () => {
    const all = { 'errors.tolerance': 'all' }
    expect(judged(all).lines).to.deep.equal([])
    expect(judged({ ...all, 'errors.log.enable': 'true' }).lines).to.deep.equal([said])
    const place = { topic: 't', partition: 0, offset: '1', timestamp: '0' }
    const messages = { 'errors.log.enable': 'true', 'errors.log.include.messages': 'true' }
    expect(judged({ ...all, ...messages }).lines).to.deep.equal([{ ...said, ...place }])
  })

  it('fail the task at the first bad record unless all are tolerated', () => {
    expect(judged({ 'errors.tolerance': 'all' }).error).to.equal(undefined)
    const { error } = judged({})
    expect(error).to.be.instanceOf(TaskError)
    expect(error).to.include({ code: 'task.tolerance', stage: 'TRANSFORMATION', plugin: 'ScoreH2OGbm' })
    expect(String(error)).to.contain('record t-0@1 failed in TRANSFORMATION (ScoreH2OGbm): no such field')
  })
})
