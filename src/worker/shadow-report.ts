import { addSums, type ShadowSummary, type ShadowSums, summarise } from '../api/shadows.ts'
import type { ShownElsewhere, TaskShown } from './shared/shown-elsewhere.ts'

type Of<T> = T & { readonly transform: string }

/** How the shadow models of a connector compare with those that serve: all its tasks together, then each alone. */
export interface ShadowReport {
  readonly connector: string
  readonly shadows: readonly Of<ShadowSummary>[]
  readonly tasks: readonly (Of<ShadowSummary> & { readonly task: number })[]
  /** Workers (`host:port`) that have tasks of the connector and did not answer: their figures are missing. */
  readonly unanswered?: readonly string[]
}

/** Figures of other versions of a model, as during a replacement, stay apart. */
export function shadowReport(
  connector: string,
  here: readonly TaskShown[],
  elsewhere: ShownElsewhere = { shown: [], unanswered: [] },
): ShadowReport {
  const total = new Map<string, Of<ShadowSums>>()
  const shown = [...here, ...elsewhere.shown].toSorted((a, b) => a.task - b.task)
  const tasks = shown.flatMap(({ task, transform, figures }) =>
    // What transforms show under this name is theirs.
    (figures as unknown as readonly ShadowSums[]).map((sums) => {
      const key = JSON.stringify([transform, sums.model, sums.version, sums.serving])
      const before = total.get(key)
      total.set(key, { transform, ...(before === undefined ? sums : addSums(before, sums)) })
      return { task, transform, ...summarise(sums) }
    }),
  )
  const shadows = [...total.values()].map((sums) => ({ transform: sums.transform, ...summarise(sums) }))
  const { unanswered } = elsewhere
  return { connector, shadows, tasks, ...(unanswered.length === 0 ? {} : { unanswered }) }
}
