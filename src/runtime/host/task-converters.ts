import type { SideName } from '../../api/batch.ts'
import { withPrefix, type RawConfig } from '../../api/config.ts'
import type { Converter, Outside } from '../../api/converter.ts'
import { ConfigError } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import { logIgnored } from '../plugins/ignored-keys.ts'
import { converterOf } from '../plugins/configured-plugins.ts'

/** An open converter and the name of its plugin, for errors. */
export interface NamedConverter {
  readonly name: string
  readonly converter: Converter
}

interface OpenContext {
  readonly log: Logger
  readonly outside?: Outside
}

export interface TaskConverters {
  readonly key: NamedConverter
  readonly value: NamedConverter
  /** What sinks that write to Kafka encode with: `target.key.converter` and `target.value.converter` where set. */
  readonly target: { readonly key: NamedConverter; readonly value: NamedConverter }
}

/**
 * Opens a connector's converters. As in Kafka Connect, a connector that names a converter also gives all of its
 * options; otherwise the worker's converter and options apply as a whole.
 */
export function openConverters(
  raw: RawConfig,
  workerDefaults: RawConfig,
  context: OpenContext,
): TaskConverters {
  const own = (side: SideName): NamedConverter => {
    const source = raw[`${side}.converter`] === undefined ? workerDefaults : raw
    return openOne(source, `${side}.converter`, side, context)
  }
  const key = own('key')
  const value = own('value')
  const target = (side: SideName, fallback: NamedConverter): NamedConverter =>
    raw[`target.${side}.converter`] === undefined
      ? fallback
      : openOne(raw, `target.${side}.converter`, side, context)
  return { key, value, target: { key: target('key', key), value: target('value', value) } }
}

export function closeConverters({ key, value, target }: TaskConverters): void {
  for (const { converter } of new Set([key, value, target.key, target.value])) converter.close?.()
}

function openOne(raw: RawConfig, name: string, side: SideName, context: OpenContext): NamedConverter {
  const plugin = converterOf(raw, name)
  const config = plugin.config.read(withPrefix(raw, `${name}.`), `${name}.`)
  const own = context.log.child({ converter: name })
  logIgnored(plugin.config, raw, own, `${name}.`)
  try {
    return { name: plugin.name, converter: plugin.open(config, { ...context, side, log: own }) }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new ConfigError(error.problems.map((problem) => ({ ...problem, path: `${name}.${problem.path}` })))
  }
}
