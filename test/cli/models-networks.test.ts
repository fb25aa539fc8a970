import { expect } from 'chai'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { after, describe, it } from 'mocha'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { messageOf } from '../../src/api/errors.ts'
import { describeModel } from '../../src/cli/describe-model.ts'
import { openModel } from '../../src/cli/open-model.ts'
import { scoreFile } from '../../src/cli/score-csv.ts'
import { encodeGraph } from '../../src/inference/engines/onnx-graph.ts'
import { writeModel } from '../support/model-folder.ts'
import { NETWORKS, type Rows } from '../support/network-fixtures.ts'
import { UNSUPERVISED } from '../support/process.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')
const folder = mkdtempSync(path.join(tmpdir(), 'sluice-networks-'))
after(() => rmSync(folder, { recursive: true }))

function verify(model: string, ...flags: string[]) {
  const command = [
    '--conditions=source',
    'src/cli/main.ts',
    'models',
    'verify',
    model,
    ...flags,
    ...UNSUPERVISED,
  ]
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: ROOT, encoding: 'utf8' })
  return { status, stdout, stderr }
}

/** The lines of scores of a CSV text, or the message of what went wrong. */
async function score(
  model: string,
  text: string,
  warn: (message: string) => void = () => undefined,
): Promise<readonly string[] | string> {
  const input = path.join(folder, 'rows.csv')
  const output = path.join(folder, 'scores.csv')
  writeFileSync(input, text)
  try {
    await scoreFile(await openModel(path.resolve(NETWORKS, model)), { input, output, warn })
  } catch (error) {
    return messageOf(error)
  }
  return readFileSync(output, 'utf8').trimEnd().split('\n')
}

describe('sluice models score, with a network that names no columns', () => {
  it('takes the columns in order, whatever their names', async () => {
    const rows = '1,2,3,4,setosa\n4,3,2,1,virginica\n'
    const found = await score('dl4j/all-layers.zip', `a,b,c,d,species\n${rows}`)
    expect(found[0]).to.equal('predict,class0,class1,class2')
    expect(found).to.have.length(3)
    expect(await score('dl4j/all-layers.zip', `f0,f1,f2,f3,species\n${rows}`)).to.deep.equal(found)
  })

  it('says which columns it takes for which, where none has the right name', async () => {
    const told: string[] = []
    await score('dl4j/all-layers.zip', 'id,b,c,d,e\n1,2,3,4,5\n', (message) => told.push(message))
    expect(told).to.have.length(1)
    expect(told[0]).to.include('taken in order: f0 ← id, f1 ← b, f2 ← c, f3 ← d.')
  })

  it('names the columns that are missing, where some have the right names', async () => {
    expect(await score('dl4j/all-layers.zip', 'f0,f1,f2,f4\n1,2,3,4\n')).to.include(
      'lacks columns that the model needs: f3',
    )
  })

  it('says how many rows have no score, and why', async () => {
    const graph = encodeGraph({
      inputs: [{ name: 'x', type: 'INT64', shape: ['rows', 1] }],
      outputs: [{ name: 'y', type: 'FP32', shape: ['rows', 1] }],
      nodes: [{ op: 'Gather', inputs: ['table', 'x'], outputs: ['y'] }],
      tensors: [{ name: 'table', dims: [3], data: Float32Array.of(0, 10, 20) }],
    })
    const file = path.join(folder, 'looked-up.onnx')
    writeFileSync(file, graph)
    const told: string[] = []
    const found = await score(file, 'x\n1\n9\n2\n', (message) => told.push(message))
    expect(found).to.deep.equal(['predict', '10.000000000000000', 'NaN', '20.000000000000000'])
    expect(told.at(-1)).to.match(/^1 of 3 rows have no score: .*out of data bounds/)
  })

  it('takes columns of the right names wherever they stand', async () => {
    const found = await score('dl4j/all-layers.zip', 'f0,f1,f2,f3\n1,2,3,4\n')
    expect(await score('dl4j/all-layers.zip', 'f3,f2,f1,f0\n4,3,2,1\n')).to.deep.equal(found)
  })

  it('takes the fields that its manifest names, texts too', async () => {
    const columns = [
      { field: 'size', index: 0, fill: 0 },
      { field: 'colour', index: 1, domain: ['red', 'blue'] },
      { field: 'weight', index: 2 },
      { field: 'age', index: 3 },
    ]
    const file = path.join(NETWORKS, 'dl4j/all-layers.zip')
    const model = path.join(folder, 'named')
    const preprocess = { missing: ['?'], columns }
    await writeModel(model, { file: 'm.zip', bytes: readFileSync(file) }, { preprocess })
    const [, ...numbers] = await score('dl4j/all-layers.zip', 'a,b,c,d\n0,1,2,3\n5,0,6,7\n')
    const [, ...found] = await score(model, 'age,colour,size,weight\n3,blue,,2\n7,red,5,6\n7,?,5,6\n')
    expect(found.slice(0, 2)).to.deep.equal(numbers)
    expect(found[2]).to.include('NaN')
    expect(await score(model, 'age,size,weight\n3,1,2\n')).to.include(
      'lacks columns that the model needs: colour',
    )
    expect(describeModel(await openModel(model)).columns[1]).to.deep.include({ domain: ['red', 'blue'] })
  })

  it('takes a first line of numbers as a row', async () => {
    expect(await score('dl4j/all-layers.zip', '1,2,3,4\n4,3,2,1\n')).to.have.length(3)
  })

  it('writes one column per number of a network that is no classifier', async () => {
    const regression = await score('dl4j/regression.zip', 'a,b,c,d\n1,2,3,4\n')
    expect(regression[0]).to.equal('predict')
    const vector = await score('dl4j/activation-relu.zip', 'a,b,c,d\n1,2,3,4\n')
    expect(vector[0]).to.equal('output0,output1,output2')
    expect(vector[1]?.split(',').map(Number).every(Number.isFinite)).to.equal(true)
  })

  it('takes the numbers of a tensor side by side', async () => {
    const { conv } = JSON.parse(readFileSync(path.join(NETWORKS, 'keras/oracle.json'), 'utf8')) as {
      readonly conv: { readonly rows: Rows; readonly output: Rows }
    }
    const header = conv.rows[0]?.map((_, i) => `p${i}`).join(',') ?? ''
    const found = await score(
      'keras/conv.keras',
      [header, ...conv.rows.map((row) => row.join(','))].join('\n'),
    )
    const numbers = (found as readonly string[]).slice(1).map((line) => line.split(',').slice(1).map(Number))
    numbers.forEach((row, r) =>
      row.forEach((value, k) => expect(value).to.be.closeTo(conv.output[r]?.[k] ?? NaN, 2e-6)),
    )
    expect(numbers).to.have.length(conv.rows.length)
  })

  it('names what is lacking where the file has too few columns', async () => {
    expect(await score('dl4j/all-layers.zip', 'a,b,c\n1,2,3\n')).to.include(
      'has 3 columns where the model takes 4',
    )
  })

  it('predicts nothing for a row that lacks a number', async () => {
    const found = await score('dl4j/all-layers.zip', 'a,b,c,d\n1,,3,4\n1,2,3,4\n')
    expect(found[1]).to.equal(',NaN,NaN,NaN')
    expect(found[2]).to.match(/^class\d,/)
  })
})

