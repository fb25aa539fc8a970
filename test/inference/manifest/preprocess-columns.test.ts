import { expect } from 'chai'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { SILENT, struct, type Value } from '../../../src/index.ts'
import type { ReadyModel } from '../../../src/inference/store/load-model.ts'
import { encodeGraph } from '../../../src/inference/engines/onnx-graph.ts'
import { ModelStore } from '../../../src/inference/store/model-store.ts'
import { toColumn } from '../../../src/inference/probe.ts'
import { scoreOnnx } from '../../../transforms/models/score-onnx.ts'
import { batchOf } from '../../support/example-batch.ts'
import { FIXTURES } from '../../support/model-fixtures.ts'
import { manifestRefusal, openFolder, openWith, writeModel } from '../../support/model-folder.ts'
import { largestDifference, NETWORKS, type Rows } from '../../support/network-fixtures.ts'

const FOLDER = path.join(NETWORKS, 'preprocess')
interface Table {
  readonly records: readonly Readonly<Record<string, string | number | null>>[]
  readonly output: Rows
}
const ORACLE = JSON.parse(readFileSync(path.join(FOLDER, 'oracle.json'), 'utf8')) as {
  readonly table: Table
}
const file = (name: string) => ({ file: 'm.onnx', bytes: readFileSync(path.join(FOLDER, `${name}.onnx`)) })

const HOUR = { field: 'Hour', index: 0, fill: -1 }
const ORIGIN = { field: 'Origin', index: 1, domain: ['EWR', 'JFK', 'LGA'], unseen: 'missing', fill: 9 }
const CARRIER = { field: 'Carrier', index: 2, domain: ['AA', 'UA'], unseen: 7 }
const DISTANCE = { field: 'Distance', index: 3 }
const TABLE = {
  task: 'classification',
  preprocess: { missing: ['', 'NA'], columns: [ORIGIN, DISTANCE, CARRIER, HOUR] },
  postprocess: { activation: 'sigmoid', labels: ['NO', 'YES'] },
}
let root = ''
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'sluice-preprocess-'))
})
afterEach(() => rm(root, { recursive: true }))

const open = (name: string, manifest: Readonly<Record<string, unknown>>) =>
  openWith(path.join(root, name), file(name), manifest)
const refusal = (name: string, manifest: Readonly<Record<string, unknown>>) =>
  manifestRefusal(path.join(root, name), file(name), manifest)

async function score({ model }: ReadyModel, records: Table['records']): Promise<Rows> {
  const columns = model.inputs.map((input) =>
    toColumn(
      input,
      records.map((record) => record[input.name]),
    ),
  )
  const { outputs } = await model.score(columns, records.length)
  return records.map((_, row) => outputs.map(({ values }) => values[row]!))
}

