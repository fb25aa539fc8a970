import type { TopicPartition } from '../admin.ts'

interface Waiting<Lane> {
  readonly lane: Lane
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Asks for partitions that are wanted in one turn of the event loop together. */
export class PartitionJoiner<Lane extends TopicPartition> {
  readonly #ask: (lanes: readonly Lane[]) => Promise<void>
  #waiting: Waiting<Lane>[] = []

  constructor(ask: (lanes: readonly Lane[]) => Promise<void>) {
    this.#ask = ask
  }

  join(lane: Lane): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ lane, resolve, reject })
      if (this.#waiting.length === 1) setImmediate(() => void this.#askAll(this.#waiting.splice(0)))
    })
  }

  async #askAll(together: readonly Waiting<Lane>[]): Promise<void> {
    try {
      await this.#ask(together.map(({ lane }) => lane))
      for (const { resolve } of together) resolve()
    } catch (error) {
      for (const { reject } of together) reject(error)
    }
  }
}
