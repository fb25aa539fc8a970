import { expect } from 'chai'
import { readFileSync } from 'node:fs'
import { describe, it } from 'mocha'
import path from 'node:path'
import { toColumn } from '../../src/inference/probe.ts'
import { readOnnx } from '../../src/inference/readers/onnx/onnx.ts'
import { largestDifference, NETWORKS, onnxLabels, type Rows, scoreRows } from '../support/network-fixtures.ts'

const FOLDER = path.join(NETWORKS, 'onnx')
/** What options.py makes: rows in, numbers and labels out, as onnxruntime gives them. */
const OPTIONS = JSON.parse(readFileSync(path.join(FOLDER, 'options.json'), 'utf8')) as Readonly<
  Record<
    string,
    {
      readonly input: Rows
      readonly output: Rows
      readonly labels: readonly string[]
      readonly texts?: readonly (readonly string[])[]
    }
  >
>

const file = (name: string) => readFileSync(path.join(FOLDER, `${name}.onnx`))

describe('labels, shapes and types of numbers of an ONNX model', () => {
  for (const name of [
    'label-svc',
    'label-bagging',
    'label-network',
    'label-clusters',
    'label-encoded',
    'label-looked-up',
  ]) {
    it(`${name}: the label is the graph's own, by its own name`, async () => {
      const { input, output, labels } = OPTIONS[name]!
      const model = await readOnnx(file(name), null)
      expect(largestDifference(await scoreRows(model, input), output)).to.be.lessThan(2e-6)
      expect(await onnxLabels(name, input)).to.deep.equal(labels)
    })
  }

  it('takes a threshold of its manifest before its own label', async () => {
    const { input, labels } = OPTIONS['label-svc']!
    const model = await readOnnx(file('label-svc'), null)
    const columns = model.inputs.map((each, k) =>
      toColumn(
        each,
        input.map((row) => row[k]),
      ),
    )
    const decision = { threshold: 0, thresholdClass: 'yes' }
    const { prediction } = await model.score(columns, input.length, decision)
    expect(labels).to.include('no')
    expect(prediction.type === 'category' && prediction.levels.every((level) => level === 1)).to.equal(true)
  })

  for (const name of [
    'turned',
    'sum',
    'sum-kept',
    'no-batch',
    'wider-than-said',
    'float16',
    'int8',
    'uint32',
    'bool',
  ]) {
    it(`${name}: gives onnxruntime's numbers whatever the number of rows`, async () => {
      const { input, output } = OPTIONS[name]!
      const model = await readOnnx(file(name), null)
      expect(largestDifference(await scoreRows(model, input), output)).to.equal(0)
      expect(largestDifference(await scoreRows(model, input.slice(0, 1)), output.slice(0, 1))).to.equal(0)
    })
  }

  it('takes a list of texts as one column each', async () => {
    const { texts, output } = OPTIONS['texts']!
    const model = await readOnnx(file('texts'), null)
    expect(model.inputs.map(({ name, type }) => [name, type])).to.deep.equal([
      ['f0', 'categorical'],
      ['f1', 'categorical'],
    ])
    const columns = model.inputs.map((each, k) =>
      toColumn(
        each,
        texts!.map((row) => row[k]),
      ),
    )
    const { prediction } = await model.score(columns, texts!.length, null)
    const found = prediction.type === 'float64' ? [...prediction.values].map((value) => [value]) : []
    expect(largestDifference(found, output)).to.be.lessThan(2e-6)
  })

  it('gives NaN for a row whose whole number does not fit its type', async () => {
    const found = await scoreRows(await readOnnx(file('int8'), null), [
      [1, 127],
      [1, 128],
      [-129, 1],
      [-128, 1],
    ])
    expect(found.map(([first]) => first)).to.deep.equal([1, NaN, NaN, -128])
  })

  it('says which of its columns are whole numbers or truths', async () => {
    const holds = async (name: string) => (await readOnnx(file(name), null)).inputs.map((each) => each.holds)
    expect(await holds('int8')).to.deep.equal(['whole', 'whole'])
    expect(await holds('bool')).to.deep.equal(['boolean', 'boolean'])
    expect((await holds('texts')).concat(await holds('float16'))).to.satisfy((all: unknown[]) =>
      all.every((each) => each === undefined),
    )
  })

  it('gives a truth as 0 or 1, and NaN for a row with any other number, alone', async () => {
    const rows = [
      [1, 0],
      [4, 1],
      [0, 1],
      [0, 0.5],
      [1, 1],
    ]
    const found = await scoreRows(await readOnnx(file('bool'), null), rows)
    expect(found).to.deep.equal([
      [1, 0],
      [NaN, NaN],
      [0, 1],
      [NaN, NaN],
      [1, 1],
    ])
  })
})
