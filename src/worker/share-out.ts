import { connectProtocolVersion, decodeWorkerState, encodeConnectAssignment } from '../kafka/connect-protocol.ts'
import { assignWork, type Work } from './assignment.ts'
import type { ConfigStore } from './config-store.ts'
import type { ShareOut } from './worker-group.ts'

/** What the leader of a worker group does at each rebalance: everything that is configured, shared out. */
export function shareOutFrom(configs: Pick<ConfigStore, 'offset' | 'names' | 'get'>, url: string): ShareOut {
  return (protocol, members) => {
    const version = connectProtocolVersion(protocol)
    const states = new Map(members.map(({ memberId, metadata }) => [memberId, decodeWorkerState(metadata)]))
    // The leader is the member that has this worker's URL: it is asked before it is told its id.
    const [memberId = ''] = [...states].find(([, state]) => state.url === url) ?? []
    const leader = { memberId, configOffset: configs.offset, work: configured(configs) }
    const shares = assignWork(version, states, leader)
    return new Map([...shares].map(([id, share]) => [id, encodeConnectAssignment(share, version)]))
  }
}

function configured(configs: Pick<ConfigStore, 'names' | 'get'>): Work {
  const connectors = configs.names()
  const tasks = connectors.flatMap((connector) =>
    (configs.get(connector)?.tasks ?? []).map((_, task) => ({ connector, task })),
  )
  return { connectors, tasks }
}
