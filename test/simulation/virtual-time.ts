/**
 * A clock that only the simulation moves, put in the place of Node's in this process: timers, performance.now(), Date.now(),
 * process.hrtime and Math.random. So the code under test is the worker's own, with no seam in it. Each timer belongs to
 * the simulated process that set it (followed through promises by AsyncLocalStorage), so that one can be stopped like
 * SIGSTOP, or killed, without the others.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { syncBuiltinESMExports } from 'node:module'
import promises from 'node:timers/promises'
import { Dice } from '../conformance/transform-dice.ts'

const realImmediate = setImmediate
const EPOCH = Date.UTC(2026, 0, 1)

/** A process of the simulation. */
export interface Process {
  readonly name: string
  state: 'running' | 'stopped' | 'dead'
  /** What came due while it was stopped. */
  waiting: Happening[]
}

interface Happening {
  at: number
  readonly order: number
  readonly owner: Process | undefined
  readonly run: () => void
  isOff: boolean
}

/** The time of one schedule. */
export class VirtualTime {
  now = 1_000
  readonly dice: Dice
  readonly #queue: Happening[] = []
  #order = 0

  constructor(seed: number) {
    this.dice = new Dice(seed)
  }

  /** Something to happen later, to a process or (undefined) to the world. */
  after(ms: number, owner: Process | undefined, run: () => void): Happening {
    const at = this.now + Math.max(0, Number.isFinite(ms) ? ms : 0)
    const happening = { at, order: this.#order++, owner, run, isOff: false }
    push(this.#queue, happening)
    return happening
  }

  /** SIGCONT. */
  resume(process: Process): void {
    if (process.state !== 'stopped') return
    process.state = 'running'
    for (const { run, isOff } of process.waiting.splice(0)) if (!isOff) this.after(0, process, run)
  }

  /** Runs what happens up to a time, one thing after the other, each with all that follows from it; as long as that is right. */
  async runUntil(end: number, afterEach: () => boolean): Promise<void> {
    for (let next = this.#queue[0]; next !== undefined && next.at <= end; next = this.#queue[0]) {
      pop(this.#queue)
      this.now = Math.max(this.now, next.at)
      if (next.isOff || next.owner?.state === 'dead') continue
      if (next.owner?.state === 'stopped') {
        next.owner.waiting.push(next)
        continue
      }
      present.run({ time: this, process: next.owner }, next.run)
      await new Promise<void>((resolve) => realImmediate(resolve))
      if (!afterEach()) return
    }
    this.now = end
  }

  /** Starts something in a process; what it leads to belongs to it. */
  within<T>(process: Process, work: () => T): T {
    return present.run({ time: this, process }, work)
  }
}

const present = new AsyncLocalStorage<{ readonly time: VirtualTime; readonly process: Process | undefined }>()

/** The simulated process whose code runs. */
export function presentProcess(): Process | undefined {
  return present.getStore()?.process
}

function isBefore(a: Happening, b: Happening): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

/** A binary heap, the earliest first. */
function push(heap: Happening[], item: Happening): void {
  let at = heap.push(item) - 1
  for (let up = (at - 1) >> 1; at > 0 && isBefore(item, heap[up]!); up = (at - 1) >> 1) {
    heap[at] = heap[up]!
    at = up
  }
  heap[at] = item
}

function pop(heap: Happening[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let at = 0
  for (;;) {
    let down = 2 * at + 1
    if (down >= heap.length) break
    if (down + 1 < heap.length && isBefore(heap[down + 1]!, heap[down]!)) down++
    if (!isBefore(heap[down]!, last)) break
    heap[at] = heap[down]!
    at = down
  }
  heap[at] = last
}

/** What setTimeout returns. */
class Timer {
  readonly #happening: { current: Happening }
  constructor(happening: { current: Happening }) {
    this.#happening = happening
  }
  ref(): this {
    return this
  }
  unref(): this {
    return this
  }
  hasRef(): boolean {
    return true
  }
  cancel(): void {
    this.#happening.current.isOff = true
  }
}

function store() {
  const found = present.getStore()
  if (found === undefined) throw new Error('something in the simulation ran outside of it')
  return found
}

function fakeTimeout(run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]): Timer {
  const { time, process } = store()
  return new Timer({ current: time.after(Math.max(1, ms), process, () => run(...args)) })
}

function fakeInterval(run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]): Timer {
  const { time, process } = store()
  const tick = (): Happening =>
    time.after(Math.max(1, ms), process, () => {
      current.current = tick()
      run(...args)
    })
  const current = { current: tick() }
  return new Timer(current)
}

function fakeClear(timer: unknown): void {
  if (timer instanceof Timer) timer.cancel()
}

interface SleepOptions {
  readonly signal?: AbortSignal
}

function fakeSleep<T>(ms = 0, value?: T, { signal }: SleepOptions = {}): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      timer.cancel()
      reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'))
    }
    const timer = fakeTimeout(() => {
      signal?.removeEventListener('abort', aborted)
      resolve(value)
    }, ms)
    if (signal?.aborted === true) aborted()
    else signal?.addEventListener('abort', aborted, { once: true })
  })
}

/** Takes Node's clock away, for good: this process is a simulation from now on. Before anything that uses timers is loaded. */
export function installVirtualTime(): void {
  const now = (): number => present.getStore()?.time.now ?? 0
  Object.assign(globalThis, {
    setTimeout: fakeTimeout,
    setInterval: fakeInterval,
    clearTimeout: fakeClear,
    clearInterval: fakeClear,
  })
  Object.assign(promises, { setTimeout: fakeSleep })
  syncBuiltinESMExports()
  performance.now = now
  Date.now = () => EPOCH + Math.trunc(now())
  process.hrtime.bigint = () => BigInt(Math.trunc(now() * 1_000)) * 1_000n
  Math.random = () => present.getStore()?.time.dice.roll() ?? 0.5
}
