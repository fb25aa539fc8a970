import type { Place } from '../cluster/place.ts'
import type { AssignedWork } from '../assigned-work.ts'
import { type ConfiguredWork, configured } from './share-out.ts'

export interface LoneWorkerOptions {
  readonly configs: Pick<ConfiguredWork, 'names' | 'get'>
  readonly work: Pick<AssignedWork, 'runOnly'>
  /** After each time that it took what is configured. */
  readonly onTaken: (generation: number, leads: boolean) => Promise<void> | void
}

/** The place of a standalone worker, which is in no group: it runs everything that is configured. */
export class LoneWorker implements Place {
  /** Nobody else could run its tasks. */
  readonly heldUntil = Infinity
  readonly #options: LoneWorkerOptions
  #taking: Promise<void> | undefined
  #again = false
  #left = false

  constructor(options: LoneWorkerOptions) {
    this.#options = options
  }

  readonly rebalancing = false
  readonly protocolVersion = 0
  readonly leaderUrl = undefined
  readonly others: readonly string[] = []

  get inGroup(): boolean {
    return !this.#left
  }

  /** It is its own leader, also while it stops. */
  get leads(): boolean {
    return true
  }

  ownerUrl(): undefined {
    return undefined
  }

  start(): Promise<void> {
    return this.#take()
  }

  /** What there is to run changed. */
  rejoin(): void {
    void this.#take()
  }

  retire(): void {
    this.#left = true
  }

  /** There is nobody to take over. */
  handBack(): Promise<void> {
    return Promise.resolve()
  }

  leave(): Promise<void> {
    this.#left = true
    return Promise.resolve()
  }

  /** Resolves when all changes so far were taken. */
  async settled(): Promise<void> {
    await this.#taking
  }

  /** One at a time: what changes meanwhile is taken after it. */
  #take(): Promise<void> {
    this.#again = true
    this.#taking ??= this.#takeAll().finally(() => (this.#taking = undefined))
    return this.#taking
  }

  async #takeAll(): Promise<void> {
    const { configs, work, onTaken } = this.#options
    while (this.#again && !this.#left) {
      this.#again = false
      const { connectors, tasks } = configured(configs)
      await work.runOnly(connectors, tasks)
      await onTaken(0, true)
    }
  }
}
