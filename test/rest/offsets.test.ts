import { expect } from 'chai'
import { describe, it } from 'mocha'
import { expectError, messageOf, restApi } from './rest-api.ts'

const KEY = '["lines",{"filename":"/tmp/f"}]'
const LARGE = '9007199254740993'

describe('the REST API, asked for the offsets of a source,', () => {
  const api = restApi()
  const { call } = api

  const createStopped = (): Promise<unknown> =>
    call('POST', '/connectors', {
      name: 'lines',
      config: { 'connector.class': 'FileStreamSource', file: '/tmp/f', topic: 'out' },
      initial_state: 'STOPPED',
    })

  it('shows them, sets them and removes them, with all their digits', async () => {
    api.worker.topics.write('offsets', KEY, `{"position":${LARGE}}`)
    await createStopped()
    const shown = await fetch(`http://127.0.0.1:${api.port}/connectors/lines/offsets`)
    expect(await shown.text()).to.equal(
      `{"offsets":[{"partition":{"filename":"/tmp/f"},"offset":{"position":${LARGE}}}]}`,
    )
    const body = '{"offsets":[{"partition":{"filename":"/tmp/f"},"offset":{"position":12}}]}'
    const altered = await call('PATCH', '/connectors/lines/offsets', body)
    expect(altered.body).to.deep.equal({
      message: 'The offsets for this connector have been altered successfully',
    })
    expect(api.worker.topics.records('offsets').at(-1)).to.deep.equal({ key: KEY, value: '{"position":12}' })
    const reset = await call('DELETE', '/connectors/lines/offsets')
    expect(reset.body).to.deep.equal({
      message: 'The offsets for this connector have been reset successfully',
    })
    expect(api.worker.topics.records('offsets').at(-1)).to.deep.equal({ key: KEY, value: null })
  })

  it('answers 400 with what is wrong', async () => {
    await createStopped()
    const wrong: [string, string][] = [
      ['{}', 'need to be provided'],
      ['{"offsets":[]}', 'need to be provided'],
      ['{"offsets":{}}', 'not a list'],
      ['{"offset":[]}', '"offset"'],
      ['{"offsets":[{}]}', 'cannot be null or missing'],
      ['{"offsets":[{"partition":null,"offset":null}]}', 'cannot be null or missing'],
      ['{"offsets":[{"partition":[],"offset":null}]}', 'a partition is an array'],
      ['{"offsets":[{"partition":{"filename":"f"},"offset":{"position":{}}}]}', 'as "position"'],
      ['{"offsets":[{"partition":{"filename":"f"},"offset":{"position":-1}}]}', 'non-negative'],
    ]
    for (const [body, reason] of wrong) {
      const answer = await call('PATCH', '/connectors/lines/offsets', body)
      expectError(answer, 400)
      expect(messageOf(answer), body).to.contain(reason)
    }
    expectError(await call('GET', '/connectors/no/offsets'), 404)
    const some = '{"offsets":[{"partition":{"filename":"f"},"offset":null}]}'
    expectError(await call('PATCH', '/connectors/no/offsets', some), 404)
    expectError(await call('PATCH', '/connectors/no/offsets', '{"offsets":[]}'), 400)
    expectError(await call('POST', '/connectors/lines/offsets'), 405)
  })
})
