import { Reader, Writer } from '@platformatic/kafka'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** A produced batch as a fake broker got it. */
export interface Produced {
  readonly broker: number
  readonly partition: number
  readonly bytes: Buffer
}

export interface Asked {
  readonly broker: number
  readonly partition: number
  readonly offset: bigint
  /** How long the broker may wait for records. */
  readonly waitMs: number
}

/** What a fake broker does with one request: answers by partition, or cuts the connection, or says nothing. */
type Answers<T> = Map<number, T> | 'cut' | 'silence'

export interface FetchAnswer {
  readonly error?: number
  readonly bytes?: Buffer
  readonly highWatermark?: bigint
  readonly lastStableOffset?: bigint
}

/** What tests script. Topic `t` is the only one; the requests are those that our client sends. */
export interface FakeScript {
  /** The leader of each partition of `t`; −1 where there is none. */
  leaders: number[]
  /** Error codes by partition. */
  produce?: (request: readonly Produced[]) => Answers<number> | Promise<Answers<number>>
  fetch?: (request: readonly Asked[]) => Answers<FetchAnswer> | Promise<Answers<FetchAnswer>>
  /** What ListOffsets answers. */
  offsets?: bigint[]
  /** What happens to a Metadata request: an error code for topic `t`. */
  metadata?: () => number
  /** Whether the cluster has `transaction.version` 2. EndTxn answers with the next epoch then. */
  transactionsV2?: boolean
  /** What happens to an EndTxn: an error code. */
  endTxn?: (commit: boolean) => number | 'cut'
}

/** An EndTxn as a fake broker got it. */
export interface Ended {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly commit: boolean
}

const API = {
  produce: 0,
  fetch: 1,
  offsets: 2,
  metadata: 3,
  coordinator: 10,
  versions: 18,
  initProducer: 22,
  addPartitions: 24,
  endTxn: 26,
  configs: 32,
} as const
const VERSION = {
  [API.produce]: 9,
  [API.fetch]: 12,
  [API.offsets]: 7,
  [API.metadata]: 12,
  [API.versions]: 3,
  [API.addPartitions]: 3,
} as const

/** Brokers that speak just enough of Kafka's protocol to fail on cue. */
export class FakeCluster {
  readonly script: FakeScript
  readonly produced: Produced[][] = []
  readonly ended: Ended[] = []
  producerIds = 0
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()

  private constructor(script: FakeScript) {
    this.script = script
  }

