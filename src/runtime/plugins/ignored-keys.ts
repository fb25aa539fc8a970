import type { ConfigDefinition, RawConfig } from '../../api/config.ts'
import type { Logger } from '../../api/log.ts'

/** Says of each key that is set and has no effect why that is: no key is ignored in silence. */
export function logIgnored({ keys }: ConfigDefinition, raw: RawConfig, log: Logger, prefix = ''): void {
  for (const [name, { ignored }] of Object.entries(keys)) {
    const path = `${prefix}${name}`
    if (ignored !== undefined && raw[path] !== undefined)
      log.info('a key is ignored', { key: path, reason: ignored })
  }
}
