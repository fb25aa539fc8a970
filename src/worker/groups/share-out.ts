import {
  connectProtocolVersion,
  decodeWorkerState,
  encodeConnectAssignment,
} from '../../kafka/groups/connect-protocol.ts'
import { assignWork, type Work } from './assignment.ts'
import type { ConfigStore } from '../stores/config-store.ts'
import type { ShareOut } from './worker-group.ts'

/** What is configured, as far as it was read. */
export type ConfiguredWork = Pick<ConfigStore, 'offset' | 'names' | 'get' | 'readToEnd'>

/**
 * What the leader of a worker group does at each rebalance: everything that is configured, shared out. Where a member
 * has read more of the config topic than the leader, the leader reads on first.
 */
export function shareOutFrom(configs: ConfiguredWork): ShareOut {
  return async (protocol, members, leaderId) => {
    const version = connectProtocolVersion(protocol)
    const states = new Map(members.map(({ memberId, metadata }) => [memberId, decodeWorkerState(metadata)]))
    if ([...states.values()].some(({ configOffset }) => configOffset > configs.offset))
      await configs.readToEnd()
    const leader = { memberId: leaderId, configOffset: configs.offset, work: configured(configs) }
    const shares = assignWork(version, states, leader)
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
