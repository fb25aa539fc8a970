import { UnavailableError } from '../../src/api/errors.ts'
import type { Process, VirtualTime } from './virtual-time.ts'

/** How a request ends: with an answer, or with what the broker refuses it for. */
export type Reply<T> = (outcome: { readonly answer: T } | { readonly error: Error }) => void

const LONGEST_TIMEOUT = 10_000

/** The way from each process to the broker. A message takes a while, gets there late, or not at all. */
export class Network {
  readonly #time: VirtualTime
  readonly #cut = new Set<Process>()
  /** Those that reach the broker, but no other worker. */
  readonly #alone = new Set<Process>()

  constructor(time: VirtualTime) {
    this.#time = time
  }

  isCut(process: Process): boolean {
    return this.#cut.has(process)
  }

  cut(process: Process): void {
    this.#cut.add(process)
  }

  cutFromPeers(process: Process): void {
    this.#alone.add(process)
  }

  heal(process: Process): void {
    this.#cut.delete(process)
    this.#alone.delete(process)
  }

  /** One worker asks another; whether that did what it was asked, nobody knows where no answer comes. */
  betweenPeers<T>(from: Process, to: Process, deadline: number, work: () => Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const fail = (): void =>
      reject(new UnavailableError('cluster.unavailable', 'the other worker did not answer'))
    const isApart = (): boolean =>
      [from, to].some((process) => this.#alone.has(process) || this.isCut(process))
    const back = (settle: () => void): void => {
      this.#time.after(this.delay(), from, () => (isApart() ? undefined : settle()))
    }
    this.#time.after(deadline, from, fail)
    this.#time.after(this.delay(), to, () => {
      if (isApart()) return
      void work().then(
        (answer) => back(() => resolve(answer)),
        (error: unknown) => back(() => reject(error)),
      )
    })
    if (to.state === 'dead') back(fail) // the connection is refused
    return promise
  }

  /** Milliseconds that a message takes. */
  delay(): number {
    const { dice } = this.#time
    return dice.chance(0.02) ? 50 + dice.below(400) : 1 + dice.below(8)
  }

  /**
   * A request to the broker and its answer. Where either is lost, the request fails after its timeout: whether the broker
   * did what it was asked, nobody knows then.
   */
  request<T>(from: Process, timeout: number, serve: (reply: Reply<T>) => void): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const lost = (): void => {
      const wait = 20 + this.#time.dice.below(Math.min(timeout, LONGEST_TIMEOUT))
      this.#time.after(wait, from, () =>
        reject(new UnavailableError('kafka.unavailable', 'the network is cut')),
      )
    }
    const reply: Reply<T> = (outcome) => {
      this.#time.after(this.delay(), from, () => {
        if (this.isCut(from)) lost()
        else if ('answer' in outcome) resolve(outcome.answer)
        else reject(outcome.error)
      })
    }
    this.#time.after(this.delay(), undefined, () => {
      if (this.isCut(from)) lost()
      else serve(reply)
    })
    return promise
  }
}
