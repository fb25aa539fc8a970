import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { errorOf, recordText, startMemoryRegistry } from './client.ts'
import type { RegistryUnderTest } from './client.ts'

const V1 = recordText('R', ['a', 'int'])
const V2 = recordText('R', ['a', 'int'], ['b', 'int', 0])

describe('the registry, deletion', () => {
  let registry: RegistryUnderTest
  const call: RegistryUnderTest['call'] = (...args) => registry.call(...args)

  beforeEach(async () => {
    registry = await startMemoryRegistry()
    await registry.register('s', V1)
    await registry.register('s', V2)
  })
  afterEach(() => registry.close())

  it('hides a subject that was deleted, but still serves its ids', async () => {
    expect(await call('DELETE', '/subjects/s')).to.deep.equal({ status: 200, body: [1, 2] })
    expect((await call('GET', '/subjects')).body).to.deep.equal([])
    expect((await call('GET', '/subjects?deleted=true')).body).to.deep.equal(['s'])
    expect(errorOf(await call('GET', '/subjects/s/versions')).code).to.equal(40401)
    expect(errorOf(await call('GET', '/subjects/s/versions/1')).code).to.equal(40401)
    expect((await call('GET', '/subjects/s/versions?deleted=true')).body).to.deep.equal([1, 2])
    expect((await call('GET', '/subjects/s/versions/1?deleted=true')).body).to.include({ id: 1 })
    expect((await call('GET', '/schemas/ids/2')).body).to.deep.equal({ schema: V2 })
    expect((await call('GET', '/schemas/ids/2/subjects')).body).to.deep.equal([])
    expect((await call('GET', '/schemas/ids/2/subjects?deleted=true')).body).to.deep.equal(['s'])
    expect(errorOf(await call('POST', '/subjects/s', { schema: V1 })).code).to.equal(40401)
    expect((await call('POST', '/subjects/s?deleted=true', { schema: V1 })).body).to.include({ version: 1 })
    expect(errorOf(await call('DELETE', '/subjects/s'))).to.deep.equal({ status: 404, code: 40404 })
  })

  it('hides one version that was deleted', async () => {
    expect(await call('DELETE', '/subjects/s/versions/latest')).to.deep.equal({ status: 200, body: 2 })
    expect((await call('GET', '/subjects/s/versions')).body).to.deep.equal([1])
    expect((await call('GET', '/subjects/s/versions/latest')).body).to.include({ version: 1 })
    expect(errorOf(await call('GET', '/subjects/s/versions/2')).code).to.equal(40402)
    expect(errorOf(await call('DELETE', '/subjects/s/versions/2')).code).to.equal(40406)
    expect(errorOf(await call('DELETE', '/subjects/s/versions/3')).code).to.equal(40402)
    expect(errorOf(await call('DELETE', '/subjects/t/versions/1')).code).to.equal(40401)
  })

  it('gives a schema that comes back its old id and a new version', async () => {
    await call('DELETE', '/subjects/s')
    expect((await registry.register('s', V2)).body).to.deep.equal({ id: 2 })
    expect((await call('GET', '/subjects/s/versions')).body).to.deep.equal([3])
    expect((await call('GET', '/subjects/s/versions?deleted=true')).body).to.deep.equal([1, 3])
  })

  it('does not compare with versions that were deleted', async () => {
    await call('DELETE', '/subjects/s')
    expect((await registry.register('s', recordText('R', ['a', 'string']))).status).to.equal(200)
  })

  it('deletes for good only what was deleted before', async () => {
    expect(errorOf(await call('DELETE', '/subjects/s?permanent=true')).code).to.equal(40405)
    expect(errorOf(await call('DELETE', '/subjects/s/versions/1?permanent=true')).code).to.equal(40407)
    await call('DELETE', '/subjects/s')
    expect(await call('DELETE', '/subjects/s?permanent=true')).to.deep.equal({ status: 200, body: [1, 2] })
    expect((await call('GET', '/subjects?deleted=true')).body).to.deep.equal([])
    expect(errorOf(await call('GET', '/schemas/ids/1'))).to.deep.equal({ status: 404, code: 40403 })
    expect(errorOf(await call('DELETE', '/subjects/s')).code).to.equal(40401)
  })

  it('never uses a version or an id again', async () => {
    await call('DELETE', '/subjects/s')
    await call('DELETE', '/subjects/s?permanent=true')
    expect((await registry.register('s', V1)).body).to.deep.equal({ id: 3 })
    expect((await call('GET', '/subjects/s/versions')).body).to.deep.equal([3])
  })

  it('keeps an id while another subject has it', async () => {
    await registry.register('t', V1)
    await call('DELETE', '/subjects/s')
    await call('DELETE', '/subjects/s?permanent=true')
    expect((await call('GET', '/schemas/ids/1')).body).to.deep.equal({ schema: V1 })
    expect((await registry.register('u', V1)).body).to.deep.equal({ id: 1 })
  })

  it('lets a referenced schema go softly once its last referrer is deleted, for good when that is gone', async () => {
    const references = [{ name: 'R', subject: 's', version: 2 }]
    await registry.register('t', recordText('T', ['r', 'R']), { references })
    expect(errorOf(await call('DELETE', '/subjects/s')).code).to.equal(42206)
    await call('DELETE', '/subjects/t')
    expect((await call('DELETE', '/subjects/s')).status).to.equal(200)
    expect(errorOf(await call('DELETE', '/subjects/s?permanent=true')).code).to.equal(42206)
    await call('DELETE', '/subjects/t?permanent=true')
    expect((await call('DELETE', '/subjects/s?permanent=true')).status).to.equal(200)
  })

  it("forgets a deleted subject's own settings", async () => {
    await call('PUT', '/config/s', { compatibility: 'NONE' })
    await call('DELETE', '/subjects/s')
    expect(errorOf(await call('GET', '/config/s')).code).to.equal(40408)
  })
})
