import {
  connectProtocolVersion,
  decodeWorkerState,
  encodeConnectAssignment,
} from '../../kafka/groups/connect-protocol.ts'
import { assignWork } from './assignment.ts'
import { CooperativeAssignor } from './cooperative-assignor.ts'
import type { ConfigStore } from '../stores/config-store.ts'
import type { MissingPlugins } from './missing-plugins.ts'
import type { Work } from './work-items.ts'

/** What is configured, as far as it was read. */
export type ConfiguredWork = Pick<ConfigStore, 'offset' | 'names' | 'get' | 'readToEnd'>

/** What the leader of a worker group is asked at each rebalance. */
export interface ShareOutRound {
  readonly protocol: string
  readonly members: readonly { readonly memberId: string; readonly metadata: Buffer }[]
  readonly leaderId: string
  readonly generation: number
  /** The last generation whose assignment this worker took; −1 where there was none. */
  readonly lastGeneration: number
}

/** Shares connectors and tasks out among the members of a worker group; asked of its leader. */
export type ShareOut = (round: ShareOutRound) => Promise<Map<string, Buffer>>

export interface ShareOutOptions {
  readonly configs: ConfiguredWork
  /** scheduled.rebalance.max.delay.ms */
  readonly maxDelay: number
  /** Which members do not have a plugin; absent: nobody keeps account of that. */
  readonly missing?: Pick<MissingPlugins, 'lookAt'>
}

/**
 * What the leader of a worker group does at each rebalance: everything that is configured, shared out. Where a member
 * has read more of the config topic than the leader, the leader reads on first.
 */
export function shareOutFrom({ configs, maxDelay, missing }: ShareOutOptions): ShareOut {
  const cooperative = new CooperativeAssignor({ maxDelay, now: () => performance.now() })
  return async ({ protocol, members, leaderId, generation, lastGeneration }) => {
    const version = connectProtocolVersion(protocol)
    const states = new Map(members.map(({ memberId, metadata }) => [memberId, decodeWorkerState(metadata)]))
    if ([...states.values()].some(({ configOffset }) => configOffset > configs.offset))
      await configs.readToEnd()
    const head = { memberId: leaderId, generation, lastGeneration }
    const unable = missing?.lookAt({ members: states, generation, lastGeneration })
    const known = { configOffset: configs.offset, work: configured(configs) }
    const leader = { ...head, ...known, ...(unable === undefined ? {} : { unable }) }
    const shares = assignWork(version, states, leader, cooperative)
    return new Map([...shares].map(([id, share]) => [id, encodeConnectAssignment(share, version)]))
  }
}

/** All connectors and tasks there are. */
export function configured(configs: Pick<ConfiguredWork, 'names' | 'get'>): Work {
  const connectors = configs.names()
  const tasks = connectors.flatMap((connector) =>
    (configs.get(connector)?.tasks ?? []).map((_, task) => ({ connector, task })),
  )
  return { connectors, tasks }
}
