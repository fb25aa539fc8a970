import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { avroConverter } from '../../../src/converters/avro/plugin.ts'
import { ConnectError, SILENT } from '../../../src/index.ts'
import { eventually } from '../../support/eventually.ts'
import { allRows, bytesOf, Failures, openConverter, RegistryStandIn, slicesOf } from '../support.ts'
import { avscType, record, withHeader } from './support.ts'

const SCHEMA = record({ n: 'int' })
const PAYLOAD = avscType(SCHEMA).toBuffer({ n: 5 })

describe('AvroConverter, where the schema registry', () => {
  let registry: RegistryStandIn
  let failures: Failures

  beforeEach(async () => {
    registry = await RegistryStandIn.start()
    failures = new Failures()
    registry.add(SCHEMA)
  })
  afterEach(() => registry.stop())

  const open = (raw: Record<string, string> = {}) =>
    openConverter(avroConverter, {
      'schema.registry.url': registry.url,
      'retries.wait.ms': '1',
      'max.retries': '2',
      ...raw,
    })
  const rows = slicesOf([withHeader(PAYLOAD, 1)])

  /** Decodes one record and encodes it again; the bytes, or what was thrown. */
  async function through(raw: Record<string, string> = {}): Promise<Buffer | null | ConnectError> {
    const converter = open(raw)
    try {
      const side = await converter.decode('in', rows, failures.fail)
      return bytesOf(await converter.encode('out', side, allRows(1), failures.fail), [0])[0]!
    } catch (error) {
      if (error instanceof ConnectError) return error
      throw error
    }
  }

  function error(of: Awaited<ReturnType<typeof through>>): ConnectError {
    expect(of).to.be.instanceOf(ConnectError)
    expect(failures.codes()).to.deep.equal({})
    return of as ConnectError
  }

  it('answers 500 twice, is asked again and the record passes', async () => {
    let bad = 2
    registry.override = () => (bad-- > 0 ? { status: 500 } : undefined)
    expect(await through()).to.be.instanceOf(Buffer)
  })

  it('answers 503 or 429 for ever, the task fails for now and no record does', async () => {
    for (const status of [500, 503, 429]) {
      registry.asked.length = 0
      registry.override = () => ({ status })
      const failure = error(await through())
      expect([failure.code, failure.name, failure.retriable]).to.deep.equal([
        'registry.unavailable',
        'UnavailableError',
        true,
      ])
      expect(registry.asked).to.have.length(3)
    }
  })

  it('is down, the task fails for now', async () => {
    await registry.stop()
    expect(error(await through()).code).to.equal('registry.unavailable')
  })

  it('does not answer in time, the task fails for now', async () => {
    registry.override = () => ({ status: 200, body: {}, delayMs: 2_000 })
    const failure = error(await through({ 'http.read.timeout.ms': '30', 'max.retries': '0' }))
    expect(failure.code).to.equal('registry.unavailable')
  })

  const NO_ANSWERS = {
    'a server error': [{ status: 500 }, 'HTTP 500'],
    'a page of something else in its place': [{ status: 200, text: '<html>login</html>' }, 'HTTP 200'],
    'a redirect': [{ status: 302, location: '/login' }, 'HTTP 302'],
    'a 404 of a proxy': [{ status: 404, text: '<html>no such page</html>' }, 'HTTP 404'],
    'a 404 of a server that has no such route': [{ status: 404, body: { error_code: 404 } }, 'HTTP 404'],
    'a 405 that no registry wrote': [{ status: 405, text: '' }, 'HTTP 405'],
    'JSON that is no schema and no id': [{ status: 200, body: { something: 'else' } }, 'an answer without'],
  } as const
  for (const [what, [answer, reason]] of Object.entries(NO_ANSWERS)) {
    it(`answers with ${what}, the task is told what to wait for, whether it reads or registers a schema`, async () => {
      for (const method of ['GET', 'POST']) {
        registry.override = (asked) => (asked.method === method ? answer : undefined)
        const failure = error(await through({ 'max.retries': '0' }))
        expect([failure.code, failure.retriable]).to.deep.equal(['registry.unavailable', true])
        expect(failure.waitsFor).to.contain(`the schema registry at ${registry.url}: ${reason}`)
      }
    })
  }

  it('does not know a schema, its record fails and the task waits for nothing', async () => {
    for (const code of [40401, 40402, 40403]) {
      failures = new Failures()
      registry.override = () => ({ status: 404, body: { error_code: code, message: 'not found' } })
      await open().decode('in', rows, failures.fail)
      expect(failures.codes()).to.deep.equal({ 0: 'schema.unknown' })
    }
  })

  it('does not answer, the task can give up waiting at once', async () => {
    registry.override = () => ({ status: 200, delayMs: 5_000 })
    const stopping = new AbortController()
    const converter = avroConverter.open(avroConverter.config.read({ 'schema.registry.url': registry.url }), {
      side: 'value',
      log: SILENT,
      outside: (work) => work(stopping.signal),
    })
    const decoding = converter.decode('in', rows, failures.fail).catch((e: unknown) => e)
    await eventually(() => registry.asked.length > 0)
    stopping.abort()
    expect(await decoding).to.include({ name: 'AbortError' })
    expect(registry.asked).to.have.length(1)
  })

  it('is down after its schemas were read, cached ids keep working', async () => {
    const converter = open()
    const side = await converter.decode('in', rows, failures.fail)
    await converter.encode('out', side, allRows(1), failures.fail)
    await registry.stop()
    const again = await converter.decode('in', rows, failures.fail)
    expect(bytesOf(await converter.encode('out', again, allRows(1), failures.fail), [0])[0]).to.be.instanceOf(
      Buffer,
    )
    expect(failures.codes()).to.deep.equal({})
  })

  it('was down and is back, the next batch passes', async () => {
    const converter = open({ 'max.retries': '0' })
    registry.override = () => ({ status: 500 })
    const thrown = await converter.decode('in', rows, failures.fail).catch((e: unknown) => e)
    expect(thrown).to.be.instanceOf(ConnectError)
    registry.override = () => undefined
    const side = await converter.decode('in', rows, failures.fail)
    registry.override = () => ({ status: 500 })
    expect(
      await converter.encode('out', side, allRows(1), failures.fail).catch((e: unknown) => e),
    ).to.be.instanceOf(ConnectError)
    registry.override = () => undefined
    expect(bytesOf(await converter.encode('out', side, allRows(1), failures.fail), [0])[0]).to.be.instanceOf(
      Buffer,
    )
  })

  it('answers on its second URL only, that one is used from then on', async () => {
    const dead = await RegistryStandIn.start()
    await dead.stop()
    expect(await through({ 'schema.registry.url': `${dead.url}, ${registry.url}/` })).to.be.instanceOf(Buffer)
  })

  it('refuses the credentials, the task fails without naming them', async () => {
    for (const status of [401, 403]) {
      registry.override = () => ({ status })
      const failure = error(
        await through({
          'basic.auth.credentials.source': 'USER_INFO',
          'basic.auth.user.info': 'me:s3cret',
        }),
      )
      expect([failure.code, failure.retriable]).to.deep.equal(['registry.denied', false])
      expect(JSON.stringify([failure.message, failure.stack])).to.not.contain('s3cret')
    }
  })

  it('wants credentials, it gets those of USER_INFO or of the URL', async () => {
    const basic = `Basic ${Buffer.from('me:p@ss').toString('base64')}`
    await through({ 'basic.auth.credentials.source': 'USER_INFO', 'basic.auth.user.info': 'me:p@ss' })
    expect(registry.asked.every((asked) => asked.authorization === basic)).to.equal(true)
    registry.asked.length = 0
    await through({ 'schema.registry.url': registry.url.replace('//', '//me:p%40ss@') })
    expect(registry.asked.map((asked) => asked.authorization)).to.deep.equal([basic, basic])
    registry.asked.length = 0
    await through()
    expect(registry.asked[0]?.authorization).to.equal(undefined)
  })

  it('refuses a schema as incompatible, the task fails with its reason', async () => {
    registry.override = ({ path }) =>
      path.endsWith('/versions')
        ? { status: 409, body: { error_code: 409, message: 'READER_FIELD_MISSING' } }
        : undefined
    const failure = error(await through())
    expect([failure.code, failure.name]).to.deep.equal(['schema.incompatible', 'TaskError'])
    expect(failure.message).to.contain('READER_FIELD_MISSING').and.contain('out-value')
  })

  it('refuses a schema as invalid, the task fails', async () => {
    registry.override = ({ method }) => (method === 'POST' ? { status: 422 } : undefined)
    expect(error(await through()).code).to.equal('schema.invalid')
  })

  it('does not have the schema, it is registered only where auto.register.schemas allows', async () => {
    const failure = error(await through({ 'auto.register.schemas': 'false' }))
    expect(failure.code).to.equal('schema.unknown')
    registry.add(SCHEMA, { subject: 'out-value' })
    expect(await through({ 'auto.register.schemas': 'false' })).to.be.instanceOf(Buffer)
    expect(registry.asked.some((asked) => asked.path.endsWith('/versions'))).to.equal(false)
  })
})
