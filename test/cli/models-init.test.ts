import { expect } from 'chai'
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { after, describe, it } from 'mocha'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import { messageOf } from '../../src/api/errors.ts'
import { initModel, type InitOptions } from '../../src/cli/init-model.ts'
import { FIXTURES } from '../support/model-fixtures.ts'
import { openFolder } from '../support/model-folder.ts'
import { UNSUPERVISED } from '../support/process.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')
const root = mkdtempSync(path.join(tmpdir(), 'sluice-init-'))
after(() => rmSync(root, { recursive: true }))

/** A folder of its own with copies of model files. */
function folderOf(...files: readonly string[]): string {
  const folder = mkdtempSync(path.join(root, 'model-'))
  for (const file of files) copyFileSync(path.resolve(ROOT, file), path.join(folder, path.basename(file)))
  return folder
}

function csv(...lines: readonly string[]): string {
  const file = path.join(mkdtempSync(path.join(root, 'sample-')), 'rows.csv')
  writeFileSync(file, lines.join('\n'))
  return file
}

interface Written {
  readonly artifact: { readonly path: string }
  readonly signature: { readonly inputs: readonly { readonly name: string; readonly type: string }[] }
  readonly postprocess: unknown
}

const manifestOf = (folder: string) =>
  JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8')) as Written
const probesOf = (folder: string) =>
  readFileSync(path.join(folder, 'probe.jsonl'), 'utf8').trimEnd().split('\n')

const refusal = (folder: string, options: InitOptions = {}) =>
  initModel(folder, options).then(
    (said) => expect.fail(said),
    (error: unknown) => messageOf(error),
  )

const GBM = 'models/airline-delay/airline-delay.mojo.zip'
const FLIGHTS = gunzipSync(readFileSync(path.join(ROOT, 'models/airline-delay/flights.csv.gz'))).toString(
  'utf8',
)

