import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { messageOf, ModelError, SILENT } from '../../src/index.ts'
import { toColumn } from '../../src/inference/probe.ts'
import { forgetFormats } from '../../src/inference/readers/packaged-formats.ts'
import { addVersion } from '../../src/inference/store/add-model-version.ts'
import { inspectInProcess } from '../../src/inference/store/model-inspection.ts'
import { listModels } from '../../src/inference/store/model-store-versions.ts'
import { ModelStore } from '../../src/inference/store/model-store.ts'
import { forgetLeftOut } from '../../src/runtime/plugins/left-out.ts'
import { loadPackages } from '../../src/runtime/plugins/plugin-packages.ts'
import { codeBlock } from '../support/pages.ts'
import { writePackage } from '../support/plugin-package.ts'
import { REPOSITORY, sluice } from '../support/process.ts'

const XGBOOST = path.join(REPOSITORY, 'test/fixtures/xgboost')
const PACKAGE = path.join(REPOSITORY, 'test/fixtures/plugins/acme-xgboost')
const READER = 'XgboostJson 1.0.0 of acme-xgboost 2.1.0'

describe('a model format of a package', function () {
  this.timeout(120_000)
  let models: string
  let store: ModelStore
  const leftOut: string[] = []

  before(async () => {
    models = await mkdtemp(path.join(tmpdir(), 'sluice-formats-'))
    store = new ModelStore({ modelsDir: models, allowedDirs: [], log: SILENT })
    forgetFormats()
    await loadPackages([PACKAGE], ({ reason }) => leftOut.push(reason))
  })
  after(async () => {
    forgetFormats()
    forgetLeftOut()
    await rm(models, { recursive: true })
  })

  /** Puts a model of the fixtures there, with the probes that XGBoost wrote, and a manifest where `more` is given. */
  async function add(
    name: string,
    fixture: string,
    more?: Readonly<Record<string, unknown>>,
  ): Promise<string> {
    const folder = path.join(models, name)
    await mkdir(folder)
    await cp(path.join(XGBOOST, `${fixture}.json`), path.join(folder, 'model.json'))
    await cp(path.join(XGBOOST, `${fixture}-probe.jsonl`), path.join(folder, 'probe.jsonl'))
    if (more === undefined) return folder
    const sha256 = createHash('sha256')
      .update(await readFile(path.join(folder, 'model.json')))
      .digest('hex')
    const manifest = { manifestVersion: 1, artifact: { path: 'model.json', sha256 }, ...more }
    await writeFile(path.join(folder, 'manifest.json'), JSON.stringify(manifest))
    return folder
  }

  const refusal = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => expect.fail('taken'),
      (error: unknown) => {
        expect(error).to.be.instanceOf(ModelError)
        return (error as ModelError).code + ' ' + messageOf(error)
      },
    )

  it('reads what XGBoost wrote, and gives what XGBoost gives', async () => {
    expect(leftOut).to.deep.equal([])
    await add('iris', 'iris')
    await add('hours', 'hours')
    await add('late', 'late', { postprocess: { labels: ['NO', 'YES'] } })
    const tasks = { iris: 'classification', hours: 'regression', late: 'classification' }
    for (const [name, task] of Object.entries(tasks)) {
      const { model, probed, loaded } = await store.open(name)
      expect(model.task, name).to.equal(task)
      expect(model.reader).to.equal(READER)
      expect(loaded.format).to.equal('xgboost-json')
      expect(probed?.probes, name).to.be.at.least(15)
      expect(probed?.largest, name).to.be.lessThan(2e-6)
    }
    const late = await store.load('late')
    expect(late.labels).to.deep.equal(['NO', 'YES'])
    expect(late.reader).to.equal(READER)
    expect(await listModels(models)).to.deep.include({ name: 'hours', versions: [] })
  })

  it('has the labels, the threshold and the columns of its manifest', async () => {
    const names = ['distance', 'departure', 'day', 'delay_before']
    const inputs = names.map((name) => ({ name, type: 'double', required: name !== 'day' }))
    const folder = await add('strict', 'late', {
      postprocess: { labels: ['NO', 'YES'], threshold: 0.99 },
      signature: { inputs },
    })
    await rm(path.join(folder, 'probe.jsonl'))
    const model = await store.load('strict')
    expect(model.inputs.map(({ required }) => required)).to.deep.equal([true, true, false, true])
    const row = [429.28, 2186, 3, 4.8].map((value, i) => toColumn(model.inputs[i]!, [value]))
    const { prediction, outputs } = await model.score(row, 1)
    expect(prediction).to.deep.include({ type: 'category', domain: ['NO', 'YES'] })
    expect(prediction.type === 'category' && prediction.levels[0]).to.equal(0)
    expect(outputs[1]?.values[0]).to.be.within(0.8, 0.98)
    await add('wrong-labels', 'iris', { postprocess: { labels: ['a', 'b'] } })
    expect(await refusal(store.open('wrong-labels'))).to.match(
      /^model.manifest .*names 2 classes, but the model has 3/,
    )
  })

  it('is named by a manifest whatever the file is called, and refuses to be another one', async () => {
    const folder = await add('named', 'hours', { source: { format: 'xgboost-json' } })
    await rm(path.join(folder, 'manifest.json'))
    await cp(path.join(folder, 'model.json'), path.join(folder, 'model.onnx'))
    expect(await refusal(store.open('named'))).to.match(/^model\.unsupported .*XGBoost/)
    const sha256 = createHash('sha256')
      .update(await readFile(path.join(folder, 'model.onnx')))
      .digest('hex')
    const manifest = (format: string) =>
      writeFile(
        path.join(folder, 'manifest.json'),
        JSON.stringify({ manifestVersion: 1, artifact: { path: 'model.onnx', sha256 }, source: { format } }),
      )
    await manifest('xgboost-json')
    expect((await store.open('named')).model.reader).to.equal(READER)
    await manifest('xgboost-ubj')
    expect(await refusal(store.open('named'))).to.match(/^model\.unsupported/)
  })

  it('leaves files alone that are none of its own', async () => {
    const folder = path.join(models, 'other')
    await mkdir(folder)
    await writeFile(path.join(folder, 'settings.json'), '{"learning": 1}')
    expect(await refusal(store.open('other'))).to.match(/^model\.missing/)
    await writeFile(path.join(folder, 'model.zip'), 'PK')
    expect(await refusal(store.open('other'))).to.match(/model\.zip/)
    expect(await refusal(store.open(path.join(folder, 'settings.json')))).to.match(
      /^model\.unsupported .*of no format that is known, nor of one that a package here reads/,
    )
  })

  it('tells of a damaged file which plugin and package found it so', async () => {
    const folder = await add('damaged', 'hours')
    const text = await readFile(path.join(folder, 'model.json'), 'utf8')
    await writeFile(path.join(folder, 'model.json'), text.slice(0, 3000))
    expect(await refusal(store.open('damaged'))).to.include(`model.json: the model format ${READER} says: `)
    await writeFile(path.join(folder, 'model.json'), text.replace('reg:squarederror', 'rank:pairwise'))
    expect(await refusal(store.open('damaged'))).to.include('the objective rank:pairwise is not read')
  })

  it('is inspected in a process of its own, taken over REST, and used by the commands', async () => {
    const inspect = inspectInProcess(
      undefined,
      path.join(REPOSITORY, 'src/cli/main.ts'),
      ['--conditions=source'],
      [PACKAGE],
    )
    const sent = { name: 'sent', version: undefined, file: 'model.json' }
    const bytes = await readFile(path.join(XGBOOST, 'iris.json'))
    const probe = await readFile(path.join(XGBOOST, 'iris-probe.jsonl'))
    expect(await addVersion(models, { ...sent, bytes, probe }, inspect)).to.deep.equal({
      version: '1',
      latest: '1',
    })
    const facts = await inspect(path.join(models, 'sent$1'))
    expect(facts).to.include({
      format: 'xgboost-json',
      reader: READER,
      algorithm: 'gbtree',
      trees: 15,
      probes: 15,
    })
    const run = async (...args: readonly string[]) => {
      const command = sluice(['models', ...args, '--plugin-path', path.dirname(PACKAGE)])
      await command.exited
      return command.stdout() + command.stderr()
    }
    expect(await run('inspect', path.join(models, 'sent'))).to.match(
      /^reader\s+XgboostJson 1\.0\.0 of acme-xgboost 2\.1\.0$/m,
    )
    expect(await run('verify', path.join(models, 'sent'))).to.match(/15 probes, largest difference/)
    const rows = path.join(models, 'rows.csv')
    await writeFile(rows, 'sepal_length,sepal_width,petal_length,petal_width\n5.1,3.5,1.4,0.2\n')
    await run(
      'score',
      '--model',
      path.join(models, 'sent'),
      '--input',
      rows,
      '--output',
      path.join(models, 'out.csv'),
    )
    expect(await readFile(path.join(models, 'out.csv'), 'utf8')).to.match(
      /^predict,class0,class1,class2\nclass0,0\.8/,
    )
    await rm(path.join(models, 'hours/probe.jsonl'))
    expect(await run('init', path.join(models, 'hours'))).to.include(
      'xgboost-json gbtree, regression, 2 columns',
    )
    expect((await store.open('hours')).manifest?.source).to.include({ format: 'xgboost-json' })
  })

  it('in how it describes itself is left out', async () => {
    const described: readonly [string, RegExp][] = [
      ['format: "onnx"', /Sluice reads onnx itself/],
      ['format: "A"', /no format of lower case/],
      ['endings: []', /no list of endings/],
      ['endings: ["json"]', /no list of endings/],
      ['signs: "x"', /no list of signs/],
      ['read: 1', /no function read/],
      [
        'format: "xgboost-json"',
        /acme-xgboost 2\.1\.0 in .* has a plugin XgboostJson that is known as xgboost-json too/,
      ],
    ]
    for (const [i, [change, reason]] of described.entries()) {
      const code = `export default { kind: 'model-format', name: 'Odd${i}', version: '1', summary: 'A.', format: 'odd-${i}',
          endings: ['.odd'], signs: [], read() {}, ${change} }`
      const told: string[] = []
      await loadPackages([await writePackage(models, `packages/odd${i}`, code)], (each) =>
        told.push(each.reason),
      )
      expect(told, change).to.have.lengthOf(1)
      expect(told[0]).to.match(reason)
    }
  })

  it('reads in its latest version, and two that read one file are told apart by the manifest', async () => {
    const code = (name: string, version: string, format: string) => `
export default { kind: 'model-format', name: '${name}', version: '${version}', summary: 'A.', format: '${format}', endings: ['.lin'],
  signs: ['linear'], read: ({ bytes }) => ({ formatVersion: '1', algorithm: 'linear', task: 'regression', inputs:
  [{ name: 'x', type: 'numeric', required: true }], score: (c, n) => [new Float64Array(n).fill(${version.replace('.', '')})] }) }`
    const add = (name: string, version: string, format: string) =>
      writePackage(models, `packages/${name}-${version}`, code(name, version, format))
    await loadPackages(
      [await add('Linear', '1.10', 'linear'), await add('Linear', '1.9', 'linear')],
      (each) => expect.fail(each.reason),
    )
    await mkdir(path.join(models, 'linear'))
    await writeFile(path.join(models, 'linear/a.lin'), 'linear 1')
    expect((await store.open('linear')).model.reader).to.equal('Linear 1.10 of packages/Linear-1.10 1.0.0')
    await loadPackages([await add('Lines', '1', 'lines')], (each) => expect.fail(each.reason))
    await writeFile(path.join(models, 'linear/a.lin'), 'linear 2')
    expect(await refusal(store.open('linear'))).to.include(
      'name linear or lines in source.format of its manifest.json',
    )
  })

  it('is what its guide shows', async () => {
    const code = codeBlock('docs/model-formats.md', 'export default {')
    await loadPackages([await writePackage(models, 'packages/guide', code)], (each) =>
      expect.fail(each.reason),
    )
    await mkdir(path.join(models, 'guide'))
    const model = { coefficients: { a: 2, b: -1 }, intercept: 0.5, classes: ['no', 'yes'] }
    await writeFile(path.join(models, 'guide/m.json'), JSON.stringify(model))
    const guide = await store.load('guide')
    const columns = [
      [1, 0],
      [0, 5],
    ].map((values, i) => toColumn(guide.inputs[i]!, values))
    const { prediction, outputs } = await guide.score(columns, 2)
    expect(prediction.type === 'category' && [...prediction.levels]).to.deep.equal([1, 0])
    expect(outputs[1]?.values[0]).to.be.closeTo(1 / (1 + Math.exp(-2.5)), 1e-15)
  })

  it('that could not be loaded is named by the error of a file that nothing reads', async () => {
    forgetLeftOut()
    await loadPackages(
      [await writePackage(models, 'packages/pmml', 'throw new Error("no licence")')],
      () => undefined,
    )
    await mkdir(path.join(models, 'unread'))
    await writeFile(path.join(models, 'unread/m.weird'), 'weird')
    const said = await refusal(store.open(path.join(models, 'unread/m.weird')))
    expect(said).to.match(
      /\.lin are\. Export the model .* Left out when this worker started: packages\/pmml 1\.0\.0/,
    )
  })
})
