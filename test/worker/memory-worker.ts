import { FencedError } from '../../src/api/errors.ts'
import { SILENT } from '../../src/api/log.ts'
import type { GroupMemberOptions } from '../../src/kafka/groups/group.ts'
import type { FromHost, ToHost } from '../../src/runtime/host/protocol.ts'
import { ConfigStore } from '../../src/worker/stores/config-store.ts'
import type { HostExit, SpawnHost } from '../../src/worker/hosts/host-process.ts'
import { readSettings } from '../../src/worker/settings/settings.ts'
import type { CreateMember } from '../../src/worker/groups/sink-membership.ts'
import { topicPlaces } from '../../src/worker/stores/offset-places.ts'
import type { GroupAdmin } from '../../src/worker/sink-offsets.ts'
import { StatusStore } from '../../src/worker/stores/status-store.ts'
import { assembleWorker, type RunningWorker } from '../../src/worker/assemble-worker.ts'
import { hostSettings } from '../support/host-settings.ts'
import type { MemoryGroup } from './memory-group.ts'
import { MemoryTopics } from './memory-log.ts'

/** A task host without a process: it answers as a host does, unless a test takes its answers away. */
export class FakeHost {
  /** All but leases, which come by the clock. */
  readonly sent: ToHost[] = []
  readonly leases: number[] = []
  readonly #events: Parameters<SpawnHost>[0]
  readonly #problems: Problems
  alive = true
  /** Bytes that it holds. */
  memory = 0
  /** Its channel was closed. */
  ending = false
  /** What a source's tasks add to their connector's configuration. */
  taskConfigs: readonly Record<string, string>[] = [{}]
  /** Messages of these types are not answered. */
  deaf = new Set<string>()

  constructor(events: Parameters<SpawnHost>[0], problems: Problems) {
    this.#events = events
    this.#problems = problems
    setImmediate(() => this.say({ type: 'ready' }))
  }

  say(message: FromHost): void {
    if (this.alive) this.#events.message(message)
  }

  exit(exit: HostExit): void {
    if (!this.alive) return
    this.alive = false
    this.#events.exited(exit)
  }

