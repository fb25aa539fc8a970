import { createHmac } from 'node:crypto'
import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import { SILENT } from '../../src/api/log.ts'
import { SessionKeys } from '../../src/worker/cluster/session-keys.ts'
import { ALGORITHM_HEADER, SIGNATURE_HEADER, type Signature } from '../../src/worker/cluster/signatures.ts'
import type { SigningSettings } from '../../src/worker/settings/signing.ts'
import type { SessionKey } from '../../src/worker/stores/config-state.ts'

const HOUR = 3_600_000
const SETTINGS: SigningSettings = {
  keyAlgorithm: 'HmacSHA256',
  keySize: 0,
  keyTtl: HOUR,
  signatureAlgorithm: 'HmacSHA256',
  verificationAlgorithms: ['HmacSHA256'],
}
const BODY = Buffer.from('[{"a":"1"}]')

/** The config topic's session key. */
class Topic {
  readonly written: SessionKey[] = []
  fails = 0

  get sessionKey(): SessionKey | undefined {
    return this.written.at(-1)
  }

  putSessionKey(key: SessionKey): Promise<void> {
    if (this.fails-- > 0) return Promise.reject(new Error('Kafka is away'))
    this.written.push(key)
    return Promise.resolve()
  }

  readToEnd(): Promise<void> {
    return Promise.resolve()
  }
}

