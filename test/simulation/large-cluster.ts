import { Cluster, CONFIGS, type RequestKind, type SimulatedWorker } from './cluster.ts'
import { type Process, VirtualTime } from './virtual-time.ts'

export interface LargeOptions {
  readonly workers: number
  readonly connectors: number
  readonly tasksPerConnector: number
  readonly seed: number
  /** Told what is going on. */
  readonly say: (what: string) => void
}

/** What a cluster asked of its broker, and what its workers wrote, while something happened. */
export interface Counted {
  readonly what: string
  /** Simulated, until every task runs once again and nobody waits for an assignment. */
  readonly seconds: number
  /** Rounds in which the leader shared work out. */
  readonly rebalances: number
  readonly requests: Readonly<Record<RequestKind, number>>
  /** Of members' states and assignments, there and back. */
  readonly groupBytes: number
  readonly statusRecords: number
  readonly configRecords: number
  /** Tasks that were started. */
  readonly started: number
  /** CPU milliseconds of the leader in its longest round. */
  readonly longestShareOutMs: number
}

const STATUSES = 'statuses'
const LOOK_MS = 250
/** What has not changed for so long is over: longer than a session and the delay together. */
const QUIET_MS = 12_000
const LONGEST_MS = 600_000
/** About what a real configuration of a source has. */
const PADDING = 'x'.repeat(200)

/** A cluster of many workers on the virtual clock, without trouble: what it costs, not whether it is right. */
export class LargeCluster {
  readonly #options: LargeOptions
  readonly #time: VirtualTime
  readonly #cluster: Cluster
  #requests: Record<RequestKind, number> = { join: 0, sync: 0, heartbeat: 0, leave: 0 }
  #groupBytes = 0
  #rebalances = 0
  #longestShareOutMs = 0
  #started = 0
  #changedAt = 0

  constructor(options: LargeOptions) {
    this.#options = options
    this.#time = new VirtualTime(options.seed)
    this.#cluster = new Cluster(this.#time, {
      settings: {
        'group.id': 'workers',
        'config.storage.topic': CONFIGS,
        'offset.storage.topic': 'offsets',
        'status.storage.topic': STATUSES,
        // Hosts of the simulation send no heartbeats: none is to be killed for its silence.
        'task.deadline.ms': '3600000',
      },
      onAssigned: () => {
        this.#rebalances++
        this.#changedAt = this.#time.now
      },
      onShareOut: (ms) => (this.#longestShareOutMs = Math.max(this.#longestShareOutMs, ms)),
      onConfigWritten: () => undefined,
      note: (what) => {
        if (!/ runs | has stopped | has lost /.test(what)) return
        this.#changedAt = this.#time.now
        if (what.includes(' runs ')) this.#started++
      },
      onRequest: (kind, bytes) => {
        this.#requests[kind]++
        this.#groupBytes += bytes
      },
    })
  }

  get tasks(): number {
    return this.#options.connectors * this.#options.tasksPerConnector
  }

  /** All workers of a cluster that is configured already start at once. */
  async startAll(): Promise<Counted> {
    await this.#configure()
    return this.#count('all workers start', () => {
      for (let n = 0; n < this.#options.workers; n++) this.#cluster.start()
    })
  }

  killOne(): Promise<Counted> {
    return this.#count('one worker is killed', () => this.#cluster.kill(this.#last))
  }

  stopOne(): Promise<Counted> {
    return this.#count('one worker is stopped', () => this.#cluster.stop(this.#last))
  }

  startOne(): Promise<Counted> {
    return this.#count('one worker starts', () => this.#cluster.start())
  }

  async createOne(): Promise<Counted> {
    return this.#count('one connector is created', () => {
      const worker = this.#last
      const config = this.#configOf('added')
      this.#time.after(0, worker.process, () => {
        void this.#cluster.request(worker, (herder) => herder.create('added', config))
      })
    })
  }

  /** A minute in which nothing happens. */
  async idleMinute(): Promise<Counted> {
    return this.#measure('a minute of nothing', async () => {
      await this.#run(60_000)
      return 60
    })
  }

  get #last(): SimulatedWorker {
    return this.#cluster.alive.at(-1)!
  }

  #configOf(name: string): Record<string, string> {
    return {
      'connector.class': 'FileStreamSource',
      name,
      topic: 'lines',
      file: `/data/${name}-${PADDING}`,
      count: String(this.#options.tasksPerConnector),
      version: '1',
    }
  }

  /** What a cluster of before has left in its config topic. */
  async #configure(): Promise<void> {
    const { connectors, tasksPerConnector } = this.#options
    const process: Process = { name: 'another cluster', state: 'running', waiting: [] }
    const open = this.#cluster.topics.opener(process)
    const opened = this.#time.within(process, () =>
      open({ topic: CONFIGS, partitions: 1, replicationFactor: 1 }, () => undefined),
    )
    await this.#run(1_000)
    const log = await opened
    this.#time.within(process, () => {
      const write = (key: string, value: object): void => void log.append(key, JSON.stringify(value))
      for (let n = 0; n < connectors; n++) {
        const name = `connector-${String(n).padStart(4, '0')}`
        const properties = this.#configOf(name)
        write(`connector-${name}`, { properties })
        for (let task = 0; task < tasksPerConnector; task++)
          write(`task-${name}-${task}`, {
            properties: { ...properties, 'task.class': 'FileStreamSourceTask', task: String(task) },
          })
        write(`commit-${name}`, { tasks: tasksPerConnector })
      }
    })
    await this.#run(5_000)
    await log.close()
  }

  async #count(what: string, act: () => void): Promise<Counted> {
    return this.#measure(what, async () => {
      const began = (this.#changedAt = this.#time.now)
      act()
      for (;;) {
        await this.#run(LOOK_MS)
        const now = this.#time.now
        if (now - this.#changedAt >= QUIET_MS && this.#isAtRest) return (this.#changedAt - began) / 1000
        if (now - began > LONGEST_MS) throw new Error(`${what}: not at rest after ${LONGEST_MS / 1000} s`)
      }
    })
  }

  get #isAtRest(): boolean {
    const hosts = this.#cluster.hosts.filter(({ process, isLeased }) => process.state !== 'dead' && isLeased)
    const running = hosts.reduce((sum, host) => sum + host.running.size, 0)
    return running >= this.tasks
  }

  async #measure(what: string, work: () => Promise<number>): Promise<Counted> {
    this.#requests = { join: 0, sync: 0, heartbeat: 0, leave: 0 }
    this.#groupBytes = this.#rebalances = this.#longestShareOutMs = this.#started = 0
    const written = () => [STATUSES, CONFIGS].map((topic) => this.#cluster.topics.records(topic).length)
    const [statuses = 0, configs = 0] = written()
    const seconds = await work()
    const [statusesNow = 0, configsNow = 0] = written()
    const counted: Counted = {
      what,
      seconds: Math.round(seconds * 100) / 100,
      rebalances: this.#rebalances,
      requests: this.#requests,
      groupBytes: this.#groupBytes,
      statusRecords: statusesNow - statuses,
      configRecords: configsNow - configs,
      started: this.#started,
      longestShareOutMs: Math.round(this.#longestShareOutMs),
    }
    this.#options.say(
      `${this.#options.workers} workers: ${what}: ${counted.seconds} s, ${counted.rebalances} rebalances`,
    )
    return counted
  }

  async #run(ms: number): Promise<void> {
    await this.#time.runUntil(this.#time.now + ms, () => true)
  }
}