  hear(message: ToHost): void {
    if (message.type === 'lease') {
      this.leases.push(message.until)
      return
    }
    this.sent.push(message)
    if (this.deaf.has(message.type)) return
    setImmediate(() => this.#answer(message))
  }

  /** The messages of one type, in order. */
  heard<T extends ToHost['type']>(type: T): Extract<ToHost, { type: T }>[] {
    return this.sent.filter((message): message is Extract<ToHost, { type: T }> => message.type === type)
  }

  #answer(message: ToHost): void {
    if (message.type === 'start')
      this.say({ type: 'state', id: message.id, state: message.paused ? 'PAUSED' : 'RUNNING' })
    else if (message.type === 'pause') this.say({ type: 'state', id: message.id, state: 'PAUSED' })
    else if (message.type === 'resume') this.say({ type: 'state', id: message.id, state: 'RUNNING' })
    else if (message.type === 'revoke') this.say({ type: 'revoked', id: message.id })
    else if (message.type === 'stop') this.say({ type: 'stopped', id: message.id })
    else if (message.type === 'configure') {
      const { call, config } = message
      const own = { ...config, 'task.class': 'FileStreamSourceTask' }
      this.say({ type: 'configured', call, tasks: this.taskConfigs.map((more) => ({ ...own, ...more })) })
    } else if (message.type === 'validate')
      this.say({ type: 'validated', call: message.call, problems: this.#problems(message.config) })
  }
}

type Problems = (config: Readonly<Record<string, string>>) => readonly { path: string; message: string }[]

/** Spawns fake hosts and keeps them. `problems` is what they find wrong with a configuration. */
export function fakeHosts(problems: Problems = () => []): { hosts: FakeHost[]; spawn: SpawnHost } {
  const hosts: FakeHost[] = []
  const spawn: SpawnHost = (events) => {
    const host = new FakeHost(events, problems)
    hosts.push(host)
    return {
      pid: hosts.length,
      memory: () => host.memory,
      send: (message) => host.hear(structuredClone(message)),
      kill: () => setImmediate(() => host.exit({ code: null, signal: 'SIGKILL' })),
      disconnect: () => {
        host.ending = true
        setTimeout(() => host.exit({ code: 0, signal: null }), 20)
      },
    }
  }
  return { hosts, spawn }
}

/** A group of one member, which gets everything at once. */
export class LoneMember {
  readonly options: GroupMemberOptions
  joins = 0
  heldUntil = Infinity
  #running = false
  #again = false
  #left = false

  constructor(options: GroupMemberOptions) {
    this.options = options
  }

  start(): Promise<void> {
    this.rejoin()
    return Promise.resolve()
  }

  rejoin(): void {
    this.#again = true
    if (!this.#running) void this.#run()
  }

  leave(): Promise<void> {
    this.#left = true
    return Promise.resolve()
  }

  async #run(): Promise<void> {
    this.#running = true
    while (this.#again && !this.#left) {
      this.#again = false
      if (this.joins > 0) await this.options.onRevoked()
      await new Promise(setImmediate)
      const [first] = this.options.protocols()
      if (first === undefined) throw new Error('a member speaks no protocol')
      const members = [{ memberId: 'm', metadata: first.metadata }]
      const shares = await this.options.assign(first.name, members, 'm', this.joins + 1)
      const assignment = shares.get('m') ?? Buffer.alloc(0)
      this.joins++
      const place = { generation: this.joins, memberId: 'm', leaderId: 'm', protocol: first.name, assignment }
      if (!this.#isLeft()) await this.options.onAssigned(place)
    }
    this.#running = false
  }

  #isLeft(): boolean {
    return this.#left
  }
}

/** Consumer groups in memory; one that is `busy` has members. */
export class MemoryGroups implements GroupAdmin {
  readonly patience = 300
  readonly committed = new Map<string, { topic: string; partition: number; offset: bigint }[]>()
  readonly busy = new Set<string>()

  list: GroupAdmin['list'] = (groupId) => Promise.resolve(this.committed.get(groupId) ?? [])

  commit: GroupAdmin['commit'] = async (groupId, offsets) => {
    if (this.busy.has(groupId)) throw new FencedError('kafka.fenced', 'unknown member')
    await this.remove(groupId, offsets)
    this.committed.set(groupId, [...(this.committed.get(groupId) ?? []), ...offsets])
  }

  remove: GroupAdmin['remove'] = (groupId, partitions) => {
    const found = this.committed.get(groupId)
    if (this.busy.has(groupId)) return Promise.resolve('in use')
    if (found === undefined) return Promise.resolve('absent')
    const isGone = (each: { topic: string; partition: number }): boolean =>
      partitions.some(({ topic, partition }) => topic === each.topic && partition === each.partition)
    this.committed.set(
      groupId,
      found.filter((each) => !isGone(each)),
    )
    return Promise.resolve('done')
  }

  delete: GroupAdmin['delete'] = (groupId) => {
    if (this.busy.has(groupId)) return Promise.resolve('in use')
    return Promise.resolve(this.committed.delete(groupId) ? 'done' : 'absent')
  }
}

export interface MemoryWorker extends RunningWorker {
  readonly topics: MemoryTopics
  readonly groups: MemoryGroups
  readonly hosts: FakeHost[]
  /** All members of all groups there were, by group id. */
  readonly members: Map<string, LoneMember[]>
  /** The transactional ids that were fenced, each time. */
  readonly fenced: readonly (readonly string[])[]
}

export interface MemoryWorkerOptions {
  readonly topics?: MemoryTopics
  readonly settings?: Readonly<Record<string, string>>
  readonly problems?: Problems
  /** The group of workers that it joins; without one it is alone. */
  readonly group?: MemoryGroup
  /** Of its REST API. */
  readonly port?: number
}

/** A whole worker without Kafka and processes. The topic `in` exists, with 4 partitions. */
export async function memoryWorker(options: MemoryWorkerOptions = {}): Promise<MemoryWorker> {
  const { topics = new MemoryTopics(), problems } = options
  const { settings } = readSettings(
    new Map(
      Object.entries({
        'group.id': 'workers',
        'config.storage.topic': 'configs',
        'offset.storage.topic': 'offsets',
        'status.storage.topic': 'statuses',
        'task.shutdown.graceful.timeout.ms': '500',
        ...options.settings,
      }),
    ),
  )
  const { mode } = settings
  if (mode.kind !== 'distributed') throw new Error('a worker in memory is one of a cluster')
  const members = new Map<string, LoneMember[]>()
  const createMember: CreateMember = (member) => {
    if (member.protocolType === 'connect' && options.group !== undefined) return options.group.member(member)
    const lone = new LoneMember(member)
    members.set(member.groupId, [...(members.get(member.groupId) ?? []), lone])
    return lone
  }
  const { hosts, spawn } = fakeHosts(problems)
  const groups = new MemoryGroups()
  const fenced: (readonly string[])[] = []
  const partitions = [0, 1, 2, 3].map((partition) => ({ partition, leader: 1 }))
  const worker = assembleWorker({
    settings,
    advertised: { host: '127.0.0.1', port: options.port ?? 1 },
    log: SILENT,
    spawn,
    groups,
    createMember,
    stores: {
      configs: await ConfigStore.open(topics.open, mode.configTopic, SILENT),
      statuses: await StatusStore.open(topics.open, mode.statusTopic, SILENT),
      clusterId: 'cluster',
      offsets: topicPlaces(topics.open, mode.offsetTopic),
    },
    fence: (ids) => Promise.resolve(void fenced.push(ids)),
    cluster: { metadata: () => Promise.resolve([{ topic: 'in', error: 0, partitions }]) },
  })
  await worker.start()
  return { ...worker, topics, groups, hosts, members, fenced }
}

/** What hosts are told that need nothing. */
export const HOST_SETTINGS = hostSettings({ bootstrapServers: ['127.0.0.1:1'] })
