import { NetworkError, ResponseError, TimeoutError } from '@platformatic/kafka'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { ConnectError, FencedError, TaskError, UnavailableError } from '../../src/api/errors.ts'
import { brokerError, isRetriableCode, kafkaError, responseCode } from '../../src/kafka/errors.ts'
import { backOffMs, retrying } from '../../src/kafka/retry.ts'

describe('Kafka errors', () => {
  it('become ours by the broker’s code: unavailable, fenced or the end of the task', () => {
    const kinds: [number, new (...args: never[]) => ConnectError, string][] = [
      [6, UnavailableError, 'kafka.unavailable'],
      [15, UnavailableError, 'kafka.unavailable'],
      [3, UnavailableError, 'kafka.topic'],
      [22, FencedError, 'kafka.fenced'],
      [90, FencedError, 'kafka.fenced'],
      [29, TaskError, 'kafka.protocol'],
      [87, TaskError, 'kafka.topic'],
      [999, TaskError, 'kafka.protocol'],
    ]
    for (const [code, kind, ours] of kinds) {
      const error = brokerError(code, 'Doing something', 'its words')
      expect(error, String(code)).to.be.instanceOf(kind).with.property('code', ours)
      expect(error.retriable).to.equal(isRetriableCode(code))
      expect(error.message).to.include('Doing something').and.include(`(${code})`).and.include('its words')
    }
  })

  it('are found inside what the library throws', () => {
    const response = new ResponseError(0, 9, { '/topics/0': [16, 'moved'] }, {})
    expect(responseCode(response)).to.deep.equal({ code: 16, message: 'moved' })
    expect(kafkaError(response, 'Asking')).to.be.instanceOf(UnavailableError)
    expect(responseCode(new Error('x'))).to.equal(null)
  })

  it('are retriable only where we know it', () => {
    for (const lost of [new NetworkError('gone'), new TimeoutError('late')]) {
      expect(kafkaError(lost, 'Asking')).to.be.instanceOf(UnavailableError)
    }
    for (const unknown of [new Error('x'), new TypeError('y'), 'text', undefined]) {
      expect(kafkaError(unknown, 'Asking')).to.be.instanceOf(TaskError).with.property('retriable', false)
    }
    const ours = new FencedError('kafka.fenced', 'x')
    expect(kafkaError(ours, 'Asking')).to.equal(ours)
  })
})

describe('retrying', () => {
  it('repeats what is retriable until it works, and nothing else', async () => {
    let calls = 0
    const flaky = async (): Promise<number> => {
      if (++calls < 3) throw new UnavailableError('kafka.unavailable', 'not yet')
      return Promise.resolve(calls)
    }
    expect(await retrying(5000, flaky)).to.equal(3)
    const fatal = retrying(5000, () => Promise.reject(new TaskError('kafka.protocol', `call ${++calls}`)))
    expect(((await fatal.catch((e: unknown) => e)) as Error).message).to.equal('call 4')
  })

  it('gives the last error when the time is over', async () => {
    let calls = 0
    const down = retrying(200, () =>
      Promise.reject(new UnavailableError('kafka.unavailable', `try ${++calls}`)),
    )
    expect(((await down.catch((e: unknown) => e)) as Error).message).to.equal(`try ${calls}`)
    expect(calls).to.be.greaterThan(1)
  })

  it('waits longer each time, up to a second or so', () => {
    for (let attempt = 0; attempt < 100; attempt++) {
      const expected = Math.min(1000, 50 * 2 ** attempt)
      expect(backOffMs(attempt)).to.be.within(0.8 * expected, 1.2 * expected)
    }
  })
})
