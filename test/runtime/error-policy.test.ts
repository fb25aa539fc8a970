import { expect } from 'chai'
import { describe, it } from 'mocha'
import { DataError, SILENT, UnavailableError } from '../../src/index.ts'
import { commonKeys } from '../../src/runtime/connector-keys.ts'
import { ErrorPolicy } from '../../src/runtime/error-policy.ts'

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
        return Promise.reject(new UnavailableError('registry.unavailable', 'down'))
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
        ++tries < 5
          ? Promise.reject(new UnavailableError('registry.unavailable', 'down'))
          : Promise.resolve('up'),
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
