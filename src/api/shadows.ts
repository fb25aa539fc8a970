/** What a transform shows under `shadows` for each of its shadow models: sums, so that those of several tasks add up. */
export interface ShadowSums {
  readonly model: string
  readonly version: string
  /** The models that it is compared with, each with its version. */
  readonly serving: string
  /** Records that both have scored. */
  readonly rows: number
  /** Records that only the serving model has scored. */
  readonly notScored: number
  /** Records for which both said a label or a flag, and how many of them were the same. */
  readonly labelled: number
  readonly equal: number
  /** Absolute differences between outputs: how many, their sum, the largest. */
  readonly compared: number
  readonly difference: number
  readonly largest: number
  readonly batches: number
  readonly milliseconds: number
  readonly servingMilliseconds: number
  /** Why a record was not scored, the last time that one was not. */
  readonly problem: string | null
}

/** The same for people, as REST and the log show it; a share or a mean of nothing is null. */
export interface ShadowSummary {
  readonly model: string
  readonly version: string
  readonly serving: string
  readonly rows: number
  readonly not_scored: number
  readonly equal_labels: number | null
  readonly mean_difference: number | null
  readonly largest_difference: number | null
  readonly batches: number
  /** Of a batch. */
  readonly mean_ms: number | null
  readonly serving_mean_ms: number | null
  readonly problem: string | null
}

export function summarise(sums: ShadowSums): ShadowSummary {
  const { model, version, serving, rows, notScored, compared, batches, problem } = sums
  const mean = (sum: number, count: number): number | null => (count === 0 ? null : sum / count)
  return {
    model,
    version,
    serving,
    rows,
    not_scored: notScored,
    equal_labels: mean(sums.equal, sums.labelled),
    mean_difference: mean(sums.difference, compared),
    largest_difference: compared === 0 ? null : sums.largest,
    batches,
    mean_ms: mean(sums.milliseconds, batches),
    serving_mean_ms: mean(sums.servingMilliseconds, batches),
    problem,
  }
}

/** The sums of one shadow model in two tasks, as one. */
export function addSums(a: ShadowSums, b: ShadowSums): ShadowSums {
  return {
    ...a,
    rows: a.rows + b.rows,
    notScored: a.notScored + b.notScored,
    labelled: a.labelled + b.labelled,
    equal: a.equal + b.equal,
    compared: a.compared + b.compared,
    difference: a.difference + b.difference,
    largest: Math.max(a.largest, b.largest),
    batches: a.batches + b.batches,
    milliseconds: a.milliseconds + b.milliseconds,
    servingMilliseconds: a.servingMilliseconds + b.servingMilliseconds,
    problem: a.problem ?? b.problem,
  }
}
