import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net'

/**
 * What happens to one request.
 * - `lose-request`: the connection is cut, and the broker never gets it.
 * - `lose-answer`: the broker has answered, and the connection is cut instead of telling.
 * - `late-request`: the connection is cut, and the broker gets it `lateMs` afterwards.
 * - `silence`: the broker has answered, nobody is told, and the connection stays.
 * - `late-answer`: the answer is held for `lateMs`.
 */
export type Fault = 'lose-request' | 'lose-answer' | 'late-request' | 'silence' | 'late-answer'

/** A request by its API key (Kafka protocol guide) and how many of it there were before. */
export interface Seen {
  readonly apiKey: number
  readonly version: number
  readonly nth: number
}

export type Script = (request: Seen) => Fault | null

/** Cuts a stream into frames: a length of four bytes and so many bytes. Frames come with their length. */
function framesOf(onFrame: (frame: Buffer) => void): (chunk: Buffer) => void {
  let pending: Buffer = Buffer.alloc(0)
  return (chunk) => {
    pending = Buffer.concat([pending, chunk])
    while (pending.length >= 4 && pending.length >= 4 + pending.readInt32BE(0)) {
      const end = 4 + pending.readInt32BE(0)
      const frame = Buffer.from(pending.subarray(0, end))
      pending = pending.subarray(end)
      onFrame(frame)
    }
  }
}

/** Stands on loopback between clients and one broker, and breaks requests as a script says. */
export class FaultProxy {
  readonly port: number
  /** Decides for each request; `null` lets all through. */
  script: Script | null = null
  lateMs = 300
  /** How often each fault really happened: when the bytes were dropped, or came late. By `<API key> <fault>`. */
  readonly happened = new Map<string, number>()
  /** The versions of each API that were asked for. */
  readonly versions = new Map<number, Set<number>>()
  readonly #counts = new Map<number, number>()
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #brokerPort: () => number

  private constructor(server: Server, brokerPort: () => number) {
    this.#server = server
    this.#brokerPort = brokerPort
    this.port = (server.address() as AddressInfo).port
    server.on('connection', (client) => {
      this.#serve(client)
    })
  }

  static async start(brokerPort: () => number): Promise<FaultProxy> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new FaultProxy(server, brokerPort)
  }

  stop(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  /** How many requests of an API came. */
  count(apiKey: number): number {
    return this.#counts.get(apiKey) ?? 0
  }

  #serve(client: Socket): void {
    const broker = connect(this.#brokerPort(), '127.0.0.1')
    for (const socket of [client, broker]) {
      this.#sockets.add(socket)
      socket.setNoDelay(true).on('error', () => undefined)
      socket.on('close', () => this.#sockets.delete(socket))
    }
    /** Requests on this connection whose answers are broken, by correlation id. */
    const broken = new Map<number, { readonly fault: Fault; readonly apiKey: number }>()
    let late = 0
    client.on('close', () => {
      if (late === 0) broker.destroy()
    })
    broker.on('close', () => client.destroy())
    const onRequest = (frame: Buffer): void => {
      const seen = this.#see(frame)
      const fault = this.script?.(seen) ?? null
      if (fault === null) {
        broker.write(frame)
        return
      }
      if (fault === 'lose-request') {
        this.#note(seen.apiKey, fault)
        client.destroy()
        return
      }
      broken.set(frame.readInt32BE(8), { fault, apiKey: seen.apiKey })
      if (fault !== 'late-request') {
        broker.write(frame)
        return
      }
      late++
      client.destroy()
      setTimeout(() => broker.write(frame), this.lateMs)
    }
    const onAnswer = (frame: Buffer): void => {
      const correlationId = frame.readInt32BE(4)
      const found = broken.get(correlationId)
      if (found === undefined) {
        client.write(frame)
        return
      }
      broken.delete(correlationId)
      this.#note(found.apiKey, found.fault)
      if (found.fault === 'late-answer') setTimeout(() => client.write(frame), this.lateMs)
      if (found.fault === 'lose-answer') client.destroy()
      if (found.fault === 'late-request' && --late === 0) broker.destroy()
    }
    client.on('data', framesOf(onRequest))
    broker.on('data', framesOf(onAnswer))
  }

  #see(frame: Buffer): Seen {
    const apiKey = frame.readInt16BE(4)
    const version = frame.readInt16BE(6)
    const nth = this.count(apiKey)
    this.#counts.set(apiKey, nth + 1)
    this.versions.set(apiKey, (this.versions.get(apiKey) ?? new Set<number>()).add(version))
    return { apiKey, version, nth }
  }

  #note(apiKey: number, fault: Fault): void {
    const key = `${apiKey} ${fault}`
    this.happened.set(key, (this.happened.get(key) ?? 0) + 1)
  }
}
