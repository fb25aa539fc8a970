import { withPrefix, type RawConfig } from '../../api/config.ts'
import type { ConfigProblem } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import { eachRecord } from '../../api/map-records.ts'
import type { Predicate } from '../../api/plugins.ts'
import type { Batch } from '../records/batch.ts'
import { type CommonConfig, commonKeys, conditionKeys } from '../plugins/connector-keys.ts'
import { predicateOf } from '../plugins/configured-plugins.ts'

/** Which records a transform is for: those that match its predicate, or with `negate` those that do not. */
export interface Condition {
  /** The predicate's plugin. */
  readonly name: string
  readonly predicate: Predicate
  readonly negate: boolean
}

/** The condition of a transform, where it has one. */
export async function openCondition(
  raw: RawConfig,
  transform: string,
  log: Logger,
): Promise<Condition | undefined> {
  const { predicate: alias, negate } = conditionKeys.read(
    withPrefix(raw, `transforms.${transform}.`),
    `transforms.${transform}.`,
  )
  if (alias === undefined) return undefined
  const prefix = `predicates.${alias}.`
  const plugin = predicateOf(raw, alias)
  const config = plugin.config.read(withPrefix(raw, prefix), prefix)
  const predicate = await plugin.open(config, { log: log.child({ predicate: alias }) })
  return { name: plugin.name, predicate, negate }
}

/** Hides the rows of a batch that a transform is not for, and returns them. A predicate that throws fails its row. */
export function holdOthers({ name, predicate, negate }: Condition, batch: Batch): readonly number[] {
  batch.states.enter('TRANSFORMATION', name)
  const matches = predicate.matches(batch)
  const others: number[] = []
  eachRecord(batch, (row) => {
    if (matches(row) === negate) others.push(row)
  })
  batch.states.hold(others)
  return others
}

/** What is wrong between transforms and predicates, in Kafka Connect's words where it has any. */
export function conditionProblems(raw: RawConfig): ConfigProblem[] {
  // Either is missing where it is wrong itself.
  const { transforms = [], predicates } = commonKeys.parse(raw).values as Partial<CommonConfig>
  return transforms.flatMap((alias): ConfigProblem[] => {
    const path = `transforms.${alias}.predicate`
    const negate = `transforms.${alias}.negate`
    const name = raw[path]?.trim()
    if (name === undefined) {
      if (raw[negate] === undefined) return []
      const message = `Config '${negate}' was provided but there is no config '${path}' defining a predicate to be negated.`
      return [{ path: `transforms.${alias}.type`, message }]
    }
    if (predicates === undefined || predicates.includes(name)) return []
    const known = predicates.length === 0 ? 'there are none' : `they are ${predicates.join(', ')}`
    const message = `Invalid value ${name} for configuration ${path}: "predicates" does not name it; ${known}.`
    return [{ path, message }]
  })
}

/** Predicates that no transform names: no problem, and perhaps a mistake. */
export function unusedPredicates(raw: RawConfig): string[] {
  const { transforms = [], predicates = [] } = commonKeys.parse(raw).values as Partial<CommonConfig>
  const used = new Set(transforms.map((alias) => raw[`transforms.${alias}.predicate`]?.trim()))
  return predicates.filter((alias) => !used.has(alias))
}