describe('sluice models init', () => {
  it('writes what each kind of file says, so that it loads as before', async () => {
    for (const file of [
      GBM,
      'models/airline-delay-dl/airline-delay-dl.mojo.zip',
      'models/shuttle-anomaly/shuttle-anomaly.mojo.zip',
      'models/iris-dl4j/iris.zip',
      'models/iris-onnx/iris.onnx',
      'models/digits-keras/digits.keras',
      'test/fixtures/networks/dl4j/regression.zip',
      'test/fixtures/networks/onnx/regression.onnx',
      'test/fixtures/networks/onnx/columns.onnx',
      'test/fixtures/networks/keras/conv.keras',
    ]) {
      const folder = folderOf(file)
      const before = await openFolder(folder)
      expect(await initModel(folder, {}), file).to.include('models inspect')
      const { manifest, model } = await openFolder(folder)
      expect(manifest?.artifact.path).to.equal(path.basename(file))
      const { inputs, labels, outputs, task } = before.model
      expect([model.inputs, model.labels, model.outputs, model.task], file).to.deep.equal([
        inputs,
        labels,
        outputs,
        task,
      ])
    }
  })

  it('makes probes of a sample, and says that their outputs are its own', async () => {
    const folder = folderOf(GBM)
    const sample = csv(...FLIGHTS.split('\n').slice(0, 40))
    expect(await initModel(folder, { sample })).to.include('20 probes; outputs by Sluice itself')
    const { probed } = await openFolder(folder)
    expect(probed).to.include({ probes: 20, own: 20, largest: 0 })
    expect(manifestOf(folder).postprocess).to.deep.include({ labels: ['NO', 'YES'], thresholdClass: 'YES' })
    const [first = ''] = probesOf(folder)
    expect(JSON.parse(first)).to.have.nested.property('input.Origin').that.is.a('string')
    expect(JSON.parse(first)).to.include({ by: 'sluice' })
  })

  it('takes the outputs of the engine where the sample has all of them, and writes nothing where they differ', async () => {
    const read = (name: string) =>
      gunzipSync(readFileSync(path.join(FIXTURES, 'binomial-deep', `${name}.csv.gz`)))
        .toString('utf8')
        .split('\n')
    const [input, expected] = [read('input'), read('expected')]
    const joined = input.slice(0, 12).map((line, i) => `${line},${expected[i] ?? ''}`)
    const model = 'test/fixtures/models/binomial-deep/model.zip'
    const folder = folderOf(model)
    expect(await initModel(folder, { sample: csv(...joined) })).to.include('outputs of the sample')
    expect((await openFolder(folder)).probed).to.include({ probes: 11, own: 0 })

    const wrong = joined.with(3, (joined[3] ?? '').replace(/[\d.]+(e[-+]?\d+)?$/, '0.4321'))
    const other = folderOf(model)
    expect(await refusal(other, { sample: csv(...wrong) })).to.match(/rows\.csv records, line 3: /)
    expect(readdirSync(other)).to.deep.equal(['model.zip'])
  })

  it('names the columns of a network as the sample does', async () => {
    for (const file of ['models/iris-dl4j/iris.zip', 'models/iris-onnx/iris.onnx']) {
      const folder = folderOf(file)
      await initModel(folder, { sample: csv('sl,sw,pl,pw', '5,3,1,0.2', '6,3,5,2', '6,,5,2') })
      expect(manifestOf(folder).signature.inputs.map(({ name }) => name)).to.deep.equal([
        'sl',
        'sw',
        'pl',
        'pw',
      ])
      const [first = '', ...others] = probesOf(folder)
      expect(others, 'a row without a score is no probe').to.have.length(1)
      expect(JSON.parse(first)).to.deep.include({ input: { sl: 5, sw: 3, pl: 1, pw: 0.2 } })
      expect((await openFolder(folder)).probed).to.include({ probes: 2 })
      const wide = csv('id,sl,sw,pl,pw', '1,5,3,1,0.2')
      expect(await refusal(folderOf(file), { sample: wide })).to.include('has 5 columns besides outputs')
    }
  })

  it('overwrites nothing without --force, and everything with it', async () => {
    const folder = folderOf('models/iris-dl4j/iris.zip')
    for (const [name, options] of [
      ['manifest.json', {}],
      ['probe.jsonl', { sample: csv('a,b,c,d', '5,3,1,0.2') }],
    ] as const) {
      writeFileSync(path.join(folder, name), 'mine')
      expect(await refusal(folder, options)).to.match(new RegExp(`${name} is there already.*--force`))
      expect(readFileSync(path.join(folder, name), 'utf8')).to.equal('mine')
      if (name === 'manifest.json') rmSync(path.join(folder, name))
    }
    expect(readdirSync(folder).toSorted()).to.deep.equal(['iris.zip', 'probe.jsonl'])
    await initModel(folder, { sample: csv('a,b,c,d', '5,3,1,0.2'), force: true })
    expect((await openFolder(folder)).probed).to.include({ probes: 1 })
    expect(readdirSync(folder).toSorted()).to.deep.equal(['iris.zip', 'manifest.json', 'probe.jsonl'])
  })

  it('says what is not there, or not clear', async () => {
    expect(await refusal(path.join(root, 'nothing'))).to.include('cannot be read')
    expect(await refusal(folderOf())).to.include('holds no model')
    const both = folderOf('models/iris-dl4j/iris.zip', 'models/iris-onnx/iris.onnx')
    expect(await refusal(both)).to.include('holds 2 model files (iris.onnx, iris.zip)')
    await initModel(path.join(both, 'iris.onnx'), {})
    expect(manifestOf(both).artifact.path).to.equal('iris.onnx')
    expect(await refusal(folderOf(GBM), { sample: csv('Origin') })).to.include('no rows')
    expect(await refusal(folderOf(GBM), { sample: csv('') })).to.include('is empty')
  })

  it('prints what it wrote and what is next, and verify says whose the probes are', () => {
    const folder = folderOf('models/iris-onnx/iris.onnx')
    const run = (...args: string[]) =>
      spawnSync(
        process.execPath,
        ['--conditions=source', 'src/cli/main.ts', 'models', ...args, ...UNSUPERVISED],
        {
          cwd: ROOT,
          encoding: 'utf8',
        },
      )
    const { status, stdout } = run('init', folder, '--sample', csv('a,b,c,d', '5,3,1,0.2'))
    expect(status).to.equal(0)
    expect(stdout).to.include(`sluice models verify ${folder}`)
    expect(run('verify', folder).stdout).to.include('1 of them recorded by Sluice itself')
  })
})
