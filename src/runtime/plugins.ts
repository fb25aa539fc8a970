import { connectors } from '../../connectors/index.ts'
import { transforms } from '../../transforms/index.ts'
import { converters, findConverterPlugin } from '../converters/index.ts'
import type { SideName } from '../api/batch.ts'
import type { ConverterPlugin } from '../api/converter.ts'
import { NotFoundError } from '../api/errors.ts'
import type { SinkConnector, SourceConnector, TransformPlugin } from '../api/plugins.ts'

/**
 * Looks plugins up by the names that configurations use. The lists are static: a config value is compared with
 * names and never becomes code (invariant 8).
 */
export function findConnector(className: string): SinkConnector | SourceConnector {
  return (
    connectors.find((plugin) => plugin.name === className) ??
    unknown(
      'connector',
      className,
      connectors.map((plugin) => plugin.name),
    )
  )
}

export interface FoundTransform {
  readonly plugin: TransformPlugin
  readonly side: SideName
}

/** `ScoreH2OGbm$Value` works on values, `ScoreH2OGbm$Key` on keys. */
export function findTransform(className: string): FoundTransform {
  const [name, suffix] = className.split('$')
  const plugin = transforms.find((each) => each.name === name)
  if (plugin === undefined || (suffix !== 'Key' && suffix !== 'Value')) {
    return unknown('transform', className, transforms.flatMap(transformClasses))
  }
  return { plugin, side: suffix === 'Key' ? 'key' : 'value' }
}

/** The class names under which a transform is known. */
export function transformClasses(plugin: TransformPlugin): readonly string[] {
  return [`${plugin.name}$Key`, `${plugin.name}$Value`]
}

export function findConverter(className: string): ConverterPlugin {
  return (
    findConverterPlugin(className) ??
    unknown(
      'converter',
      className,
      converters.map((plugin) => plugin.name),
    )
  )
}

/** Invariant 8: a name from a configuration is looked up in a list, and never imported. */
function unknown(kind: string, className: string, known: readonly string[]): never {
  throw new NotFoundError('plugin.unknown', `There is no ${kind} "${className}". Known: ${known.join(', ')}.`)
}

export { connectors, converters, transforms }
