import type { RawConfig } from '../../api/config.ts'
import type { SideName } from '../../api/batch.ts'
import type { ConfigProblem } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import type { Schema } from '../../api/schema.ts'
import type { Link, TransformChain } from './chain.ts'
import { topicList } from '../sink/read-topics.ts'
import type { TaskConverters } from '../host/task-converters.ts'

interface OpenPlugins {
  readonly chain: TransformChain
  readonly converters: TaskConverters
}

interface Surroundings {
  /** Gives the topics that `topics.regex` of a sink matches. */
  readonly matching: () => Promise<readonly string[]>
  /** Gets what is no problem, and may be a mistake all the same. */
  readonly log: Logger
}

/** What is known of a side before any record is read. */
interface Known {
  /** Null where it is not known. */
  readonly schema: Schema | null
  /** The fields that transforms have added, whatever is known of the others, and which did. */
  readonly added: ReadonlyMap<string, string>
}
type Sides = Readonly<Record<SideName, Known>>

const known = (schema: Schema | null): Known => ({ schema, added: new Map() })
const UNKNOWN: Sides = { key: known(null), value: known(null) }

/**
 * Follows the schema of each topic through the transforms, as far as it is known before a record is read, and gives what
 * would fail every record. Where a converter knows no schema (other formats, no subject yet, a registry that does not
 * answer) the check begins at the first transform that gives one.
 */
export async function checkSchemas(
  { chain, converters }: OpenPlugins,
  config: RawConfig,
  { matching, log }: Surroundings,
): Promise<ConfigProblem[]> {
  const checked = new Set(
    chain.links
      .filter(({ condition }) => condition === undefined)
      .filter(({ transform }) => transform.checkSchema !== undefined || transform.adds !== undefined)
      .map(({ side }) => side),
  )
  if (checked.size === 0) return []
  const ask = async (side: SideName, topic: string): Promise<Schema | null> =>
    checked.has(side) ? ((await converters[side].converter.topicSchema?.(topic)) ?? null) : null
  const topics = topicList(config)
  const found = await Promise.all(
    (topics.length > 0 ? topics : await matching()).map(async (topic) => {
      const [key, value] = await Promise.all([ask('key', topic), ask('value', topic)])
      return follow(chain.links, { key: known(key), value: known(value) }, `Topic ${topic}`, log)
    }),
  )
  return found.length > 0 ? found.flat() : follow(chain.links, UNKNOWN, 'Records', log)
}

function follow(links: readonly Link[], start: Sides, origin: string, log: Logger): ConfigProblem[] {
  let sides = start
  return links.flatMap((link): ConfigProblem[] => {
    const { alias, side, transform, condition } = link
    // What some records get, and others not, says nothing of all of them.
    if (condition !== undefined) {
      if (!addsNothing(transform)) sides = UNKNOWN
      return []
    }
    const before = sides[side]
    const check = transform.checkSchema?.(before.schema)
    // A transform that says nothing may do anything, to both sides.
    const saysNothing = check === undefined && transform.adds === undefined
    sides = saysNothing ? UNKNOWN : { ...sides, [side]: after(link, before, check?.schema) }
    for (const reason of check?.warnings ?? [])
      log.warn('a transform may lack something', {
        transform: alias,
        reason: `${origin} (${side}): ${reason}`,
      })
    return [...(check?.problems ?? []), ...collisions(link, before)].map(({ path, message }) => ({
      path: `transforms.${alias}.${path}`,
      message: `${origin} (${side}): ${message}`,
    }))
  })
}

/** Whether keys and values stay as they are: it drops records, or changes their topic, timestamp or headers. */
function addsNothing(transform: Link['transform']): boolean {
  return transform.adds?.length === 0 && transform.checkSchema === undefined
}

/** `given` is what a transform says of the schema itself. */
function after({ alias, transform }: Link, before: Known, given: Schema | null | undefined): Known {
  const schema = given === undefined ? before.schema : given
  const { adds } = transform
  if (adds === undefined) return given === undefined ? before : known(schema)
  const added = new Map([...before.added, ...adds.map(({ name }) => [name, alias] as const)])
  if (schema?.fields === undefined) return { schema, added }
  const names = new Set(schema.fields.map(({ name }) => name))
  const fields = [...schema.fields, ...adds.filter(({ name }) => !names.has(name))]
  return { schema: { ...schema, fields }, added }
}

/** Fields that a transform would add, and that are there already. */
function collisions({ alias, transform }: Link, { schema, added }: Known): ConfigProblem[] {
  const names = (transform.adds ?? []).map(({ name }) => name)
  const there = new Set(schema?.fields?.map(({ name }) => name))
  const problem = (message: string): ConfigProblem => ({ path: 'type', message })
  const byOther = Map.groupBy(
    names.filter((name) => added.has(name)),
    (name) => added.get(name),
  )
  return [
    ...Array.from(byOther, ([other, twice]) =>
      problem(
        `transforms ${other} and ${alias} both add ${twice.join(', ')}. Give one of them other names or a prefix.`,
      ),
    ),
    ...names
      .filter((name) => there.has(name) && !added.has(name))
      .map((name) =>
        problem(
          `the field ${name}, which would be added, is in the schema already. Choose another name or prefix.`,
        ),
      ),
  ]
}
