import type { FromHost, TaskId, ToHost } from '../../src/runtime/host/protocol.ts'
import { nameOf } from '../../src/runtime/host/protocol.ts'
import type { SpawnHost } from '../../src/worker/hosts/host-process.ts'
import type { Process, VirtualTime } from './virtual-time.ts'

/** A task host as a process of its own: it goes on while its worker is stopped, and ends when the worker is gone. */
export class SimulatedHost {
  readonly worker: Process
  readonly process: Process
  /** What it runs, until it has said that it stopped. */
  readonly running = new Map<string, TaskId & { readonly version: string }>()
  readonly #time: VirtualTime
  readonly #events: Parameters<SpawnHost>[0]
  /** A channel keeps its order: when its last message arrives. */
  #heardAt = 0
  #saidAt = 0
  #leaseUntil = 0

  readonly #note: (what: string) => void

  constructor(
    time: VirtualTime,
    worker: Process,
    events: Parameters<SpawnHost>[0],
    note: (what: string) => void,
  ) {
    this.#note = note
    this.#time = time
    this.worker = worker
    this.#events = events
    this.process = { name: `host of ${worker.name}`, state: 'running', waiting: [] }
    this.#after(20 + time.dice.below(100), () => this.#say({ type: 'ready' }))
  }

  /** Until when it may poll and commit: as runtime/host/lease has it. */
  get isLeased(): boolean {
    return this.process.state !== 'dead' && this.#time.now < this.#leaseUntil
  }

  hear(message: ToHost): void {
    this.#heardAt = Math.max(this.#heardAt, this.#time.now + this.#time.dice.below(3))
    this.#time.after(this.#heardAt - this.#time.now, this.process, () => this.#take(message))
  }

  /** It dies, and its worker hears of it. */
  end(): void {
    if (this.process.state === 'dead') return
    this.#say({ type: 'heartbeat' })
    this.process.state = 'dead'
    this.#time.after(this.#saidAt - this.#time.now + 1, this.worker, () =>
      this.#events.exited({ code: 0, signal: null }),
    )
  }

  #say(message: FromHost): void {
    this.#saidAt = Math.max(this.#saidAt, this.#time.now + this.#time.dice.below(3))
    this.#time.after(this.#saidAt - this.#time.now, this.worker, () => this.#events.message(message))
  }

  #after(ms: number, run: () => void): void {
    this.#time.after(ms, this.process, run)
  }

  #take(message: ToHost): void {
    const { dice } = this.#time
    switch (message.type) {
      case 'lease':
        this.#leaseUntil = message.until
        break
      case 'start': {
        const { id, config, paused } = message
        this.running.set(nameOf(id), { ...id, version: config['version'] ?? '' })
        this.#note(`${this.process.name} runs ${nameOf(id)}`)
        this.#after(dice.below(60), () =>
          this.#say({ type: 'state', id, state: paused ? 'PAUSED' : 'RUNNING' }),
        )
        break
      }
      case 'stop': {
        const { id } = message
        this.#after(dice.chance(0.05) ? 2_000 : dice.below(40), () => {
          this.running.delete(nameOf(id))
          this.#note(`${this.process.name} has stopped ${nameOf(id)}`)
          this.#say({ type: 'stopped', id })
        })
        break
      }
      case 'lost':
        this.running.delete(nameOf(message.id))
        this.#note(`${this.process.name} has lost ${nameOf(message.id)}`)
        break
      case 'pause':
      case 'resume':
        this.#say({ type: 'state', id: message.id, state: message.type === 'pause' ? 'PAUSED' : 'RUNNING' })
        break
      case 'configure':
        this.#after(dice.below(80), () =>
          this.#say({ type: 'configured', call: message.call, tasks: tasksOf(message.config) }),
        )
        break
      case 'validate':
        this.#after(dice.below(80), () => this.#say({ type: 'validated', call: message.call, problems: [] }))
    }
  }
}

/** As many tasks as the configuration says, all of its version. */
function tasksOf(config: Readonly<Record<string, string>>): Record<string, string>[] {
  const own = { ...config, 'task.class': 'FileStreamSourceTask' }
  return Array.from({ length: Number(config['count']) }, (_, task) => ({ ...own, task: `${task}` }))
}
