import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import { setTimeout as sleep } from 'node:timers/promises'
import { TaskError } from '../../src/api/errors.ts'
import { type Logger, SILENT } from '../../src/api/log.ts'
import { KafkaClient } from '../../src/kafka/client.ts'
import { Fetcher } from '../../src/kafka/fetch/fetch.ts'
import type { FetcherOptions } from '../../src/kafka/fetch/fetcher-options.ts'
import type { FetchedBatch } from '../../src/kafka/record-batches/records.ts'
import { eventually } from '../support/eventually.ts'
import { craftBatch, recordsOf } from './craft.ts'
import { type Asked, FakeCluster, type FetchAnswer, type FakeScript } from './fake-cluster.ts'

const record = (partition: number, offset: bigint): Buffer =>
  craftBatch({ baseOffset: offset, records: [{ value: Buffer.from(`${partition}@${offset}`) }] })

/** One record at whatever offset is asked for, up to `end`; then nothing, after a moment. */
async function endless(request: readonly Asked[], end = 1000n): Promise<Map<number, FetchAnswer>> {
  const answers = request
    .filter(({ offset }) => offset < end)
    .map(({ partition, offset }) => [partition, { bytes: record(partition, offset) }] as const)
  if (answers.length === 0) await sleep(10)
  return new Map(answers)
}

