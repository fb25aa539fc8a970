import type { ModelColumn } from '../../api/batch.ts'
import type { Model, ModelInput } from '../../api/models.ts'
import type { LoadedModel } from '../loaded-model.ts'
import { toColumn } from '../probe.ts'
import { type Manifest, manifestError } from './manifest.ts'

/** What all numbers of a trial row are: a linear output leaves 0 to 1 on one of them. */
const TRIALS = [0, 1, -1, 10, -10]
/** Numbers of 16 bits are not exact. */
const TOLERANCE = 0.01

/**
 * Where a manifest makes classes of a network's numbers, they must be probabilities: logits would be compared with a
 * threshold of 0.5 and written as p_<class>. Throws `model.manifest` where a trial row gives something else.
 */
export async function checkProbabilities(
  model: Model,
  loaded: LoadedModel,
  { manifest, file }: { readonly manifest: Manifest; readonly file: string },
): Promise<void> {
  const { labels, activation } = manifest.postprocess ?? {}
  const isClaimed = labels !== undefined || manifest.task === 'classification'
  const decides = loaded.namesLabels === true || model.format.startsWith('h2o')
  if (model.task !== 'classification' || !isClaimed || activation !== undefined || decides) return
  const { outputs } = await model.score(model.inputs.map(trialColumn), TRIALS.length)
  const found = outputs.flatMap(({ values }) => [...values])
  const wrong = found.find((value) => value < -TOLERANCE || value > 1 + TOLERANCE)
  if (wrong === undefined) return
  const what = `the model gives ${wrong.toPrecision(3)} for a class, which is no probability; say "softmax" or "sigmoid"`
  throw manifestError(file, [`postprocess.activation: ${what}, or leave the labels and the task out`])
}

function trialColumn(input: ModelInput): ModelColumn {
  if (input.type !== 'tensor')
    return toColumn(input, input.type === 'numeric' ? TRIALS : TRIALS.map(() => input.domain?.[0] ?? ''))
  const shape = input.shape ?? []
  const size = shape.reduce((product, each) => product * each, 1)
  const data = Float64Array.from({ length: size * TRIALS.length }, (_, i) => TRIALS[Math.floor(i / size)]!)
  return { type: 'tensor', datatype: 'FP64', shape, data }
}
