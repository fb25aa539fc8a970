import type { CategoryColumn, Float64Column } from '../api/batch.ts'
import { ModelError } from '../api/errors.ts'
import type { Decision } from './loaded-model.ts'
import type { Manifest } from './manifest.ts'

interface Head {
  readonly width: number
  readonly head: 'probabilities' | 'sigmoid' | 'numbers'
}

/**
 * The labels of a network's outputs: the manifest's, or class0, class1 … where its last layer gives probabilities; none
 * where it is no classifier. A single sigmoid is one where the manifest says so. Throws `model.manifest`.
 */
export function networkLabels({ width, head }: Head, manifest: Manifest | null): readonly string[] {
  const labels = manifest?.postprocess?.labels
  const task = manifest?.task
  if (task !== undefined && task !== 'classification') {
    if (labels === undefined) return []
    throw wrong(`postprocess.labels is of no use where the task is ${task}`)
  }
  const classes = width === 1 ? 2 : width
  if (labels !== undefined) {
    if (labels.length === classes) return labels
    throw wrong(`postprocess.labels names ${labels.length} classes, but the model has ${classes}`)
  }
  const isClassifier = task === 'classification' || (head === 'probabilities' && width > 1)
  return isClassifier ? Array.from({ length: classes }, (_, i) => `class${i}`) : []
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
