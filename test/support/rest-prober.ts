import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../src/api/errors.ts'
import { eventually } from './eventually.ts'
import type { ClusterWorker } from './worker-cluster.ts'

const EVERY_MS = 50
/** What a client gives up after: no request may take longer on a worker that runs. */
const PATIENCE_MS = 30_000

/**
 * Sends requests of all kinds to each of some workers, all the time. Each answer must be one of success, or a 409 or 503
 * that says when to try again. Requests that change something are about a connector of its own.
 */
export class RestProber {
  readonly #of: () => readonly ClusterWorker[]
  readonly #stopping = new AbortController()
  readonly #loops = new Map<ClusterWorker, Promise<void>>()
  readonly counts: Record<string, number> = {}
  /** What was answered otherwise. */
  readonly wrong: string[] = []
  /** Longest answer (milliseconds). */
  slowest = 0
  readonly #streamed: string
  readonly #own: string
  readonly #config: Readonly<Record<string, string>>
  readonly #watching: Promise<void>

  /** `of`: the workers that must answer at the moment. */
  constructor(
    of: () => readonly ClusterWorker[],
    streamed: string,
    config: Readonly<Record<string, string>>,
  ) {
    this.#of = of
    this.#streamed = streamed
    this.#own = `${streamed}-probe`
    this.#config = config
    this.#watching = this.#watch()
  }

  /** Ends the probing, and deletes the connector of its own: its tasks would be shared out beside those of the next test. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#watching
    await Promise.all(this.#loops.values())
    const remove = async () => (await this.#of()[0]!.call('DELETE', `/connectors/${this.#own}`)).code
    await eventually(async () => [204, 404].includes(await remove()), { timeoutMs: PATIENCE_MS * 2 })
  }

  async #watch(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      for (const worker of this.#of())
        if (!this.#loops.has(worker)) this.#loops.set(worker, this.#probe(worker))
      await sleep(EVERY_MS)
    }
  }

  async #probe(worker: ClusterWorker): Promise<void> {
    for (let i = 0; this.#isWanted(worker); i++) {
      const [method, path, body, also = []] = this.#requests[i % this.#requests.length]!
      const sentAt = performance.now()
      try {
        const answer = await Promise.race([worker.call(method, path, body), late()])
        this.#judge(`${method} ${path}`, answer, also)
      } catch (error) {
        // One that was being stopped or killed meanwhile has nobody left to answer.
        if (this.#isWanted(worker)) this.wrong.push(`${method} ${path} at ${worker.id}: ${messageOf(error)}`)
      }
      this.slowest = Math.max(this.slowest, Math.round(performance.now() - sentAt))
      await sleep(EVERY_MS)
    }
    this.#loops.delete(worker)
  }

  #isWanted(worker: ClusterWorker): boolean {
    return !this.#stopping.signal.aborted && this.#of().includes(worker)
  }

  #judge(
    request: string,
    { code, headers, body }: Awaited<ReturnType<ClusterWorker['call']>>,
    also: readonly number[],
  ): void {
    this.counts[code] = (this.counts[code] ?? 0) + 1
    const isGood = (code >= 200 && code < 300) || also.includes(code)
    const isLater = (code === 409 || code === 503) && headers.get('retry-after') !== null
    if (!isGood && !isLater) this.wrong.push(`${request}: ${code} ${JSON.stringify(body)}`)
  }

  /** With the further codes that are right, as another worker's request may have come between. */
  get #requests(): readonly (readonly [string, string, unknown?, (readonly number[])?])[] {
    const own = `/connectors/${this.#own}`
    return [
      ['GET', '/connectors?expand=status&expand=info'],
      ['PUT', `${own}/config`, this.#config],
      ['GET', `/connectors/${this.#streamed}/status`],
      ['GET', `/connectors/${this.#streamed}/offsets`],
      ['PUT', `${own}/pause`, undefined, [404]],
      ['PUT', `${own}/resume`, undefined, [404]],
      ['POST', `${own}/restart?includeTasks=true`, undefined, [404]],
      ['GET', '/sluice/lag'],
      ['DELETE', own, undefined, [404]],
    ]
  }
}

async function late(): Promise<never> {
  await sleep(PATIENCE_MS, undefined, { ref: false })
  throw new Error(`no answer in ${PATIENCE_MS / 1000} s`)
}
