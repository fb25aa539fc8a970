import type { CategoryColumn, Float64Column } from '../../api/batch.ts'
import { ModelError } from '../../api/errors.ts'
import type { Decision } from '../loaded-model.ts'
import type { Activation, Manifest } from '../manifest/manifest.ts'

/** What the outputs of a network are: probabilities of classes, or numbers. */
export type Head = 'probabilities' | 'sigmoid' | 'numbers'

/**
 * The labels of a network's outputs: the manifest's, or class0, class1 … where they are probabilities; none where it is no
 * classifier. A single sigmoid is one where the manifest says so. Throws `model.manifest`.
 */
export function networkLabels(
  { head, width }: { readonly head: Head; readonly width: number },
  manifest: Manifest | null,
): readonly string[] {
  const { activation, labels } = manifest?.postprocess ?? {}
  const task = manifest?.task
  if (task !== undefined && task !== 'classification') {
    if (labels !== undefined) throw wrong(`postprocess.labels is of no use where the task is ${task}`)
    if (activation !== undefined) throw wrong(`postprocess.activation is of no use where the task is ${task}`)
    return []
  }
  if (activation !== undefined) checkActivation(activation, head, width)
  const classes = width === 1 ? 2 : width
  if (labels !== undefined) {
    if (labels.length === classes) return labels
    throw wrong(`postprocess.labels names ${labels.length} classes, but the model has ${classes}`)
  }
  const isClassifier =
    task === 'classification' || activation !== undefined || (head === 'probabilities' && width > 1)
  return isClassifier ? Array.from({ length: classes }, (_, i) => `class${i}`) : []
}

function checkActivation(activation: Activation, head: Head, width: number): void {
  if (head !== 'numbers')
    throw wrong(`postprocess.activation says ${activation}, but the model gives probabilities already`)
  if (activation === 'softmax' && width === 1)
    throw wrong('postprocess.activation says softmax, but the model has one output only: say sigmoid')
}

/** What decides for a label where the manifest names no threshold: that of one output, the probability of the second class. */
export function networkDecision(width: number, labels: readonly string[]): Decision | null {
  const second = labels[1]
  return width === 1 && second !== undefined ? { threshold: 0.5, thresholdClass: second } : null
}

/** The probability of each class, from the outputs of a classifier: a single one is that of the second of two. */
export function classProbabilities(
  outputs: readonly Float64Column[],
  activation: Activation | undefined,
): readonly Float64Column[] {
  if (activation === 'softmax') softmax(outputs)
  if (activation === 'sigmoid')
    for (const { values } of outputs)
      values.forEach((value, row) => (values[row] = 1 / (1 + Math.exp(-value))))
  const [second] = outputs
  if (second === undefined || outputs.length > 1) return outputs
  return [{ ...second, values: second.values.map((value) => 1 - value) }, second]
}

/** In place. The largest number is taken from all, so that no exponential is infinite. */
function softmax(outputs: readonly Float64Column[]): void {
  const length = outputs[0]?.values.length ?? 0
  for (let row = 0; row < length; row++) {
    let largest = -Infinity
    for (const { values } of outputs) largest = Math.max(largest, values[row]!)
    let sum = 0
    for (const { values } of outputs) sum += values[row] = Math.exp(values[row]! - largest)
    for (const { values } of outputs) values[row] = values[row]! / sum
  }
}

function wrong(what: string): ModelError {
  return new ModelError('model.manifest', `${what}. Correct the manifest.`)
}

/** The label of each row: by the threshold where there is one, else the first of the largest probabilities. */
export function decideLabel(
  classes: readonly Float64Column[],
  labels: readonly string[],
  decision: Decision | null,
): CategoryColumn {
  const length = classes[0]?.values.length ?? 0
  const levels = new Int32Array(length)
  const decisive = decision === null ? -1 : labels.indexOf(decision.thresholdClass)
  for (let row = 0; row < length; row++) {
    if (decision !== null && decisive >= 0) {
      const isOver = (classes[decisive]?.values[row] ?? NaN) >= decision.threshold
      levels[row] = isOver ? decisive : 1 - decisive
      continue
    }
    let best = 0
    for (let k = 1; k < classes.length; k++) {
      if (classes[k]!.values[row]! > classes[best]!.values[row]!) best = k
    }
    levels[row] = best
  }
  return { type: 'category', levels, domain: labels }
}
