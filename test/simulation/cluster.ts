import { ConflictError, UnavailableError } from '../../src/api/errors.ts'
import { SILENT } from '../../src/api/log.ts'
import { KafkaClient } from '../../src/kafka/client.ts'
import type { GroupCalls } from '../../src/kafka/groups/group-requests.ts'
import { GroupMember, type GroupMemberOptions } from '../../src/kafka/groups/group.ts'
import type { PeerAnswer, PeerRequest } from '../../src/worker/cluster/peers.ts'
import { ElsewhereError } from '../../src/worker/cluster/place.ts'
import type { Herder } from '../../src/worker/herder.ts'
import type { CreateMember } from '../../src/worker/groups/sink-membership.ts'
import { readSettings } from '../../src/worker/settings/settings.ts'
import { ConfigStore } from '../../src/worker/stores/config-store.ts'
import { topicPlaces } from '../../src/worker/stores/offset-places.ts'
import { StatusStore } from '../../src/worker/stores/status-store.ts'
import { assembleWorker, type RunningWorker } from '../../src/worker/assemble-worker.ts'
import { MemoryGroups } from '../worker/memory-worker.ts'
import { Group, type JoinAnswer } from './coordinator.ts'
import { SimulatedHost } from './hosts.ts'
import { Network } from './network.ts'
import { Topics } from './topics.ts'
import { type Process, VirtualTime } from './virtual-time.ts'

export const CONFIGS = 'configs'
/** How long a worker waits for another. */
const DEADLINE = 30_000

/** A worker process: the worker's own code, from `assembleWorker` down to its place in the group. */
export interface SimulatedWorker {
  readonly process: Process
  /** Once it has opened its topics. */
  configs: ConfigStore | undefined
  worker: RunningWorker | undefined
  isStopping: boolean
}

/** What a leader was asked and what it answered. */
export type OnAssigned = (
  worker: SimulatedWorker,
  members: readonly { readonly memberId: string; readonly metadata: Buffer }[],
  shares: ReadonlyMap<string, Buffer>,
) => void

export interface ClusterOptions {
  readonly settings: Readonly<Record<string, string>>
  readonly onAssigned: OnAssigned
  /** How long the leader has computed, in milliseconds of CPU time of this process. */
  readonly onShareOut?: (ms: number) => void
  readonly onConfigWritten: (key: string, by: Process) => void
  readonly note: (what: string) => void
  /** A request to the broker, with the bytes of what it carries there and back; its own fields are not counted. */
  readonly onRequest?: (kind: RequestKind, bytes: number) => void
}

export type RequestKind = 'join' | 'sync' | 'heartbeat' | 'leave'

/** Its client is never used: the requests of members go through the simulated network. */
const NO_CLIENT = new KafkaClient({ bootstrapServers: ['127.0.0.1:1'], clientId: 'simulation', log: SILENT })

/** Workers, one broker, and the network between them. */
export class Cluster {
  readonly time: VirtualTime
  readonly network: Network
  readonly topics: Topics
  readonly workers: SimulatedWorker[] = []
  readonly hosts: SimulatedHost[] = []
  readonly #groups = new Map<string, Group>()
  readonly #options: ClusterOptions
  #started = 0

  constructor(time: VirtualTime, options: ClusterOptions) {
    this.time = time
    this.#options = options
    this.network = new Network(time)
    this.topics = new Topics(time, this.network, (topic, { key }, by) => {
      if (topic === CONFIGS) options.onConfigWritten(key, by)
    })
  }

  /** Those whose process is there, also where it is stopped. */
  get alive(): SimulatedWorker[] {
    return this.workers.filter(({ process }) => process.state !== 'dead')
  }

  /** Starts a worker process. */
  start(): void {
    const process: Process = { name: `worker ${++this.#started}`, state: 'running', waiting: [] }
    const simulated: SimulatedWorker = { process, configs: undefined, worker: undefined, isStopping: false }
    this.workers.push(simulated)
    this.time.after(0, process, () => {
      void this.#run(simulated).catch(() => this.time.after(500, process, () => this.kill(simulated)))
    })
  }

  /** SIGKILL. Its hosts end when they see that their channel is closed. */
  kill({ process }: SimulatedWorker): void {
    process.state = 'dead'
    for (const host of this.hosts.filter(({ worker }) => worker === process))
      this.time.after(this.time.dice.below(30), undefined, () => (host.process.state = 'dead'))
  }

  /** A client's request to a worker, and what becomes of it: as REST, a worker that cannot do it asks the one that can. */
  async request<T>(to: SimulatedWorker, work: (herder: Herder) => Promise<T>, hops = 2): Promise<T> {
    if (to.worker === undefined) throw new UnavailableError('cluster.unavailable', 'the worker starts')
    try {
      return await work(to.worker.herder)
    } catch (error) {
      if (!(error instanceof ElsewhereError) || error.url === undefined || hops === 0) throw error
      const other = this.#at(error.url)
      return await this.network.betweenPeers(to.process, other.process, DEADLINE, () =>
        this.request(other, work, hops - 1),
      )
    }
  }

