import type { ConfigStore } from './config-store.ts'
import type { WorkerSettings } from './settings.ts'
import type { ShareOut } from './worker-group.ts'

export function shareOutFrom(configs: ConfigStore, settings: WorkerSettings): ShareOut {
  throw new Error(`waiting for assignment.ts ${configs.offset} ${settings.groupId}`)
}
