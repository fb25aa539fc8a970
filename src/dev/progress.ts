import type { WriteStream } from 'node:tty'

const BAR_WIDTH = 30

/** What a person sees of a long command: on a terminal one bar that moves, elsewhere a line per tenth. */
export class Progress {
  readonly #out: Pick<WriteStream, 'write' | 'isTTY'>
  #shownTenth = -1
  #barOpen = false

  constructor(out: Pick<WriteStream, 'write' | 'isTTY'>) {
    this.#out = out
  }

  say(text: string): void {
    if (this.#barOpen) this.#out.write('\n')
    this.#barOpen = false
    this.#out.write(`${text}\n`)
  }

  show(what: string, done: number, of: number): void {
    const tenth = Math.floor((done / of) * 10)
    if (this.#out.isTTY) {
      const full = Math.round((done / of) * BAR_WIDTH)
      this.#out.write(`\r${what} [${'#'.repeat(full)}${'.'.repeat(BAR_WIDTH - full)}] ${done}/${of} `)
      this.#barOpen = true
    } else if (tenth > this.#shownTenth) {
      this.#out.write(`${what} ${done}/${of}\n`)
    }
    this.#shownTenth = tenth
  }
}
