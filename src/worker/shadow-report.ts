import { addSums, type ShadowSummary, type ShadowSums, summarise } from '../api/shadows.ts'
import type { Shown } from '../runtime/host/protocol.ts'

type Of<T> = T & { readonly transform: string }

/** How the shadow models of a connector compare with those that serve: all its tasks together, then each alone. */
export interface ShadowReport {
  readonly connector: string
  readonly shadows: readonly Of<ShadowSummary>[]
  readonly tasks: readonly (Of<ShadowSummary> & { readonly task: number })[]
}

/** Figures of other versions of a model, as during a replacement, stay apart. */
export function shadowReport(
  connector: string,
  shown: readonly (Shown & { readonly task: number })[],
): ShadowReport {
  const total = new Map<string, Of<ShadowSums>>()
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
  return { connector, shadows, tasks }
}
