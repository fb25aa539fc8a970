import { setTimeout as sleep } from 'node:timers/promises'

/** How long requests of one kind took, in milliseconds. */
export interface Latency {
  readonly requests: number
  readonly p50: number
  readonly p99: number
  readonly longest: number
  /** Answers that were neither a success nor a 409 (a rebalance is under way), and requests without one. */
  readonly failed: number
  readonly conflicts: number
}

export interface Load {
  /** The workers that take requests at the moment. */
  readonly targets: () => readonly { readonly url: string; readonly isUp: boolean }[]
  readonly connectors: readonly string[]
  /** A connector whose configuration is PUT again and again: it is checked, written, and the connector starts anew. */
  readonly changed: { readonly name: string; readonly config: Readonly<Record<string, string>> }
  /** Requests a second, all workers together. */
  readonly rate: number
}

type Kind = 'read' | 'list' | 'change'

interface Sample {
  readonly kind: Kind
  readonly ms: number
  readonly status: number
}

/** Of each twenty requests one lists everything and one changes something; the others look at one connector. */
const ROUND = 20
const PATIENCE_MS = 20_000

/** Sends a steady mix of requests, each at its time, however long the ones before it take, until it is stopped. */
export class RequestLoad {
  readonly #load: Load
  readonly #samples: Sample[] = []
  readonly #pending = new Set<Promise<void>>()
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>

  constructor(load: Load) {
    this.#load = load
    this.#running = this.#run()
  }

  async stop(): Promise<Readonly<Record<Kind | 'all', Latency>>> {
    this.#stopping.abort()
    await this.#running
    await Promise.all(this.#pending)
    const of = (kind: Kind): Latency => latencyOf(this.#samples.filter((sample) => sample.kind === kind))
    return { all: latencyOf(this.#samples), read: of('read'), list: of('list'), change: of('change') }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    const began = performance.now()
    for (let n = 0; !signal.aborted; n++) {
      const due = began + (n * 1000) / this.#load.rate
      await sleep(Math.max(0, due - performance.now()), undefined, { signal }).catch(() => undefined)
      if (this.#isStopping()) return
      const sent = this.#send(n).finally(() => this.#pending.delete(sent))
      this.#pending.add(sent)
    }
  }

  #isStopping(): boolean {
    return this.#stopping.signal.aborted
  }

  async #send(n: number): Promise<void> {
    const targets = this.#load.targets()
    const target = targets[n % targets.length]
    if (target === undefined) return
    const { kind, path, options } = this.#request(n)
    const began = performance.now()
    let status = 0
    try {
      const response = await fetch(`${target.url}${path}`, {
        ...options,
        signal: AbortSignal.timeout(PATIENCE_MS),
      })
      await response.arrayBuffer()
      status = response.status
    } catch {
      if (!target.isUp) return // it was ended while it was asked
    }
    this.#samples.push({ kind, ms: performance.now() - began, status })
  }

  #request(n: number): { readonly kind: Kind; readonly path: string; readonly options?: RequestInit } {
    const { connectors, changed } = this.#load
    const name = connectors[(n * 7) % connectors.length] ?? ''
    if (n % ROUND === 0) return { kind: 'list', path: '/connectors?expand=status&expand=info' }
    if (n % ROUND === ROUND / 2) {
      const body = JSON.stringify(changed.config)
      const headers = { 'content-type': 'application/json' }
      return {
        kind: 'change',
        path: `/connectors/${changed.name}/config`,
        options: { method: 'PUT', headers, body },
      }
    }
    const paths = [
      `/connectors/${name}/status`,
      `/connectors/${name}`,
      '/connectors',
      `/connectors/${name}/tasks`,
    ]
    return { kind: 'read', path: paths[n % paths.length] ?? '/' }
  }
}

export function latencyOf(samples: readonly { readonly ms: number; readonly status: number }[]): Latency {
  const times = samples.map(({ ms }) => ms).toSorted((a, b) => a - b)
  const at = (share: number): number =>
    Math.round((times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0) * 10) / 10
  const isFailed = ({ status }: { readonly status: number }): boolean =>
    status !== 409 && (status < 200 || status > 299)
  return {
    requests: samples.length,
    p50: at(0.5),
    p99: at(0.99),
    longest: at(1),
    failed: samples.filter(isFailed).length,
    conflicts: samples.filter(({ status }) => status === 409).length,
  }
}
