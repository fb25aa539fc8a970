import type { TaskId } from '../../runtime/host/protocol.ts'

/** Connectors and tasks to run. */
export interface Work {
  readonly connectors: readonly string[]
  readonly tasks: readonly TaskId[]
}

/** As on the wire: the task number that stands for the connector itself. */
const CONNECTOR = -1

/** Connectors and tasks alike, each once, by a key of its own; in the order in which they were put in. */
export type Items = ReadonlyMap<string, TaskId>

export const NO_ITEMS: Items = new Map()

export function itemsOf({ connectors, tasks }: Work): Items {
  const ids = [...connectors.map((connector) => ({ connector, task: CONNECTOR })), ...tasks]
  return new Map(ids.map((id) => [keyOf(id), id]))
}

export function keyOf({ connector, task }: TaskId): string {
  return `${connector}/${task}`
}

export function workOf(items: Items): Work {
  const ids = [...items.values()]
  return {
    connectors: ids.filter(isConnector).map(({ connector }) => connector),
    tasks: ids.filter((id) => !isConnector(id)),
  }
}

/** The two kinds, which are shared out each by itself. */
export const KINDS: readonly ((id: TaskId) => boolean)[] = [isConnector, (id) => !isConnector(id)]

function isConnector({ task }: TaskId): boolean {
  return task === CONNECTOR
}

export function union(sets: Iterable<Items>): Items {
  return new Map([...sets].flatMap((items) => [...items]))
}

export function minus(items: Items, ...others: readonly Items[]): Items {
  return new Map([...items].filter(([key]) => !others.some((other) => other.has(key))))
}

export function common(items: Items, other: Items): Items {
  return new Map([...items].filter(([key]) => other.has(key)))
}

/** By connector and task number: what is shared out next does not depend on who asked first. */
export function sorted(items: Items): TaskId[] {
  return [...items.values()].toSorted((a, b) => compareText(a.connector, b.connector) || a.task - b.task)
}

/** By UTF-16 code units, as Java's String.compareTo. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