describe('a manifest that says how fields become the numbers of a network', () => {
  const expected = ORACLE.table.output.map(([yes = NaN]) => [1 - yes, yes])

  it('gives what onnxruntime gives for the numbers that numpy made of the records', async () => {
    const ready = await open('table', TABLE)
    expect(ready.model.inputs.map(({ name, type }) => [name, type])).to.deep.equal([
      ['Hour', 'numeric'],
      ['Origin', 'categorical'],
      ['Carrier', 'categorical'],
      ['Distance', 'numeric'],
    ])
    expect(largestDifference(await score(ready, ORACLE.table.records), expected)).to.be.lessThan(2e-6)
  })

  it('serves records by their fields, whatever the order: ScoreOnnx', async () => {
    await writeModel(path.join(root, 'delay'), file('table'), TABLE)
    const models = new ModelStore({ modelsDir: root, allowedDirs: [] })
    const transform = await scoreOnnx.open(scoreOnnx.config.read({ model: 'delay' }), {
      ...{ side: 'value', models, log: SILENT },
    })
    const batch = await transform.apply(
      batchOf(ORACLE.table.records.map((record) => ({ value: struct({ id: 1, ...record }) }))),
    )
    const found = ORACLE.table.records.map((_, row) => {
      const value = batch.record(row).value as Readonly<Record<string, Value>>
      expect(value['prediction']).to.equal(Number(value['p_YES']) >= 0.5 ? 'YES' : 'NO')
      return [Number(value['p_NO']), Number(value['p_YES'])]
    })
    expect(largestDifference(found, expected)).to.be.lessThan(2e-6)
  })

  it('fails a record of an unseen category alone where it says error, and of a missing one where nothing fills it', async () => {
    const columns = [HOUR, { ...ORIGIN, unseen: 'error' }, CARRIER, DISTANCE]
    const strict = await open('table', { ...TABLE, preprocess: { missing: ['', 'NA'], columns } })
    const found = await score(strict, ORACLE.table.records)
    const failed = ORACLE.table.records.map(({ Origin }) => Origin === 'SFO')
    expect(found.map((row) => row.every(Number.isNaN))).to.deep.equal(failed)
    const others = (rows: Rows) => rows.filter((_, row) => failed[row] !== true)
    expect(largestDifference(others(found), others(expected))).to.be.lessThan(2e-6)

    const regression = { preprocess: { columns } }
    const [first, , , fourth] = ORACLE.table.records
    const { model } = await open('table', regression)
    const { prediction } = await model.score(
      model.inputs.map((input) => toColumn(input, [first?.[input.name], fourth?.[input.name]])),
      2,
    )
    expect(prediction.type === 'float64' ? [...prediction.values].map(Number.isNaN) : []).to.deep.equal([
      false,
      true,
    ])
  })

  it('works for Keras and DL4J networks too; without NaN in the graph a missing number that nothing fills is NaN', async () => {
    for (const [name, bytes] of [
      ['m.zip', readFileSync(path.join(NETWORKS, 'dl4j/binary.zip'))],
      ['m.keras', readFileSync(path.join(NETWORKS, 'keras/mlp.keras'))],
    ] as const) {
      const plain = path.join(root, 'plain')
      const named = path.join(root, 'named')
      await writeModel(plain, { file: name, bytes }, { task: 'classification' })
      const columns = [
        { field: 'c', index: 2, fill: 0.5 },
        { field: 'd', index: 3 },
        { field: 'a', index: 0 },
        { field: 'b', index: 1, domain: ['x', 'y', 'z'] },
      ]
      await writeModel(named, { file: name, bytes }, { task: 'classification', preprocess: { columns } })
      const [without, with_] = [await openFolder(plain), await openFolder(named)]
      const numbers = await score(without, [
        { f0: 1.5, f1: 2, f2: 0.5, f3: -1 },
        { f0: 1, f1: 0, f2: 3, f3: 0.25 },
      ])
      const fields = await score(with_, [
        { a: 1.5, b: 'z', c: null, d: -1 },
        { a: 1, b: 'x', c: 3, d: 0.25 },
        { a: 1, b: 'never seen', c: 3, d: 0.25 },
        { a: null, b: 'x', c: 3, d: 0.25 },
      ])
      expect(fields.slice(0, 2), name).to.deep.equal(numbers)
      for (const row of fields.slice(2)) expect(row.every(Number.isNaN), name).to.equal(true)
      await rm(plain, { recursive: true })
      await rm(named, { recursive: true })
    }
  })

  it('makes whole numbers of categories, for a graph with an input per field', async () => {
    const input = (name: string, type: 'FP32' | 'INT64') => ({ name, type, shape: ['n', 1] })
    const bytes = encodeGraph({
      inputs: [input('hour', 'FP32'), input('origin', 'INT64')],
      outputs: [input('y', 'FP32')],
      nodes: [
        { op: 'Cast', inputs: ['origin'], outputs: ['o'], attributes: { to: { int: 1 } } },
        { op: 'Add', inputs: ['hour', 'o'], outputs: ['y'] },
      ],
      tensors: [],
    })
    const columns = [
      { field: 'hour', index: 0 },
      { field: 'origin', index: 1, domain: ['EWR', 'JFK', 'LGA'] },
    ]
    const folder = path.join(root, 'fields')
    const { model } = await openWith(folder, { file: 'm.onnx', bytes }, { preprocess: { columns } })
    const [hour, origin] = model.inputs
    const { prediction } = await model.score(
      [toColumn(hour!, [0.5, 7, 7]), toColumn(origin!, ['LGA', 'EWR', 'never seen'])],
      3,
    )
    // A whole number has no NaN: a row that lacks one fails.
    expect(prediction.type === 'float64' ? [...prediction.values] : []).to.deep.equal([2.5, 7, NaN])
    const turned = [columns[1], columns[0]].map((each, index) => ({ ...each, index }))
    const misfit = await manifestRefusal(
      folder,
      { file: 'm.onnx', bytes },
      { preprocess: { columns: turned } },
    )
    expect(misfit).to.include('the model has columns of its own, hour (numeric), origin (numeric)')
  })

  it('leaves to the signature which types fields have and whether records may lack them', async () => {
    const column = (name: string, type: string, required = true) => ({ name, type, required })
    const inputs = [
      column('Origin', 'string', false),
      column('Carrier', 'string'),
      column('Hour', 'long'),
      column('Distance', 'double'),
    ]
    const { model } = await open('table', { ...TABLE, signature: { inputs } })
    expect(model.inputs.map(({ name, required }) => [name, required])).to.deep.equal([
      ['Hour', true],
      ['Origin', false],
      ['Carrier', true],
      ['Distance', true],
    ])
    for (const [changed, problem] of [
      [inputs.slice(1), "lacks the model's column Origin"],
      [[...inputs, column('Dest', 'string')], 'has no column Dest'],
      [[column('Origin', 'double'), ...inputs.slice(1)], 'Origin is categorical'],
    ] as const)
      expect(await refusal('table', { ...TABLE, signature: { inputs: changed } })).to.include(problem)
  })

  it('is refused where it contradicts itself or the model file, by name', async () => {
    const columns = [HOUR, ORIGIN, CARRIER, DISTANCE]
    const broken = (at: number, change: object) =>
      columns.map((each, i) => (i === at ? { ...each, ...change } : each))
    for (const [preprocess, problem] of [
      [{}, 'must say how'],
      [{ columns, image: { layout: 'NCHW' } }, 'and not both'],
      [{ columns: columns.slice(0, 3) }, 'names 3 columns, but the model takes 4'],
      [{ columns: broken(3, { index: 2 }) }, 'the indexes must be 0 to 3, each once, but are 0, 1, 2, 2'],
      [{ columns: broken(3, { index: 4 }) }, 'the indexes must be 0 to 3'],
      [{ columns: broken(3, { index: 2.5 }) }, 'the indexes must be 0 to 3'],
      [{ columns: broken(3, { field: 'Hour' }) }, 'names a field twice'],
      [{ columns: broken(0, { unseen: 'error' }) }, 'Hour has no domain'],
      [{ columns: broken(1, { unseen: 'drop' }) }, 'must be "missing", "error" or a number'],
      [{ columns: broken(1, { domain: [] }) }, 'the domain of Origin'],
      [{ columns: broken(1, { domain: ['a', 'a'] }) }, 'the domain of Origin'],
      [{ columns: broken(1, { domian: [] }) }, 'did you mean domain'],
      [{ columns, missing: ['EWR'] }, '"EWR" is in the domain of Origin and in missing'],
      [{ columns: [HOUR], missing: ['NA'] }, 'missing: is of no use'],
      [{ columns, colums: [] }, 'did you mean columns'],
    ] as const)
      expect(await refusal('table', { ...TABLE, preprocess }), JSON.stringify(preprocess)).to.include(problem)
    expect(await refusal('nchw', { preprocess: { columns: [HOUR] } })).to.include('takes a tensor')
  })

  it('is refused for models that say it themselves', async () => {
    const model = { file: 'm.zip', bytes: readFileSync(path.join(FIXTURES, 'gaussian-constant/model.zip')) }
    for (const more of [{ preprocess: { columns: [HOUR] } }, { postprocess: { activation: 'sigmoid' } }]) {
      const reason = await manifestRefusal(path.join(root, 'h2o'), model, more)
      expect(reason).to.match(/is of no use where the model file itself/)
    }
  })
})