describe('sluice models verify', () => {
  it('prints the largest difference to the source engine', () => {
    const { status, stdout } = verify('iris-dl4j')
    expect(status).to.equal(0)
    expect(stdout).to.match(
      /^iris-dl4j 1: 13 probes, largest difference [\d.e-]+ \(\w+, line \d+\), allowed 0\.000002\n$/,
    )
  })

  it('prints one JSON object where asked', () => {
    const found = JSON.parse(verify('digits-keras', '--json').stdout) as Record<string, unknown>
    expect(found).to.include({ model: 'digits-keras', version: '1', probes: 20, tolerance: 2e-6 })
    expect(found['largestDifference']).to.be.a('number').below(2e-6)
  })

  it('fails where there is nothing to verify, and where a probe differs', () => {
    const alone = verify(path.join(NETWORKS, 'dl4j/regression.zip'))
    expect([alone.status, alone.stderr]).to.deep.include.members([1])
    expect(alone.stderr).to.include('has no probes')
    const copy = path.join(folder, 'iris-dl4j')
    mkdirSync(copy)
    for (const name of ['iris.zip', 'manifest.json', 'probe.jsonl'])
      copyFileSync(path.join(ROOT, 'models/iris-dl4j', name), path.join(copy, name))
    const probes = path.join(copy, 'probe.jsonl')
    writeFileSync(probes, readFileSync(probes, 'utf8').replace('"setosa":0.9', '"setosa":0.8'))
    const wrong = verify(copy)
    expect(wrong.status).to.equal(1)
    expect(wrong.stderr).to.include('line 1: setosa is 0.99')
  })

  it('fails where the file is another one than its manifest describes', () => {
    const copy = path.join(folder, 'changed')
    mkdirSync(copy)
    for (const name of ['manifest.json', 'probe.jsonl'])
      copyFileSync(path.join(ROOT, 'models/iris-dl4j', name), path.join(copy, name))
    copyFileSync(path.join(NETWORKS, 'dl4j/all-layers.zip'), path.join(copy, 'iris.zip'))
    expect(verify(copy).stderr).to.include('sha256')
    const sha256 = createHash('sha256')
      .update(readFileSync(path.join(copy, 'iris.zip')))
      .digest('hex')
    const manifest = readFileSync(path.join(copy, 'manifest.json'), 'utf8')
    writeFileSync(path.join(copy, 'manifest.json'), manifest.replace(/[0-9a-f]{64}/, sha256))
    expect(verify(copy).stderr).to.include('line 1')
  })
})
