import {
  type Column,
  type Float64Column,
  type Model,
  ModelError,
  type ModelInput,
  type Models,
  type Scores,
} from '../../src/index.ts'

export const numeric = (name: string, required = true): ModelInput => ({ name, type: 'numeric', required })

export function numbers(values: Iterable<number>): Float64Column {
  const all = Float64Array.from(values)
  return { type: 'float64', values: all, present: new Uint8Array(all.length).fill(1) }
}

/** The numbers of a model's first column. */
export function firstOf(columns: readonly unknown[]): Float64Array {
  const [column] = columns as readonly Column[]
  if (column?.type !== 'float64') throw new Error('a column of numbers is expected')
  return column.values
}

/** Classifies by its first column: the probability of YES is that number. */
export function classifier(name: string, changes: Partial<Model> = {}): Model {
  const model: Model = {
    name,
    version: '1',
    format: 'h2o-mojo',
    algorithm: 'gbm',
    task: 'classification',
    labels: ['NO', 'YES'],
    outputs: ['NO', 'YES'],
    inputs: [numeric('x')],
    score: (columns) => yesOrNo(firstOf(columns), model.labels),
    ...changes,
  }
  return model
}

/** The scores of a classifier that says YES with these probabilities. */
export function yesOrNo(yes: Float64Array, labels: readonly string[]): Scores {
  const at = labels.indexOf('YES')
  return {
    prediction: {
      type: 'category',
      domain: labels,
      levels: Int32Array.from(yes, (p) => (p >= 0.5 ? at : 1 - at)),
    },
    outputs: labels.map((_, k) => numbers(yes.map((p) => (k === at ? p : 1 - p)))),
  }
}

/** Says how unusual a record is by its first column. */
export function detector(name: string, threshold: number | undefined, changes: Partial<Model> = {}): Model {
  return classifier(name, {
    task: 'anomaly',
    algorithm: 'autoencoder',
    labels: [],
    outputs: ['reconstructionError'],
    threshold,
    score: (columns) => ({ prediction: numbers(firstOf(columns)), outputs: [numbers(firstOf(columns))] }),
    ...changes,
  })
}

export function modelsOf(...models: readonly Model[]): Models {
  return {
    load: (reference) => {
      const found = models.find(({ name }) => name === reference)
      return found === undefined
        ? Promise.reject(new ModelError('model.missing', `There is no model ${reference}.`))
        : Promise.resolve(found)
    },
  }
}
