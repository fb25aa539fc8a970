import type { Model, RecordBatch, Scores, ShadowSums, SideName } from 'sluice'
import { nameOf } from './model-choice.ts'
import { isScored } from './model-fields.ts'

/** A model, with the threshold above which it takes a record for an anomaly. */
export interface LabelRule {
  readonly model: Model
  readonly threshold: number | undefined
}

/** The scores of some rows of a batch. */
export interface Scored {
  readonly batch: RecordBatch
  readonly side: SideName
  /** The numbers of the rows in the batch. */
  readonly rows: ArrayLike<number>
  readonly scores: Scores
  /** Who scored a row. */
  readonly labelRuleOf: (row: number) => LabelRule
}

/** Columns of numbers that mean the same in two models, in pairs. */
type Pairs = readonly (readonly [ArrayLike<number>, ArrayLike<number>])[]

/** What a shadow model said, next to what the serving one said. */
export class ShadowTally {
  readonly sums: { -readonly [K in keyof ShadowSums]: ShadowSums[K] }
  readonly #models: readonly Model[]

  constructor(model: Model, serving: readonly Model[]) {
    this.#models = [model, ...serving]
    const names = { model: model.name, version: model.version, serving: serving.map(nameOf).join(', ') }
    const none = { rows: 0, notScored: 0, labelled: 0, equal: 0, compared: 0, difference: 0, largest: 0 }
    const times = { batches: 0, milliseconds: 0, servingMilliseconds: 0 }
    this.sums = { ...names, ...none, ...times, problem: null }
  }

  /** Whether it is these models that it compares. */
  isOf(model: Model, serving: readonly Model[]): boolean {
    const models = [model, ...serving]
    return models.length === this.#models.length && models.every((each, i) => each === this.#models[i])
  }

  /** Compares row by row. Returns which of the rows were compared: all others had nothing to be compared. */
  compare(serving: Scored, shadow: Scores, labelRule: LabelRule, detached: RecordBatch): Uint8Array {
    const { batch, side, rows, scores } = serving
    const pairs = pairsOf(serving, shadow, labelRule.model)
    const taken = new Uint8Array(rows.length)
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!
      if (!batch.isLive(row) || batch.isNull(side, row) || !isScored(scores, i)) continue
      if (!detached.isLive(row) || !this.#addRow(pairs, i)) {
        this.sums.notScored++
        this.sums.problem = detached.failure(row)?.message ?? 'The model gives no number for the record.'
        continue
      }
      taken[i] = 1
      const [served, said] = [labelOf(serving.labelRuleOf(row), scores, i), labelOf(labelRule, shadow, i)]
      if (served === null || said === null) continue
      this.sums.labelled++
      if (served === said) this.sums.equal++
    }
    return taken
  }

  /** The shadow failed as a whole. */
  fail({ batch, side, rows, scores }: Scored, problem: string): void {
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!
      if (batch.isLive(row) && !batch.isNull(side, row) && isScored(scores, i)) this.sums.notScored++
    }
    this.sums.problem = problem
  }

  /** Adds the differences of a row; false where it has one that is no number. */
  #addRow(pairs: Pairs, i: number): boolean {
    const { sums } = this
    let [sum, largest] = [0, 0]
    for (const [served, said] of pairs) {
      const difference = Math.abs(served[i]! - said[i]!)
      if (!Number.isFinite(difference)) return false
      sum += difference
      if (difference > largest) largest = difference
    }
    sums.rows++
    sums.compared += pairs.length
    sums.difference += sum
    if (largest > sums.largest) sums.largest = largest
    return true
  }
}

/** Classes by their labels, other outputs by their names, else the predictions. */
function pairsOf(serving: Scored, shadow: Scores, model: Model): Pairs {
  const { scores, rows } = serving
  const served = serving.labelRuleOf(rows[0] ?? 0).model
  if (model.task === 'classification' || model.task === 'vector') {
    const placeOf = new Map(model.outputs.map((name, k) => [name, k]))
    const pairs = served.outputs.flatMap((name, k) => {
      const place = placeOf.get(name)
      const [one, other] = [scores.outputs[k], place === undefined ? undefined : shadow.outputs[place]]
      return one === undefined || other === undefined ? [] : [[one.values, other.values] as const]
    })
    if (pairs.length > 0) return pairs
  }
  const { prediction } = shadow
  return scores.prediction.type === 'float64' && prediction.type === 'float64'
    ? [[scores.prediction.values, prediction.values]]
    : []
}

/** The label of a class, or whether the record is an anomaly; null where a model says neither. */
export function labelOf(
  { model, threshold }: LabelRule,
  { prediction }: Scores,
  i: number,
): string | boolean | null {
  if (prediction.type === 'category') return prediction.domain[prediction.levels[i]!] ?? null
  return model.task === 'anomaly' && threshold !== undefined ? prediction.values[i]! > threshold : null
}
