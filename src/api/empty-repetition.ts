import type { Boundary, Group, Item } from './possessive.ts'

/**
 * The repetition of a group that can match nothing and that RE2 runs otherwise than Java; undefined where there is none.
 * Java leaves the repetition as soon as the group has matched nothing; RE2 tries what else the group could match. That is
 * the same only where the group prefers to match something, and where no group within keeps what it matched last.
 */
export function emptyRepetition(group: Group): string | undefined {
  for (const item of itemsOf(group)) {
    if (item.group === undefined) continue
    const inside = emptyRepetition(item.group)
    if (inside !== undefined) return inside
    if (item.most > 1 && canBeEmpty(item.group) && !isGreedy(item.group)) return item.quantifier
  }
  return undefined
}

const itemsOf = (group: Group): Item[] =>
  group.alternatives.flat().filter((item): item is Item => typeof item !== 'string')

const canBeEmpty = ({ alternatives }: Group): boolean =>
  alternatives.some((alternative) => alternative.every(isEmptyItem))

const isEmptyItem = (item: Item | Boundary): boolean =>
  typeof item === 'string' || item.isOptional || (item.group !== undefined && canBeEmpty(item.group))

/** Neither a choice nor a lazy repetition within, and nothing that is captured. */
const isGreedy = (group: Group): boolean =>
  !group.captures &&
  group.alternatives.length === 1 &&
  itemsOf(group).every((item) => !item.isLazy && (item.group === undefined || isGreedy(item.group)))
