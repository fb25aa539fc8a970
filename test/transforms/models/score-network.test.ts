import { expect } from 'chai'
import { describe, it } from 'mocha'
import path from 'node:path'
import {
  type ConnectError,
  type ExampleRecord,
  OPTIONAL_FLOAT64,
  type Schema,
  SILENT,
  struct,
  type TransformPlugin,
  type Value,
} from '../../../src/index.ts'
import { ModelStore } from '../../../src/inference/store/model-store.ts'
import { classifyIris } from '../../../transforms/models/classify-iris.ts'
import { flower, flowerSchema, FLOWER } from '../../../transforms/examples/iris-flowers.ts'
import { kerasPredict } from '../../../transforms/models/keras-predict.ts'
import { scoreDl4j } from '../../../transforms/models/score-dl4j.ts'
import { scoreOnnx } from '../../../transforms/models/score-onnx.ts'
import { batchOf } from '../../support/example-batch.ts'
import { NETWORKS } from '../../support/network-fixtures.ts'

const store = new ModelStore({
  modelsDir: path.resolve(import.meta.dirname, '../../../models'),
  allowedDirs: [NETWORKS],
  log: SILENT,
})
const fixture = (name: string) => path.join(NETWORKS, name)

async function apply(
  plugin: TransformPlugin,
  config: Record<string, string>,
  records: readonly ExampleRecord[],
  side: 'key' | 'value' = 'value',
) {
  const transform = await plugin.open(plugin.config.read(config), { side, models: store, log: SILENT })
  return transform.apply(batchOf(records))
}

async function rejection(promise: Promise<unknown>): Promise<ConnectError> {
  return promise.then(
    () => expect.fail('it was opened'),
    (error: unknown) => error as ConnectError,
  )
}

const of = (value: Value) => value as Readonly<Record<string, Value>>

describe('transforms that score with networks', () => {
  it('score a whole batch: good rows beside bad ones', async () => {
    const good = flower([4.7, 3.2, 1.3, 0.2])
    const records = Array.from({ length: 300 }, (_, i) => {
      return { valueSchema: FLOWER, value: i % 3 === 1 ? flower([1, null, 1, 1]) : good }
    })
    for (const [plugin, model] of [
      [scoreDl4j, 'iris-dl4j'],
      [scoreOnnx, 'iris-onnx'],
    ] as const) {
      const result = await apply(plugin, { model }, records)
      records.forEach((_, row) => {
        if (row % 3 === 1) expect(result.failure(row)?.code).to.equal('record.value')
        else expect(of(result.value('value', row))['prediction']).to.equal('setosa')
      })
    }
  })

  it('score keys', async () => {
    const record = { keySchema: FLOWER, key: flower([4.7, 3.2, 1.3, 0.2]) }
    const result = await apply(classifyIris, { model: 'iris-dl4j' }, [record], 'key')
    expect(of(result.value('key', 0))['prediction']).to.equal('setosa')
    expect(result.value('value', 0)).to.equal(null)
  })

  it('score schemaless records', async () => {
    const result = await apply(scoreOnnx, { model: 'iris-onnx' }, [{ value: flower([4.7, 3.2, 1.3, 0.2]) }])
    expect(of(result.value('value', 0))['prediction']).to.equal('setosa')
  })

  it('give a regression as its prediction, and a vector by the names of its outputs', async () => {
    const schema = flowerSchema(['f0', 'f1', 'f2'])
    const record = { valueSchema: schema, value: flower([5, 3, 1.5], ['f0', 'f1', 'f2']) }
    const regression = await apply(scoreOnnx, { model: fixture('onnx/regression.onnx') }, [record])
    expect(Object.keys(of(regression.value('value', 0)))).to.deep.equal([
      'f0',
      'f1',
      'f2',
      'prediction',
      'model_version',
    ])
    const vector = await apply(scoreOnnx, { model: fixture('onnx/vector.onnx') }, [record])
    expect(Object.keys(of(vector.value('value', 0)))).to.include.members(['variable0', 'variable1'])
  })

  it('take texts and whole numbers where a graph does', async () => {
    const field = (name: string, type: Schema['type']) => ({ name, schema: { type, optional: true } })
    const valueSchema: Schema = {
      type: 'STRUCT',
      optional: false,
      fields: [field('length', 'FLOAT64'), field('count', 'INT64'), field('kind', 'STRING')],
    }
    const records = ['wide', 'never seen', null].map((kind) => ({
      valueSchema,
      value: struct({ length: 5.5, count: 63n, kind }),
    }))
    const result = await apply(scoreOnnx, { model: fixture('onnx/fields.onnx') }, records)
    expect(of(result.value('value', 0))['prediction']).to.equal('1')
    expect([1, 2].map((row) => result.failure(row)?.code)).to.deep.equal(['record.value', 'record.value'])
  })

  it('take an array as the vector of a model of several numbers', async () => {
    const valueSchema: Schema = {
      type: 'STRUCT',
      optional: false,
      fields: [
        {
          name: 'v',
          schema: { type: 'ARRAY', optional: true, valueSchema: { type: 'FLOAT64', optional: true } },
        },
      ],
    }
    const arrays = [[1, 2, 3, 4], [1, 2], [1, 2, 3, null], null, [1, 2, 3, 4]]
    const records = arrays.map((v) => ({ valueSchema, value: struct({ v }) }))
    const result = await apply(kerasPredict, { model: fixture('keras/mlp.keras'), fields: 'v' }, records)
    expect(arrays.map((_, row) => result.failure(row)?.code)).to.deep.equal([
      undefined,
      'record.field',
      'record.field',
      'record.value',
      undefined,
    ])
    expect(of(result.value('value', 0))['p_class0']).to.be.a('number')
    expect(result.value('value', 0)).to.deep.equal(result.value('value', 4))
  })

  it('refuse a model of another kind', async () => {
    for (const [plugin, model] of [
      [scoreDl4j, 'iris-onnx'],
      [kerasPredict, 'iris-dl4j'],
      [scoreOnnx, 'digits-keras'],
      [classifyIris, fixture('dl4j/regression.zip')],
    ] as const) {
      expect((await rejection(apply(plugin, { model }, []))).code).to.equal('model.unsupported')
    }
  })

  it('refuse fields of another number than the model has columns', async () => {
    const error = await rejection(apply(scoreDl4j, { model: 'iris-dl4j', fields: 'a,b,c' }, []))
    expect([error.code, error.message.includes('3 fields')]).to.deep.equal(['config.invalid', true])
  })

  it('a field that is not there fails the record', async () => {
    const valueSchema: Schema = {
      type: 'STRUCT',
      optional: false,
      fields: [{ name: 'x', schema: OPTIONAL_FLOAT64 }],
    }
    const result = await apply(scoreDl4j, { model: 'iris-dl4j' }, [{ valueSchema, value: struct({ x: 1 }) }])
    expect(result.failure(0)?.code).to.equal('record.field')
  })
})