describe('Fetcher, over faults', () => {
  const closing: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  const start = async (script: FakeScript, options: Partial<FetcherOptions> = {}, brokers = 1) => {
    const requests: Asked[][] = []
    const fetch = script.fetch ?? endless
    const counted: FakeScript = Object.assign(script, {
      fetch: (request: readonly Asked[]) => {
        requests.push([...request])
        return fetch(request)
      },
    })
    const cluster = await FakeCluster.start(brokers, counted)
    const { bootstrapServers } = cluster
    const client = new KafkaClient({ bootstrapServers, clientId: 'sluice-test', log: SILENT })
    const warnings: string[] = []
    const log: Logger = { ...SILENT, warn: (message) => warnings.push(message) }
    const fetcher = new Fetcher(client, {
      isolation: 'read_committed',
      reset: 'earliest',
      log,
      maxWaitMs: 50,
      ...options,
    })
    closing.push(
      () => cluster.stop(),
      () => client.close(),
      () => fetcher.close(),
    )
    const assign = (offset: bigint | null = 0n): void => {
      fetcher.assign(script.leaders.map((_, partition) => ({ topic: 't', partition, offset })))
    }
    assign()
    return { fetcher, requests, warnings, assign, script: counted }
  }
  const fetchUntil = async (fetcher: Fetcher, done: (texts: string[]) => boolean): Promise<string[]> => {
    const texts: string[] = []
    await eventually(
      async () => {
        texts.push(...textsOf(await fetcher.next()))
        return done(texts)
      },
      { everyMs: 1 },
    )
    return texts
  }
  const textsOf = (batches: readonly FetchedBatch[]): string[] =>
    batches.flatMap((batch) => recordsOf(batch).map(({ value }) => String(value)))

  it('reads partitions that are added beside the others, and nothing of those that are removed', async () => {
    const { fetcher, requests } = await start({ leaders: [0, 0, 0] })
    fetcher.assign([{ topic: 't', partition: 0, offset: 0n }])
    const seen: string[] = []
    const read = async (): Promise<void> => {
      for (const batch of await fetcher.next())
        if (fetcher.isCurrent(batch)) seen.push(`${batch.partition}@${batch.nextOffset - 1n}`)
    }
    await eventually(async () => (await read(), seen.length > 2))
    fetcher.add([{ topic: 't', partition: 1, offset: 500n }])
    await eventually(async () => (await read(), seen.includes('1@501')))
    fetcher.remove([{ topic: 't', partition: 0 }])
    const [asked, had] = [requests.length, seen.length]
    await eventually(async () => (await read(), seen.length > had + 3))
    expect(seen.slice(had).filter((each) => each.startsWith('0@'))).to.deep.equal([])
    expect(
      requests
        .slice(asked + 2)
        .flat()
        .some(({ partition }) => partition === 0),
    ).to.equal(false)
    const of = (partition: number) => seen.filter((each) => each.startsWith(`${partition}@`))
    expect(of(0), 'each once and in order').to.deep.equal(of(0).map((_, i) => `0@${i}`))
    expect(of(1)).to.deep.equal(of(1).map((_, i) => `1@${500 + i}`))
  })

  for (const [isolation, end] of [
    ['read_committed', 7n],
    ['read_uncommitted', 9n],
  ] as const)
    it(`knows where a partition ends, under ${isolation}, also where nothing is left to read`, async () => {
      const fetch = (request: readonly Asked[]): Promise<Map<number, FetchAnswer>> =>
        Promise.resolve(
          new Map(request.map(({ partition }) => [partition, { highWatermark: 9n, lastStableOffset: 7n }])),
        )
      const { fetcher } = await start({ leaders: [0], fetch }, { isolation })
      const place = { topic: 't', partition: 0 }
      expect(fetcher.endOffset(place)).to.equal(null)
      await eventually(async () => (await fetcher.next(), fetcher.endOffset(place) !== null))
      expect(fetcher.endOffset(place)).to.equal(end)
      fetcher.remove([place])
      expect(fetcher.endOffset(place)).to.equal(null)
    })

  it('does not take for current what it had read of a partition that went and came back', async () => {
    const { fetcher } = await start({ leaders: [0, 0] })
    const place = { topic: 't', partition: 1 }
    const batches = await eventually(async () => {
      const found = await fetcher.next()
      return found.some(({ partition }) => partition === 1) ? found : null
    })
    fetcher.remove([place])
    expect(
      batches.filter((batch) => fetcher.isCurrent(batch)).map(({ partition }) => partition),
    ).not.to.include(1)
    fetcher.add([{ ...place, offset: 70n }])
    expect(
      batches.filter((batch) => fetcher.isCurrent(batch)).map(({ partition }) => partition),
    ).not.to.include(1)
    const again = await eventually(async () =>
      (await fetcher.next()).find(({ partition }) => partition === 1),
    )
    expect(again.nextOffset).to.equal(71n)
  })

  it('asks once more when next returns, and then not until next is called again', async () => {
    const { fetcher, requests } = await start({ leaders: [0] })
    expect(await fetchUntil(fetcher, (texts) => texts.length >= 1)).to.deep.equal(['0@0'])
    await eventually(() => requests.length === 2)
    await sleep(60)
    expect(requests.map(([asked]) => asked!.offset)).to.deep.equal([0n, 1n])
    expect(textsOf(await fetcher.next())).to.deep.equal(['0@1'])
    await eventually(() => requests.length === 3)
  })

  it('reads several brokers, and a slow one does not hold the others up', async () => {
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    const fetch = async (request: readonly Asked[]): Promise<Map<number, FetchAnswer>> => {
      if (request[0]!.broker === 1) await held
      return endless(request)
    }
    const { fetcher } = await start({ leaders: [0, 1, 0], fetch }, {}, 2)
    const quick = await fetchUntil(fetcher, (texts) => texts.length >= 10)
    expect(quick.some((text) => text.startsWith('1@'))).to.equal(false)
    expect(quick).to.include.members(['0@0', '2@0', '0@1', '2@1'])
    release()
    await fetchUntil(fetcher, (texts) => texts.includes('1@0'))
  })

  for (const code of [3, 5, 6, 74, 75]) {
    it(`waits error ${code} out, with fresh metadata and one warning, and loses nothing`, async () => {
      let failures = 3
      const fetch: FakeScript['fetch'] = (request) =>
        failures-- > 0 ? new Map([[0, { error: code }]]) : endless(request)
      const { fetcher, warnings } = await start({ leaders: [0], fetch })
      expect(await fetchUntil(fetcher, (texts) => texts.length >= 2)).to.deep.equal(['0@0', '0@1'])
      expect(warnings).to.have.length(1)
      expect(warnings[0]).to.include(`(${code})`)
    })
  }

  it('goes on after lost connections', async () => {
    let requests = 0
    const fetch: FakeScript['fetch'] = (request) => (++requests % 3 === 0 ? endless(request) : 'cut')
    const { fetcher } = await start({ leaders: [0], fetch })
    expect(await fetchUntil(fetcher, (texts) => texts.length >= 2)).to.deep.equal(['0@0', '0@1'])
  })

  it('follows the leader to another broker, with every record once', async () => {
    const script: FakeScript = { leaders: [0] }
    script.fetch = (request) => {
      const leader = request[0]!.offset < 5n ? 0 : 1
      script.leaders = [leader]
      return request[0]!.broker === leader ? endless(request) : new Map([[0, { error: 6 }]])
    }
    const { fetcher } = await start(script, {}, 2)
    const texts = await fetchUntil(fetcher, (texts) => texts.length >= 10)
    expect(texts.slice(0, 10)).to.deep.equal(Array.from({ length: 10 }, (_, i) => `0@${i}`))
  })

  it('keeps a partition without a leader waiting, and reads the others', async () => {
    const { fetcher, script } = await start({ leaders: [0, -1] })
    await fetchUntil(fetcher, (texts) => texts.includes('0@5'))
    script.leaders = [0, 0]
    await fetchUntil(fetcher, (texts) => texts.includes('1@0'))
  })

  it('gives what it can decode, and then says which batch is corrupt', async () => {
    const broken = record(1, 0n)
    broken[broken.length - 2]! ^= 1
    const fetch: FakeScript['fetch'] = ([...request]) =>
      new Map(
        request.map((asked) => [
          asked.partition,
          { bytes: asked.partition === 1 ? broken : record(0, asked.offset) },
        ]),
      )
    const { fetcher } = await start({ leaders: [0, 0], fetch })
    expect(await fetchUntil(fetcher, (texts) => texts.length >= 1)).to.deep.equal(['0@0'])
    const error = await failure(fetcher)
    expect(error).to.be.instanceOf(TaskError).with.property('code', 'kafka.corrupt')
    expect((error as Error).message)
      .to.include('t-1, batch at offset 0')
      .and.include('checksum')
    expect(await failure(fetcher)).to.equal(error)
  })

  it('fails where waiting does not help', async () => {
    const { fetcher } = await start({ leaders: [0], fetch: () => new Map([[0, { error: 29 }]]) })
    const error = await failure(fetcher)
    expect(error).to.be.instanceOf(TaskError).with.property('retriable', false)
    expect((error as Error).message).to.include('TOPIC_AUTHORIZATION_FAILED (29)')
  })

  it('begins at the offset that the reset policy finds', async () => {
    const { fetcher, assign } = await start({ leaders: [0], offsets: [40n] })
    assign(null)
    expect(await fetchUntil(fetcher, (texts) => texts.length >= 1)).to.deep.equal(['0@40'])
  })

  it('asks for more where a batch was cut off, and moves on', async () => {
    const whole = craftBatch({ baseOffset: 0n, records: [{ value: Buffer.alloc(5000, 'x') }] })
    let asked = 0
    const fetch: FakeScript['fetch'] = () =>
      new Map([[0, { bytes: ++asked === 1 ? whole.subarray(0, 1000) : whole }]])
    const { fetcher } = await start({ leaders: [0], fetch }, { maxPartitionBytes: 1000 })
    const [text] = await fetchUntil(fetcher, (texts) => texts.length >= 1)
    expect(text).to.have.length(5000)
  })

  it('refuses a batch that claims to be larger than anything', async () => {
    const claims = Buffer.alloc(100)
    claims.writeInt32BE(2 ** 31 - 1, 8)
    const { fetcher } = await start({ leaders: [0], fetch: () => new Map([[0, { bytes: claims }]]) })
    expect(((await failure(fetcher)) as Error).message).to.include('claims 2147483659 bytes')
  })

  it('lets brokers wait longer and longer while nothing comes, and no longer than usual after a record', async () => {
    const fetch = (request: readonly Asked[]) => endless(request, request[0]!.waitMs > 1_000 ? 1n : 0n)
    const { fetcher, requests } = await start({ leaders: [0], fetch }, { maxWaitMs: 200 })
    const waits = (): number[] => requests.map(([asked]) => asked!.waitMs)
    await fetchUntil(fetcher, () => requests.length >= 10)
    expect(waits().slice(0, 6)).to.deep.equal([200, 400, 800, 1_600, 200, 400])
  })

  it('lets none wait for longer than five seconds', async () => {
    const { fetcher, requests } = await start({ leaders: [0], fetch: (request) => endless(request, 0n) })
    await fetchUntil(fetcher, () => requests.length >= 10)
    expect(requests.at(-1)?.[0]?.waitMs).to.equal(5_000)
  })

  for (const [what, change] of [
    ['an assignment', (fetcher: Fetcher) => fetcher.assign([{ topic: 't', partition: 1, offset: 500n }])],
    [
      'a partition that is added',
      (fetcher: Fetcher) => fetcher.add([{ topic: 't', partition: 1, offset: 500n }]),
    ],
  ] as const)
    it(`does not keep ${what} waiting for a broker that waits for long`, async () => {
      const fetch = async (request: readonly Asked[]): Promise<Map<number, FetchAnswer>> => {
        const isNew = request.some(({ partition }) => partition === 1)
        if (!isNew && request[0]!.waitMs > 50) await new Promise(() => undefined)
        return endless(request, isNew ? 1000n : 0n)
      }
      const { fetcher, requests, warnings } = await start({ leaders: [0, 0], fetch })
      fetcher.assign([{ topic: 't', partition: 0, offset: 1000n }])
      await fetchUntil(fetcher, () => (requests.at(-1)?.[0]?.waitMs ?? 0) > 50)
      change(fetcher)
      const texts = await fetchUntil(fetcher, (all) => all.length > 1)
      expect(texts.slice(0, 2)).to.deep.equal(['1@500', '1@501'])
      expect(warnings).to.deep.equal([])
    })

  it('drops an answer that comes after a new assignment', async () => {
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    const fetch = async (request: readonly Asked[]): Promise<Map<number, FetchAnswer>> => {
      if (request[0]!.offset === 0n) await held
      return endless(request)
    }
    const { fetcher, requests, assign } = await start({ leaders: [0], fetch })
    await fetcher.next()
    await eventually(() => requests.length === 1)
    assign(500n)
    release()
    const texts = await fetchUntil(fetcher, (texts) => texts.length >= 2)
    expect(texts.slice(0, 2)).to.deep.equal(['0@500', '0@501'])
  })
})

async function failure(fetcher: Fetcher): Promise<unknown> {
  try {
    for (let i = 0; i < 50; i++) await fetcher.next()
  } catch (error) {
    return error
  }
  throw new Error('it did not fail')
}
