import type { RawConfig } from '../../api/config.ts'
import type { Logger } from '../../api/log.ts'
import type { Protocol } from '../settings/listener.ts'
import type { WorkerMode } from '../settings/modes.ts'
import type { ConfigStore } from '../stores/config-store.ts'
import { ForeignClasses } from './foreign-classes.ts'
import { PeerSignatures } from './peer-signatures.ts'
import { type AskPeer, Peers, type PeersOptions } from './peers.ts'
import type { Place } from './place.ts'
import { SessionKeys } from './session-keys.ts'
import { fenceZombies } from './zombie-fencing.ts'

export interface AmongWorkersOptions {
  readonly mode: WorkerMode
  readonly configs: ConfigStore
  readonly log: Logger
  /** Fences the producers of transactional ids. */
  readonly fence: (ids: readonly string[]) => Promise<void>
  /** `host:port` of this worker. */
  readonly workerId: string
  readonly protocol: Protocol
  readonly tls: PeersOptions['tls']
  readonly ask: AskPeer | undefined
}

export interface AmongWorkers {
  readonly peers: Peers
  /** Undefined where there are no other workers. */
  readonly signatures: PeerSignatures | undefined
  readonly sessionKeys: SessionKeys | undefined
  readonly fence: (connector: string) => Promise<void>
  readonly foreign: (className: string, config: RawConfig) => Promise<boolean>
}

/** What the workers of a cluster do for each other; a standalone worker has nobody. */
export function amongWorkers(options: AmongWorkersOptions, place: Place): AmongWorkers {
  const { mode, configs, log, fence, workerId, protocol, tls, ask } = options
  const self = { name: workerId, role: 'admin', by: 'worker', address: workerId } as const
  if (mode.kind === 'standalone')
    return {
      peers: new Peers({ protocol, tls, signatures: undefined, self, ask }),
      signatures: undefined,
      sessionKeys: undefined,
      fence: () => Promise.resolve(),
      foreign: () => Promise.resolve(false),
    }
  const { groupId, signing } = mode
  const sessionKeys = new SessionKeys({ configs, place, settings: signing, log })
  const signatures = new PeerSignatures(sessionKeys)
  const peers = new Peers({ protocol, tls, signatures, self, ask })
  const classes = new ForeignClasses(place, peers, log)
  return {
    peers,
    signatures,
    sessionKeys,
    fence: (connector) => fenceZombies(connector, { configs, groupId, fence }),
    foreign: (className, config) => classes.check(className, config),
  }
}
