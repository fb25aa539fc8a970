import { expect } from 'chai'
import { describe, it } from 'mocha'
import path from 'node:path'
import {
  ConfigError,
  type Model,
  type Models,
  SILENT,
  type TransformPlugin,
  type Value,
} from '../../../../src/index.ts'
import { ModelStore } from '../../../../src/inference/store/model-store.ts'
import { classifyIris } from '../../../../transforms/models/classify-iris.ts'
import { kerasPredict } from '../../../../transforms/models/keras-predict.ts'
import { scoreDl4j } from '../../../../transforms/models/score-dl4j.ts'
import { scoreH2oGbm } from '../../../../transforms/models/score-h2o-gbm.ts'
import { scoreOnnx } from '../../../../transforms/models/score-onnx.ts'
import { batchOf } from '../../../support/example-batch.ts'
import { classifier, detector, firstOf, modelsOf, yesOrNo } from '../../../support/fake-models.ts'
import { NETWORKS } from '../../../support/network-fixtures.ts'
import { row } from '../../../support/open-transform.ts'

/** A classifier of two labels, which says the second from 0.5 on. */
const of = (first: string, second: string): Model =>
  classifier('m', {
    labels: [first, second],
    outputs: ['NO', 'YES'],
    score: (columns) => {
      const { prediction, outputs } = yesOrNo(firstOf(columns), ['NO', 'YES'])
      return { prediction: { ...prediction, domain: [first, second] } as typeof prediction, outputs }
    },
  })

async function open(plugin: TransformPlugin, config: Readonly<Record<string, string>>, models: Models) {
  const values = plugin.config.read({ 'labels.type': 'integer', ...config })
  return plugin.open(values, { side: 'value', models, log: SILENT })
}

async function problemsOf(model: Model): Promise<readonly string[]> {
  const algorithm = model.task === 'anomaly' ? { algorithm: 'gbm' } : {}
  const reason: unknown = await open(scoreH2oGbm, { model: 'm' }, modelsOf({ ...model, ...algorithm })).catch(
    (error: unknown) => error,
  )
  expect(reason).to.be.instanceOf(ConfigError)
  return (reason as ConfigError).problems.map((problem) => `${problem.path}: ${problem.message}`)
}

describe('the labels of a classifier as integers', () => {
  for (const [first, second, type, values] of [
    ['0', '1', 'INT32', [0, 1]],
    ['-2147483648', '2147483647', 'INT32', [-2147483648, 2147483647]],
    ['0', '2147483648', 'INT64', [0n, 2147483648n]],
    ['-9223372036854775808', '9223372036854775807', 'INT64', [-(2n ** 63n), 2n ** 63n - 1n]],
  ] as const) {
    it(`${first} and ${second} are ${type}, in records that are scored; a null elsewhere`, async () => {
      const transform = await open(scoreH2oGbm, { model: 'm' }, modelsOf(of(first, second)))
      const batch = await transform.apply(batchOf([row(0.25), row(0.75), row(null), { value: null }]))
      const found = [0, 1].map(
        (i) => (batch.value('value', i) as Readonly<Record<string, Value>>)['prediction'],
      )
      expect(found).to.deep.equal(values)
      expect([2, 3].map((i) => batch.failure(i)?.code)).to.deep.equal(['record.value', undefined])
      const added = batch.schema('value', 0)?.fields?.find(({ name }) => name === 'prediction')
      expect(added?.schema).to.deep.equal({ type, optional: true, default: null })
      expect(transform.adds?.[0]?.schema).to.deep.equal(added?.schema)
    })
  }

  it('are named where they are no whole numbers, or would not stay apart', async () => {
    for (const odd of ['YES', '1.0', '01', '-0', '+1', ' 1', '', '9223372036854775808', '1e3']) {
      const [problem, ...others] = await problemsOf(of('0', odd))
      expect(others).to.deep.equal([])
      expect(problem).to.match(/^labels\.type: The model m has labels that are no whole numbers/)
      expect(problem).to.contain(`: ${JSON.stringify(odd)}. `)
    }
  })

  it('are refused where a model has none', async () => {
    const [problem] = await problemsOf({ ...detector('m', 1), format: 'h2o-mojo' })
    expect(problem).to.equal('labels.type: The model m is for anomaly, so that it has no labels.')
  })

  it('are texts where nobody asks, and nothing but string or integer may be asked for', async () => {
    const transform = await open(scoreH2oGbm, { model: 'm', 'labels.type': 'string' }, modelsOf(of('0', '1')))
    const batch = await transform.apply(batchOf([row(0.75)]))
    expect((batch.value('value', 0) as Readonly<Record<string, Value>>)['prediction']).to.equal('1')
    expect(scoreH2oGbm.config.read({ model: 'm' })['labels.type']).to.equal('string')
    expect(scoreH2oGbm.config.parse({ model: 'm', 'labels.type': 'int' }).problems).to.have.length(1)
  })

  it('are what every transform that scores gives, or refuses by the names of its labels', async () => {
    const store = new ModelStore({
      modelsDir: path.resolve(import.meta.dirname, '../../../../models'),
      allowedDirs: [NETWORKS],
      log: SILENT,
    })
    const numbered = path.join(NETWORKS, 'onnx/zipmap-numbers.onnx')
    for (const [plugin, model] of [
      [scoreOnnx, numbered],
      [kerasPredict, 'digits-keras'],
    ] as const)
      expect((await open(plugin, { model }, store)).adds?.[0]?.schema.type).to.equal('INT32')
    for (const [plugin, model] of [
      [classifyIris, 'iris-dl4j'],
      [scoreDl4j, 'iris-dl4j'],
      [scoreOnnx, 'iris-onnx'],
      [scoreH2oGbm, 'airline-delay'],
    ] as const) {
      const reason: unknown = await open(plugin, { model }, store).catch((error: unknown) => error)
      expect(String(reason), model).to.match(/labels\.type: .*"(setosa|NO)"/)
    }
  })
})
