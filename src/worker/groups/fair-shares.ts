import type { TaskId } from '../../runtime/host/protocol.ts'
import { compareText, type Items, keyOf, KINDS, NO_ITEMS } from './work-items.ts'

/** What one member runs, or is to run. */
export interface Load {
  readonly memberId: string
  readonly items: Map<string, TaskId>
}

/** The members that have tried to run something, and do not have its plugin. */
export type Unable = (id: TaskId) => ReadonlySet<string>

/**
 * What members run without its plugin, by member, where another one may have that. What nobody has stays where it is: it
 * would go round and round.
 */
export function misplaced(loads: readonly Load[], unable: Unable): Map<string, Items> {
  const canMove = (id: TaskId, memberId: string): boolean =>
    unable(id).has(memberId) && loads.some((load) => !unable(id).has(load.memberId))
  const found = loads.map(({ memberId, items }): [string, Items] => {
    return [memberId, new Map([...items].filter(([, id]) => canMove(id, memberId)))]
  })
  return new Map(found.filter(([, items]) => items.size > 0))
}

/**
 * What is above a fair share, by member: nobody runs more connectors, nor more tasks, than an even distribution of all
 * that is configured would give it. Members are asked in the order given; what a member named first goes first. What
 * some members are unable to run counts, and goes only where another one would take it.
 */
export function surplus(configured: Items, loads: readonly Load[], unable: Unable): Map<string, Items> {
  const above = new Map<string, Items>()
  for (const isKind of KINDS) {
    const total = count(configured, isKind)
    for (const [memberId, items] of surplusOf(isKind, total, loads, unable)) {
      above.set(memberId, new Map([...(above.get(memberId) ?? NO_ITEMS), ...items]))
    }
  }
  return above
}

function surplusOf(
  isKind: (id: TaskId) => boolean,
  total: number,
  loads: readonly Load[],
  unable: Unable,
): [string, Items][] {
  const fair = Math.floor(total / loads.length)
  let extras = total % loads.length
  const takers = loads.filter(({ items }) => count(items, isKind) < fair)
  const canMove = (id: TaskId): boolean =>
    unable(id).size === 0 || takers.some(({ memberId }) => !unable(id).has(memberId))
  return loads.flatMap(({ memberId, items }): [string, Items][] => {
    const own = [...items].filter(([, id]) => isKind(id))
    const allowed = own.length > fair && extras-- > 0 ? fair + 1 : fair
    if (own.length <= allowed) return []
    const moves = own.filter(([, id]) => canMove(id)).slice(0, own.length - allowed)
    return moves.length > 0 ? [[memberId, new Map(moves)]] : []
  })
}

/** Gives each to one of those with the least of its kind that are able to run it: by their load at first, then by id. */
export function deal(ids: readonly TaskId[], loads: readonly Load[], unable: Unable): void {
  if (loads.length === 0) return
  for (const isKind of KINDS) {
    const takers = loads
      .map((load) => ({ load, size: count(load.items, isKind) }))
      .toSorted((a, b) => a.size - b.size || compareText(a.load.memberId, b.load.memberId))
    for (const id of ids.filter(isKind)) {
      const able = takers.filter(({ load }) => !unable(id).has(load.memberId))
      const among = able.length > 0 ? able : takers
      const least = among.reduce((best, taker) => (taker.size < best.size ? taker : best))
      give(least.load, id)
      least.size++
    }
  }
}

/** Gives to these members in turn, whatever they run. */
export function dealInTurn(ids: readonly TaskId[], loads: readonly Load[]): void {
  for (const isKind of KINDS) {
    for (const [turn, id] of ids.filter(isKind).entries()) {
      const load = loads[turn % loads.length]
      if (load !== undefined) give(load, id)
    }
  }
}

function give({ items }: Load, id: TaskId): void {
  items.set(keyOf(id), id)
}

function count(items: Items, isKind: (id: TaskId) => boolean): number {
  return [...items.values()].filter(isKind).length
}
