type Command = () => Promise<void> | void

/**
 * The loop of a task: its rounds, one after the other, and between two of them the commands that came from outside.
 * Nothing ever happens in the middle of a round, so no lock is needed.
 */
export class CommandLoop {
  readonly #commands: (() => Promise<void>)[] = []
  #ended = false
  #wake: () => void = () => undefined

  /** Runs rounds until a command calls `end`. A round that throws ends the loop: it has to catch. */
  async run(round: () => Promise<unknown>): Promise<void> {
    while (!this.#ended) {
      const command = this.#commands.shift()
      await (command ?? round)()
    }
  }

  /** Resolves, or rejects, as the command does, which runs before the next round. */
  command(run: Command): Promise<void> {
    const done = new Promise<void>((resolve, reject) => {
      this.#commands.push(() => Promise.resolve().then(run).then(resolve, reject))
    })
    this.#wake()
    return done
  }

  /** Resolves when a command waits, at the latest after `most` milliseconds. */
  woken(most = Infinity): Promise<undefined> {
    return new Promise((resolve) => {
      const timer = most < Infinity ? setTimeout(() => resolve(undefined), most) : undefined
      this.#wake = () => {
        clearTimeout(timer)
        resolve(undefined)
      }
      if (this.#commands.length > 0) this.#wake()
    })
  }

  end(): void {
    this.#ended = true
  }
}
