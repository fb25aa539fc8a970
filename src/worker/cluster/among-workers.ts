import type { RawConfig } from '../../api/config.ts'
import type { Logger } from '../../api/log.ts'
import type { WorkerMode } from '../settings/modes.ts'
import type { ConfigStore } from '../stores/config-store.ts'
import { ForeignClasses } from './foreign-classes.ts'
import type { Place } from './place.ts'
import { SessionKeys } from './session-keys.ts'
import { fenceZombies } from './zombie-fencing.ts'

export interface AmongWorkersOptions {
  readonly mode: WorkerMode
  readonly configs: ConfigStore
  readonly log: Logger
  /** Fences the producers of transactional ids. */
  readonly fence: (ids: readonly string[]) => Promise<void>
}

export interface AmongWorkers {
  readonly sessionKeys: SessionKeys | undefined
  readonly fence: (connector: string) => Promise<void>
  readonly foreign: (className: string, config: RawConfig) => Promise<boolean>
}

/** What the workers of a cluster do for each other; a standalone worker has nobody. */
export function amongWorkers({ mode, configs, log, fence }: AmongWorkersOptions, place: Place): AmongWorkers {
  if (mode.kind === 'standalone')
    return {
      sessionKeys: undefined,
      fence: () => Promise.resolve(),
      foreign: () => Promise.resolve(false),
    }
  const { groupId, signing } = mode
  const classes = new ForeignClasses(place, log)
  return {
    sessionKeys: new SessionKeys({ configs, place, settings: signing, log }),
    fence: (connector) => fenceZombies(connector, { configs, groupId, fence }),
    foreign: (className, config) => classes.check(className, config),
  }
}