  /** The REST API of another worker, of which this needs a part: the leader takes the task configs of a connector. */
  async #askPeer(from: Process, { url, body }: PeerRequest): Promise<PeerAnswer> {
    const other = this.#at(url)
    const [, name = ''] = /\/connectors\/([^/]+)\/tasks$/.exec(url) ?? []
    const tasks = JSON.parse(body?.toString() ?? '[]') as Record<string, string>[]
    const status = await this.network.betweenPeers(from, other.process, DEADLINE, async () => {
      const { worker } = other
      if (worker === undefined) return 503
      return worker.herder.putTasks(name, tasks).then(
        () => 204,
        (error: unknown) => (error instanceof ConflictError ? 409 : 500),
      )
    })
    return { status, headers: {}, body: Buffer.alloc(0) }
  }

  #at(url: string): SimulatedWorker {
    const { hostname } = new URL(url)
    const found = this.workers.find(({ process }) => hostOf(process) === hostname)
    if (found === undefined) throw new Error(`no worker was ever at ${url}`)
    return found
  }

  /** SIGTERM. */
  stop(simulated: SimulatedWorker): void {
    const { process, worker } = simulated
    if (simulated.isStopping) return
    simulated.isStopping = true
    this.time.after(0, process, () => {
      if (worker === undefined) this.kill(simulated)
      else void worker.stop().finally(() => this.kill(simulated))
    })
  }

  async #run(simulated: SimulatedWorker): Promise<void> {
    const { process } = simulated
    const { settings } = readSettings(new Map(Object.entries(this.#options.settings)))
    const { mode } = settings
    if (mode.kind !== 'distributed') throw new Error('a worker of the simulation is one of a cluster')
    const open = this.topics.opener(process)
    const configs = await this.#untilReached(process, () => ConfigStore.open(open, mode.configTopic, SILENT))
    const statuses = await this.#untilReached(process, () => StatusStore.open(open, mode.statusTopic, SILENT))
    simulated.configs = configs
    const worker = assembleWorker({
      settings,
      advertised: { host: hostOf(process), port: 8083 },
      log: SILENT,
      spawn: (events) => this.#spawn(process, events),
      createMember: this.#createMember(simulated),
      stores: {
        configs,
        statuses,
        clusterId: 'simulation',
        offsets: topicPlaces(open, mode.offsetTopic),
      },
      cluster: { metadata: () => Promise.resolve([]) },
      groups: new MemoryGroups(),
      fence: () => Promise.resolve(),
      ask: (request) => this.#askPeer(process, request),
    })
    simulated.worker = worker
    await worker.start()
  }

  /** A worker that starts retries for ever while Kafka cannot be reached. */
  async #untilReached<T>(process: Process, work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof UnavailableError)) throw error
        await new Promise<void>((resolve) => this.time.after(500, process, resolve))
      }
    }
  }

  #spawn(process: Process, events: ConstructorParameters<typeof SimulatedHost>[2]) {
    const host = new SimulatedHost(this.time, process, events, this.#options.note)
    this.hosts.push(host)
    return {
      pid: this.hosts.length,
      memory: () => 0,
      send: (message: Parameters<SimulatedHost['hear']>[0]) => host.hear(message),
      kill: () => host.end(),
      disconnect: () => host.end(),
    }
  }

  #createMember(simulated: SimulatedWorker): CreateMember {
    return (options) => {
      const assign: GroupMemberOptions['assign'] = async (protocol, members, leaderId, generation) => {
        const before = process.cpuUsage()
        const shares = await options.assign(protocol, members, leaderId, generation)
        const { user, system } = process.cpuUsage(before)
        this.#options.onShareOut?.((user + system) / 1000)
        this.#options.onAssigned(simulated, members, shares)
        return shares
      }
      return new GroupMember(NO_CLIENT, { ...options, assign }, this.#calls(simulated.process, options))
    }
  }

  #calls(
    process: Process,
    { groupId, sessionTimeoutMs, rebalanceTimeoutMs }: GroupMemberOptions,
  ): GroupCalls {
    const group = this.group(groupId)
    const short = Math.ceil(sessionTimeoutMs / 3)
    const timeouts = { sessionTimeoutMs, rebalanceTimeoutMs, clientName: process.name }
    const { onRequest = () => undefined } = this.#options
    return {
      join: async (memberId, protocols) => {
        const answer = await this.network.request<JoinAnswer>(process, rebalanceTimeoutMs, (reply) =>
          group.join({ ...timeouts, memberId, protocols }, reply),
        )
        const members = 'members' in answer ? answer.members : []
        onRequest('join', bytesOf(protocols) + bytesOf(members))
        return answer
      },
      sync: async (joined, assignments) => {
        const assignment = await this.network.request<Buffer>(process, rebalanceTimeoutMs, (reply) =>
          group.sync(joined.memberId, joined.generation, assignments, reply),
        )
        const all = [...assignments.values(), assignment].map((metadata) => ({ metadata }))
        onRequest('sync', bytesOf(all))
        return assignment
      },
      heartbeat: (memberId, generation) => {
        onRequest('heartbeat', 0)
        return this.network.request<undefined>(process, short, (reply) =>
          group.heartbeat(memberId, generation, reply),
        )
      },
      leave: (memberId) => {
        onRequest('leave', 0)
        return this.network.request<undefined>(process, short, (reply) => {
          group.leave(memberId)
          reply({ answer: undefined })
        })
      },
      close: () => Promise.resolve(),
    }
  }

  group(groupId: string): Group {
    const found = this.#groups.get(groupId) ?? new Group(this.time, this.#options.note)
    this.#groups.set(groupId, found)
    return found
  }
}

function bytesOf(all: readonly { readonly metadata: Buffer }[]): number {
  return all.reduce((sum, { metadata }) => sum + metadata.length, 0)
}

function hostOf({ name }: Process): string {
  return name.replace(' ', '-')
}
