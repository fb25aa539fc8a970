import { SILENT } from '../../src/api/log.ts'
import type { RestContext } from '../../src/rest/context.ts'
import { startRest } from '../../src/rest/server.ts'
import type { RunningWorker } from '../../src/worker/worker.ts'
import { eventually } from '../support/eventually.ts'
import { MemoryGroup, type MemoryMember } from '../worker/memory-group.ts'
import { MemoryTopics } from '../worker/memory-log.ts'
import { memoryWorker, type MemoryWorker, type MemoryWorkerOptions } from '../worker/memory-worker.ts'
import type { Answer } from './rest-api.ts'

export interface ClusterMember {
  readonly worker: MemoryWorker
  readonly member: MemoryMember
  readonly url: string
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  stop(): Promise<void>
}

export interface MemberOptions extends Pick<MemoryWorkerOptions, 'settings' | 'problems'> {
  /** Of its REST API. */
  readonly rest?: Pick<RestContext, 'access' | 'audit'>
}

/** Workers in memory with one group and one set of topics, each with a REST API of its own; the first one leads. */
export class MemoryCluster {
  readonly group = new MemoryGroup()
  readonly topics: MemoryTopics
  readonly members: ClusterMember[] = []

  constructor(topics = new MemoryTopics()) {
    this.topics = topics
  }

  async add({ rest: more, ...options }: MemberOptions = {}): Promise<ClusterMember> {
    const seen: { worker?: RunningWorker } = {}
    const context = { worker: () => seen.worker, version: '0.1.0', hosts: [], log: SILENT, ...more }
    const rest = await startRest({ host: '127.0.0.1', port: 0 }, context)
    const { group, topics } = this
    const at = group.members.length
    const worker = await memoryWorker({ ...options, group, topics, port: rest.port })
    seen.worker = worker
    const member = group.members[at]
    if (member === undefined) throw new Error('the worker is no member')
    const url = `http://127.0.0.1:${rest.port}`
    const stop = async (): Promise<void> => {
      await worker.stop()
      await rest.close()
    }
    const added: ClusterMember = { worker, member, url, call: caller(url), stop }
    this.members.push(added)
    return added
  }

  /** Of connectors, in the order in which it was written. */
  written(): string[] {
    return this.topics
      .records('configs')
      .map(({ key }) => key)
      .filter((key) => key !== 'session-key')
  }

  async stop(): Promise<void> {
    for (const member of this.members.splice(0).toReversed()) await member.stop()
  }
}

function caller(url: string): ClusterMember['call'] {
  return async (method, path, body, headers = { 'content-type': 'application/json' }) => {
    const sent = typeof body === 'string' ? body : JSON.stringify(body)
    const response = await fetch(`${url}${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: sent }),
    })
    const text = await response.text()
    return {
      code: response.status,
      headers: response.headers,
      body: text === '' ? undefined : (JSON.parse(text) as unknown),
    }
  }
}

/** A connector's and its tasks' states, as a member shows them. */
export function states({ worker }: ClusterMember, name: string): string[] {
  const { connector, tasks } = worker.herder.views.status(name)
  return [connector.state, ...tasks.map(({ state }) => state)]
}

export async function untilStates(member: ClusterMember, name: string, ...wanted: string[]): Promise<void> {
  await eventually(() => states(member, name).join() === wanted.join(), { everyMs: 5 })
}