describe('the session keys of a cluster', () => {
  const opened: SessionKeys[] = []
  afterEach(() => opened.splice(0).forEach((keys) => keys.close()))

  function member(topic: Topic, settings: Partial<SigningSettings> = {}, skew = 0) {
    const clock = { now: 1_000_000_000_000 + skew, elapsed: 0 }
    const place: { leads: boolean; protocolVersion: 0 | 1 | 2 } = { leads: true, protocolVersion: 2 }
    const keys = new SessionKeys({
      configs: topic,
      place,
      settings: { ...SETTINGS, ...settings },
      log: SILENT,
      now: () => clock.now,
      elapsed: () => clock.elapsed,
    })
    opened.push(keys)
    const pass = (ms: number): void => {
      clock.now += ms
      clock.elapsed += ms
    }
    return { keys, place, clock, pass }
  }

  function read(headers: Record<string, string>, body = BODY): Signature {
    return { body, signature: headers[SIGNATURE_HEADER], algorithm: headers[ALGORITHM_HEADER] }
  }

  it('are written by the leader alone, in Java’s sizes, and only where workers sign', async () => {
    for (const [algorithm, keySize, bytes] of [
      ['HmacSHA256', 0, 32],
      ['HmacSHA1', 0, 64],
      ['HmacSHA512', 0, 64],
      ['HmacSHA256', 500, 63],
    ] as const) {
      const topic = new Topic()
      const { keys, place } = member(topic, { keyAlgorithm: algorithm, keySize })
      place.leads = false
      await keys.refresh()
      expect(topic.written).to.deep.equal([])
      place.leads = true
      place.protocolVersion = 1
      await keys.refresh()
      expect(topic.written).to.deep.equal([])
      place.protocolVersion = 2
      await Promise.all([keys.refresh(), keys.refresh()])
      expect(topic.written).to.have.lengthOf(1)
      expect(topic.sessionKey).to.deep.include({ algorithm, createdAt: 1_000_000_000_000 })
      expect(topic.sessionKey?.key).to.have.lengthOf(bytes)
    }
  })

  it('sign bodies as Java does', async () => {
    const topic = new Topic()
    const { keys } = member(topic)
    expect(keys.sign(BODY), 'no key yet').to.deep.equal({})
    await keys.refresh()
    const key = topic.sessionKey?.key ?? Buffer.alloc(0)
    expect(keys.sign(BODY)).to.deep.equal({
      'x-connect-authorization': createHmac('sha256', key).update(BODY).digest('base64'),
      'x-connect-request-signature-algorithm': 'HmacSHA256',
    })
  })

  it('accept what is signed with them, and refuse what is unsigned, forged, changed or of another algorithm', async () => {
    const topic = new Topic()
    const { keys, place } = member(topic)
    place.leads = false
    const [signature, algorithm] = ['AAAA', 'HmacSHA256']
    expect(await keys.problemOf({ body: BODY, signature, algorithm })).to.equal('no key')
    place.leads = true
    await keys.refresh()
    const headers = keys.sign(BODY)
    expect(await keys.problemOf(read(headers))).to.equal(undefined)
    expect(await keys.problemOf(read(headers, Buffer.from('[]')))).to.equal('forged')
    expect(await keys.problemOf({ body: BODY, signature, algorithm })).to.equal('forged')
    expect(await keys.problemOf({ body: BODY, signature: undefined, algorithm })).to.equal('unsigned')
    expect(await keys.problemOf({ body: BODY, signature, algorithm: undefined })).to.equal('unsigned')
    for (const other of ['HmacSHA512', 'none', '__proto__', ''])
      expect(await keys.problemOf({ body: BODY, signature, algorithm: other })).to.equal('algorithm')
    const wrongKey = member(new Topic())
    await wrongKey.keys.refresh()
    expect(await keys.problemOf(read(wrongKey.keys.sign(BODY)))).to.equal('forged')
    place.protocolVersion = 1
    expect(await keys.problemOf({ body: BODY, signature: undefined, algorithm: undefined })).to.equal(
      undefined,
    )
  })

  it('are replaced when they are as old as inter.worker.key.ttl.ms; what was signed with an older one is refused', async () => {
    const topic = new Topic()
    const { keys, pass } = member(topic)
    await keys.refresh()
    const replayed = read(keys.sign(BODY))
    pass(HOUR - 1)
    await keys.refresh()
    expect(topic.written).to.have.lengthOf(1)
    expect(await keys.problemOf(replayed)).to.equal(undefined)
    pass(1)
    expect(await keys.problemOf(replayed), 'a request finds out that the key is too old').to.equal('forged')
    expect(topic.written).to.have.lengthOf(2)
    expect(await keys.problemOf(read(keys.sign(BODY)))).to.equal(undefined)
  })

  it('are none where a new one is due and cannot be written', async () => {
    const topic = new Topic()
    const { keys, pass } = member(topic)
    await keys.refresh()
    const old = read(keys.sign(BODY))
    pass(HOUR)
    topic.fails = 1
    expect(await keys.problemOf(old)).to.equal('no key')
  })

  it('are never replaced with a ttl of 0, and at once where the algorithm or size is another one', async () => {
    const topic = new Topic()
    const { keys, pass } = member(topic, { keyTtl: 0 })
    await keys.refresh()
    pass(1000 * HOUR)
    await keys.refresh()
    expect(topic.written).to.have.lengthOf(1)
    await member(topic, { keySize: 128 }).keys.refresh()
    expect(topic.sessionKey?.key).to.have.lengthOf(16)
    await member(topic, { keyAlgorithm: 'HmacSHA512' }).keys.refresh()
    expect(topic.written.map(({ algorithm }) => algorithm)).to.deep.equal([
      'HmacSHA256',
      'HmacSHA256',
      'HmacSHA512',
    ])
  })

  it('work with clocks that are two hours apart', async () => {
    for (const skew of [2 * HOUR, -2 * HOUR]) {
      const topic = new Topic()
      await member(topic, {}, skew).keys.refresh()
      const { keys, place, pass } = member(topic)
      place.leads = false
      const other = member(topic, {}, skew)
      expect(await other.keys.problemOf(read(keys.sign(BODY))), 'signed by a follower').to.equal(undefined)
      // It becomes the leader: a key from the past is replaced, one from the future lives no longer than others.
      place.leads = true
      await keys.refresh()
      expect(topic.written).to.have.lengthOf(skew < 0 ? 2 : 1)
      for (let i = 0; i < 4; i++) {
        pass(HOUR / 4)
        await keys.refresh()
      }
      expect(topic.written).to.have.lengthOf(skew < 0 ? 3 : 2)
      expect(await keys.problemOf(read(keys.sign(BODY)))).to.equal(undefined)
    }
  })
})