  /** `brokers` brokers with ids from 0 on. */
  static async start(brokers: number, script: FakeScript): Promise<FakeCluster> {
    const cluster = new FakeCluster(script)
    for (let id = 0; id < brokers; id++) {
      const server = createServer((socket) => cluster.#serve(id, socket))
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      cluster.#servers.push(server)
    }
    return cluster
  }

  get bootstrapServers(): string[] {
    return this.#servers.map((_, id) => `127.0.0.1:${this.#port(id)}`)
  }

  stop(): void {
    for (const server of this.#servers) server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #port(id: number): number {
    return (this.#servers[id]!.address() as AddressInfo).port
  }

  #serve(id: number, socket: Socket): void {
    this.#sockets.add(socket)
    let pending: Buffer = Buffer.alloc(0)
    let turn = Promise.resolve()
    socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket))
    socket.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk])
      while (pending.length >= 4 && pending.length >= 4 + pending.readInt32BE(0)) {
        const end = 4 + pending.readInt32BE(0)
        const request = Buffer.from(pending.subarray(4, end))
        pending = pending.subarray(end)
        turn = turn.then(() => this.#answer(id, socket, request)) // one at a time, as Kafka does
      }
    })
  }

  async #answer(id: number, socket: Socket, request: Buffer): Promise<void> {
    const r = Reader.from(request)
    const key = r.readInt16()
    r.readInt16()
    const correlationId = r.readInt32()
    r.readNullableString(false)
    r.readTaggedFields()
    const body = Writer.create().appendInt32(correlationId)
    if (key !== API.versions) body.appendTaggedFields()
    const outcome = await this.#body(id, key, r, body)
    if (outcome === 'cut') socket.destroy()
    else if (outcome !== 'silence') {
      if (key === API.versions && this.script.transactionsV2 === true) appendFeature(body)
      else body.appendTaggedFields()
      socket.write(body.prependLength().buffer)
    }
  }

  async #body(id: number, key: number, r: Reader, w: Writer): Promise<'cut' | 'silence' | undefined> {
    if (key === API.produce) return this.#produce(id, r, w)
    if (key === API.fetch) return this.#fetch(id, r, w)
    if (key === API.offsets) this.#listOffsets(w)
    else if (key === API.metadata) this.#metadata(w)
    else if (key === API.versions) versions(w, this.script.transactionsV2 === true)
    else if (key === API.coordinator) this.#coordinator(w)
    else if (key === API.endTxn) return this.#endTxn(r, w)
    else if (key === API.initProducer) {
      w.appendInt32(0).appendInt16(0).appendInt64(BigInt(++this.producerIds)).appendInt16(0)
    } else if (key === API.configs) w.appendInt32(0).appendArray([], () => undefined)
    return undefined
  }

  async #produce(broker: number, r: Reader, w: Writer): Promise<'cut' | 'silence' | undefined> {
    r.readNullableString()
    r.readInt16()
    r.readInt32()
    const [request = []] = r.readArray((r) => {
      r.readString()
      return r.readArray((r) => ({ broker, partition: r.readInt32(), bytes: Buffer.from(r.readBytes()) }))
    })
    this.produced.push(request)
    const answers = (await this.script.produce?.(request)) ?? new Map<number, number>()
    if (typeof answers === 'string') return answers
    w.appendArray(['t'], (w, topic) =>
      w.appendString(topic).appendArray(request, (w, { partition }) => {
        w.appendInt32(partition).appendInt16(answers.get(partition) ?? 0)
        w.appendInt64(0n).appendInt64(-1n).appendInt64(0n)
        w.appendArray([], () => undefined).appendString(null)
      }),
    ).appendInt32(0)
    return undefined
  }

  async #fetch(broker: number, r: Reader, w: Writer): Promise<'cut' | 'silence' | undefined> {
    r.readInt32()
    const waitMs = r.readInt32()
    r.readInt64()
    r.readInt8()
    r.readInt64()
    const [request = []] = r.readArray((r) => {
      r.readString()
      return r.readArray((r) => {
        const partition = r.readInt32()
        r.readInt32()
        const asked = { broker, partition, offset: r.readInt64(), waitMs }
        r.readInt32()
        r.readInt64()
        r.readInt32()
        return asked
      })
    })
    const answers = (await this.script.fetch?.(request)) ?? new Map<number, FetchAnswer>()
    if (typeof answers === 'string') return answers
    w.appendInt32(0).appendInt16(0).appendInt32(0)
    w.appendArray(['t'], (w, topic) =>
      w.appendString(topic).appendArray(request, (w, { partition }) => {
        const { error = 0, bytes = Buffer.alloc(0), ...ends } = answers.get(partition) ?? {}
        const { highWatermark = 0n, lastStableOffset = 0n } = ends
        w.appendInt32(partition).appendInt16(error)
        w.appendInt64(highWatermark).appendInt64(lastStableOffset).appendInt64(0n)
        w.appendArray([], () => undefined)
          .appendInt32(-1)
          .appendBytes(bytes)
      }),
    )
    return undefined
  }

  #coordinator(w: Writer): void {
    w.appendInt32(0).appendArray(['any'], (w, key) =>
      w
        .appendString(key)
        .appendInt32(0)
        .appendString('127.0.0.1')
        .appendInt32(this.#port(0))
        .appendInt16(0)
        .appendString(null),
    )
  }

  #endTxn(r: Reader, w: Writer): 'cut' | undefined {
    r.readString()
    const ended = { producerId: r.readInt64(), producerEpoch: r.readInt16(), commit: r.readBoolean() }
    this.ended.push(ended)
    const error = this.script.endTxn?.(ended.commit) ?? 0
    if (error === 'cut') return error
    w.appendInt32(0).appendInt16(error)
    if (this.script.transactionsV2 === true)
      w.appendInt64(ended.producerId).appendInt16(ended.producerEpoch + 1)
    return undefined
  }

  #listOffsets(w: Writer): void {
    w.appendInt32(0).appendArray(['t'], (w, topic) =>
      w.appendString(topic).appendArray([...this.script.leaders.keys()], (w, partition) => {
        w.appendInt32(partition).appendInt16(0).appendInt64(-1n)
        w.appendInt64(this.script.offsets?.[partition] ?? 0n).appendInt32(0)
      }),
    )
  }

  #metadata(w: Writer): void {
    const error = this.script.metadata?.() ?? 0
    w.appendInt32(0).appendArray([...this.#servers.keys()], (w, id) =>
      w.appendInt32(id).appendString('127.0.0.1').appendInt32(this.#port(id)).appendString(null),
    )
    w.appendString('fake').appendInt32(0)
    w.appendArray(['t'], (w, topic) => {
      w.appendInt16(error).appendString(topic).appendUUID(null).appendBoolean(false)
      w.appendArray(error === 0 ? [...this.script.leaders.entries()] : [], (w, [partition, leader]) => {
        w.appendInt16(0).appendInt32(partition).appendInt32(leader).appendInt32(0)
        for (let i = 0; i < 3; i++) w.appendArray<number>([], () => undefined)
      }).appendInt32(0)
    })
  }
}

function versions(w: Writer, transactionsV2: boolean): void {
  const newer: Record<number, number> = transactionsV2 ? { [API.produce]: 12, [API.endTxn]: 5 } : {}
  const apis = Object.values(API).map((key) => ({
    key,
    version: newer[key] ?? (VERSION as Record<number, number>)[key] ?? 4,
  }))
  w.appendInt16(0)
    .appendArray(apis, (w, { key, version }) => w.appendInt16(key).appendInt16(version).appendInt16(version))
    .appendInt32(0)
}

/** Tagged field 2 of ApiVersions: the features that are switched on. */
function appendFeature(w: Writer): void {
  const features = Writer.create().appendArray(['transaction.version'], (w, name) =>
    w.appendString(name).appendInt16(2).appendInt16(2),
  ).buffer
  w.appendUnsignedVarInt(1).appendUnsignedVarInt(2).appendUnsignedVarInt(features.length).append(features)
}
