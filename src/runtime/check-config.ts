import type { ConfigProblem, Schema, SideName } from '../index.ts'
import type { Link, RawConfig, TransformChain } from './chain.ts'
import { sinkKeys } from './connector-keys.ts'
import type { TaskConverters } from './task-converters.ts'

interface OpenPlugins {
  readonly chain: TransformChain
  readonly converters: TaskConverters
}

type Schemas = Readonly<Record<SideName, Schema | null>>

const UNKNOWN: Schemas = { key: null, value: null }

/**
 * Follows the schema of each topic through the transforms, as far as it is known before a record is read, and gives what
 * would fail every record. Where a converter knows no schema (other formats, no subject yet, a registry that does not
 * answer, topics by pattern) the check begins at the first transform that gives one.
 */
export async function checkSchemas(
  { chain, converters }: OpenPlugins,
  config: RawConfig,
): Promise<ConfigProblem[]> {
  const checked = new Set(
    chain.links.filter(({ transform }) => 'checkSchema' in transform).map(({ side }) => side),
  )
  if (checked.size === 0) return []
  const ask = async (side: SideName, topic: string): Promise<Schema | null> =>
    checked.has(side) ? ((await converters[side].converter.topicSchema?.(topic)) ?? null) : null
  const found = await Promise.all(
    sinkKeys.read(config).topics.map(async (topic) => {
      const [key, value] = await Promise.all([ask('key', topic), ask('value', topic)])
      return follow(chain.links, { key, value }, `Topic ${topic}`)
    }),
  )
  return found.length > 0 ? found.flat() : follow(chain.links, UNKNOWN, 'Records')
}

function follow(links: readonly Link[], start: Schemas, origin: string): ConfigProblem[] {
  let schemas = start
  return links.flatMap(({ alias, side, transform }): ConfigProblem[] => {
    const check = transform.checkSchema?.(schemas[side])
    // A transform that says nothing may do anything, to both sides.
    schemas = check === undefined ? UNKNOWN : { ...schemas, [side]: check.schema }
    return (check?.problems ?? []).map(({ path, message }) => ({
      path: `transforms.${alias}.${path}`,
      message: `${origin} (${side}): ${message}`,
    }))
  })
}
