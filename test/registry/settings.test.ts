import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { errorOf, recordText, startMemoryRegistry } from './client.ts'
import type { RegistryUnderTest } from './client.ts'

const A = recordText('R', ['a', 'int'])
/** Reads A; A reads it too. */
const WITH_DEFAULT = recordText('R', ['a', 'int'], ['b', 'int', 0])
/** Does not read A; A reads it. */
const WITH_REQUIRED = recordText('R', ['a', 'int'], ['b', 'int'])
/** Reads A; A does not read it. */
const WITHOUT = recordText('R')

describe('the registry, compatibility', () => {
  let registry: RegistryUnderTest
  const call: RegistryUnderTest['call'] = (...args) => registry.call(...args)

  beforeEach(async () => {
    registry = await startMemoryRegistry()
  })
  afterEach(() => registry.close())

  const ACCEPTED: Record<string, readonly string[]> = {
    NONE: [WITH_DEFAULT, WITH_REQUIRED, WITHOUT],
    BACKWARD: [WITH_DEFAULT, WITHOUT],
    FORWARD: [WITH_DEFAULT, WITH_REQUIRED],
    FULL: [WITH_DEFAULT],
    BACKWARD_TRANSITIVE: [WITH_DEFAULT, WITHOUT],
    FORWARD_TRANSITIVE: [WITH_DEFAULT, WITH_REQUIRED],
    FULL_TRANSITIVE: [WITH_DEFAULT],
  }
  for (const [compatibility, accepted] of Object.entries(ACCEPTED)) {
    it(`takes at ${compatibility} what it should`, async () => {
      await registry.register('s', A)
      await call('PUT', '/config', { compatibility })
      for (const schema of [WITH_DEFAULT, WITH_REQUIRED, WITHOUT]) {
        const isAccepted = accepted.includes(schema)
        const check = await call('POST', '/compatibility/subjects/s/versions/latest', { schema })
        expect(check.body, schema).to.deep.equal({ is_compatible: isAccepted })
        const { status } = await registry.register('s', schema)
        expect(status, schema).to.equal(isAccepted ? 200 : 409)
        if (isAccepted) await call('DELETE', '/subjects/s/versions/latest')
      }
    })
  }

  it('compares with all versions at a transitive level only', async () => {
    // The third does not read the first: it has c, which only the second brought, without a default.
    const second = recordText('R', ['a', 'int'], ['c', 'int', 0])
    const third = recordText('R', ['a', 'int'], ['c', 'int'])
    for (const schema of [A, second]) await registry.register('s', schema)
    const all = '/compatibility/subjects/s/versions'
    expect((await call('POST', all, { schema: third })).body).to.deep.equal({ is_compatible: true })
    await call('PUT', '/config/s', { compatibility: 'BACKWARD_TRANSITIVE' })
    expect((await call('POST', all, { schema: third })).body).to.deep.equal({ is_compatible: false })
    expect((await registry.register('s', third)).status).to.equal(409)
    await call('PUT', '/config/s', { compatibility: 'BACKWARD' })
    expect((await registry.register('s', third)).status).to.equal(200)
  })

  it('says what is wrong in the words of other registries', async () => {
    await registry.register('flights-value', A)
    const details = [
      "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'b' at path '/fields/1' in the new " +
        "schema has no default value and is missing in the old schema', additionalInfo:'b'}",
      '{oldSchemaVersion: 1}',
      `{oldSchema: '${A}'}`,
      "{validateFields: 'false', compatibility: 'BACKWARD'}",
    ]
    const answer = await registry.register('flights-value', WITH_REQUIRED)
    expect(answer.status).to.equal(409)
    expect(answer.body).to.deep.equal({
      error_code: 409,
      message:
        'Schema being registered is incompatible with an earlier schema for subject "flights-value", ' +
        `details: [${details.join(', ')}]`,
    })
    const path = '/compatibility/subjects/flights-value/versions/1?verbose=true'
    const check = await call('POST', path, { schema: WITH_REQUIRED })
    expect(check.body).to.deep.equal({ is_compatible: false, messages: details })
    const good = await call('POST', path, { schema: WITH_DEFAULT })
    expect(good.body).to.deep.equal({ is_compatible: true, messages: [] })
  })

  it('names each side by its age when the old schema is the reader', async () => {
    await registry.register('s', A)
    await call('PUT', '/config/s', { compatibility: 'FULL' })
    const schema = recordText('R', ['c', 'string'])
    const check = await call('POST', '/compatibility/subjects/s/versions/latest?verbose=true', { schema })
    const { messages } = check.body as { messages: string[] }
    expect(messages[0]).to.include("'a' at path '/fields/0' in the old schema has no default")
    expect(messages[1]).to.include("'c' at path '/fields/0' in the new schema has no default")
  })

  it('finds the first schema of a subject compatible, and a version that is not there missing', async () => {
    const latest = await call('POST', '/compatibility/subjects/s/versions/latest', { schema: A })
    expect(latest.body).to.deep.equal({ is_compatible: true })
    const second = await call('POST', '/compatibility/subjects/s/versions/2', { schema: A })
    expect(errorOf(second)).to.deep.equal({ status: 404, code: 40401 })
    await registry.register('s', A)
    const third = await call('POST', '/compatibility/subjects/s/versions/2', { schema: A })
    expect(errorOf(third)).to.deep.equal({ status: 404, code: 40402 })
  })

  it('has a global level and a level of each subject', async () => {
    expect((await call('GET', '/config')).body).to.deep.equal({ compatibilityLevel: 'BACKWARD' })
    expect(errorOf(await call('GET', '/config/s'))).to.deep.equal({ status: 404, code: 40408 })
    const global = { compatibilityLevel: 'BACKWARD' }
    expect((await call('GET', '/config/s?defaultToGlobal=true')).body).to.deep.equal(global)
    const put = await call('PUT', '/config/s', { compatibility: 'full' })
    expect(put.body).to.deep.equal({ compatibility: 'FULL' })
    expect((await call('GET', '/config/s')).body).to.deep.equal({ compatibilityLevel: 'FULL' })
    expect((await call('DELETE', '/config/s')).body).to.deep.equal({ compatibilityLevel: 'FULL' })
    expect(errorOf(await call('DELETE', '/config/s')).code).to.equal(40401)
    await call('PUT', '/config', { compatibility: 'NONE' })
    expect((await call('GET', '/config')).body).to.deep.equal({ compatibilityLevel: 'NONE' })
    await call('DELETE', '/config')
    expect((await call('GET', '/config')).body).to.deep.equal(global)
    for (const compatibility of ['SIDEWAYS', '', null, 5]) {
      const answer = await call('PUT', '/config', { compatibility })
      expect(errorOf(answer), String(compatibility)).to.deep.equal({ status: 422, code: 42203 })
    }
  })

  it('writes nothing in a read-only mode, which can be left again', async () => {
    await registry.register('s', A)
    expect((await call('GET', '/mode')).body).to.deep.equal({ mode: 'READWRITE' })
    expect(errorOf(await call('GET', '/mode/s')).code).to.equal(40409)
    expect((await call('PUT', '/mode/s', { mode: 'READONLY' })).body).to.deep.equal({ mode: 'READONLY' })
    expect(errorOf(await registry.register('s', WITH_DEFAULT))).to.deep.equal({ status: 422, code: 42205 })
    expect((await registry.register('s', A)).body).to.deep.equal({ id: 1 })
    expect(errorOf(await call('DELETE', '/subjects/s')).code).to.equal(42205)
    expect((await registry.register('t', A)).status).to.equal(200)
    expect((await call('DELETE', '/mode/s')).body).to.deep.equal({ mode: 'READONLY' })
    expect((await registry.register('s', WITH_DEFAULT)).status).to.equal(200)
    expect(errorOf(await call('PUT', '/mode', { mode: 'WRITEONLY' })).code).to.equal(42204)
  })
})
