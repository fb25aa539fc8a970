import { expect } from 'chai'
import { readFileSync } from 'node:fs'
import { describe, it } from 'mocha'
import path from 'node:path'
import { ModelError } from '../../src/api/errors.ts'
import { readMojo } from '../../src/inference/readers/h2o/h2o-mojo.ts'
import { openZip } from '../../src/inference/readers/zip.ts'
import { columnsFor, FIXTURES, readTable } from '../support/model-fixtures.ts'
import { zipOf } from '../support/zip-writer.ts'

/** The entries of a fixture: `model.ini`, domains and trees. */
function entriesOf(fixture: string): { name: string; content: Buffer }[] {
  const zip = openZip(readFileSync(path.join(FIXTURES, fixture, 'model.zip')))
  const numbered = (name: (number: string) => string, digits: number) =>
    Array.from({ length: 30 }, (_, i) => name(String(i).padStart(digits, '0')))
  const names = [
    'model.ini',
    ...numbered((n) => `domains/d${n}.txt`, 3),
    ...numbered((n) => `trees/t00_${n}.bin`, 3),
    ...numbered((n) => `trees/t01_${n}.bin`, 3),
  ]
  return names.filter((name) => zip.has(name)).map((name) => ({ name, content: zip.read(name) }))
}

function withIni(fixture: string, from: string | RegExp, to: string): Buffer {
  const entries = entriesOf(fixture).map(({ name, content }) => {
    if (name !== 'model.ini') return { name, content }
    const text = content.toString('utf8')
    expect(text.search(from), String(from)).not.to.equal(-1)
    return { name, content: Buffer.from(text.replace(from, to)) }
  })
  return zipOf(entries)
}

const CONTRADICTIONS: readonly (readonly [string, string | RegExp, string])[] = [
  ['glm-binomial', /nums = 4/, 'nums = 5'],
  ['glm-binomial', /cats = 2/, 'cats = 3'],
  ['glm-binomial', /cat_offsets = \[0, 15, 18\]/, 'cat_offsets = [0, 15, 19]'],
  ['glm-binomial', /cat_offsets = \[0, 15, 18\]/, 'cat_offsets = [0, 18, 15]'],
  ['glm-binomial', /beta = \[/, 'beta = [1, '],
  ['glm-binomial', /beta = \[[^,]+/, 'beta = [Infinity'],
  ['glm-binomial', /beta = \[[^,]+/, 'beta = [x'],
  ['glm-binomial', /num_means = .*/, 'num_means = []'],
  ['glm-binomial', /n_classes = 2/, 'n_classes = 3'],
  ['dl-rectifier', /neural_network_sizes = .*/, 'neural_network_sizes = [22, 8, 6, 3]'],
  ['dl-rectifier', /neural_network_sizes = .*/, 'neural_network_sizes = [22, 2000000000, 6, 2]'],
  ['dl-rectifier', /neural_network_sizes = .*/, 'neural_network_sizes = [22]'],
  ['dl-rectifier', /weight_layer1 = \[/, 'weight_layer1 = [0.5, '],
  ['dl-rectifier', /bias_layer0 = \[[^,]+/, 'bias_layer0 = [Infinity'],
  ['dl-rectifier', /weight_layer2/, 'weight_layer3'],
  ['dl-rectifier', /norm_sub = \[[^,]+, /, 'norm_sub = ['],
  ['dl-rectifier', /cat_offsets = .*/, 'cat_offsets = [0, 2000000000, 2000000001]'],
  ['autoencoder', /use_all_factor_levels = true/, 'use_all_factor_levels = false'],
  ['drf', /n_trees = 3/, 'n_trees = 0'],
  ['drf', /n_trees_per_class = 1/, 'n_trees_per_class = 2'],
  ['drf-double-trees', /binomial_double_trees = true/, 'binomial_double_trees = false'],
  ['isolation-forest', /n_trees = 20/, 'n_trees = 21'],
  ['isolation-forest', /max_path_length = \d+/, 'max_path_length = long'],
]

const UNKNOWN: readonly (readonly [string, string | RegExp, string])[] = [
  ['glm-gaussian', /link = identity/, 'link = cauchit'],
  ['glm-binomial', /category = Binomial/, 'category = HGLMRegression'],
  ['glm-binomial', /algorithm = .*/, 'algorithm = Generalized Additive Model'],
  ['glm-binomial', /mojo_version = 1.00/, 'mojo_version = 1.10'],
  ['dl-rectifier', /activation = Rectifier/, 'activation = Swish'],
  ['dl-rectifier', /distribution = bernoulli/, 'distribution = modified_huber'],
  ['dl-rectifier', /_genmodel_encoding = AUTO/, '_genmodel_encoding = Eigen'],
  ['isolation-forest', /algorithm = Isolation Forest/, 'algorithm = Extended Isolation Forest'],
]

describe('a MOJO of another algorithm than GBM', () => {
  for (const [fixture, from, to] of CONTRADICTIONS) {
    it(`${fixture} with ${to} is refused as damaged`, () => {
      expect(() => readMojo(withIni(fixture, from, to)))
        .to.throw(ModelError)
        .with.property('code', 'model.corrupt')
    })
  }

  for (const [fixture, from, to] of UNKNOWN) {
    it(`${fixture} with ${to} is refused by name`, () => {
      const thrown = expect(() => readMojo(withIni(fixture, from, to))).to.throw(ModelError)
      thrown.with.property('code', 'model.unsupported')
      thrown.with.property('message').that.includes(to.split(' = ')[1])
    })
  }

  it('is refused, or scores without a crash, whatever line of its model.ini is missing', async () => {
    for (const fixture of ['glm-binomial', 'dl-rectifier', 'autoencoder', 'drf', 'isolation-forest']) {
      const entries = entriesOf(fixture)
      const lines = entries[0]!.content.toString('utf8').split('\n')
      const rows = readTable(path.join(FIXTURES, fixture, 'input.csv.gz'))
      for (let at = 0; at < lines.length; at++) {
        const ini = { name: 'model.ini', content: Buffer.from(lines.toSpliced(at, 1).join('\n')) }
        try {
          const model = readMojo(zipOf([ini, ...entries.slice(1)]))
          await model.score(columnsFor(model, rows), rows.rows.length, model.decision)
        } catch (error) {
          expect(error, `${fixture}, without ${lines[at]?.slice(0, 60)}`).to.be.instanceOf(ModelError)
        }
      }
    }
  })

  it('gives NaN where a number is missing and the model has nothing in its place', async () => {
    const model = readMojo(readFileSync(path.join(FIXTURES, 'glm-skip/model.zip')))
    const { header, rows } = readTable(path.join(FIXTURES, 'glm-skip/input.csv.gz'))
    for (const name of ['Distance', 'Origin']) {
      const row = rows[0]!.with(header.indexOf(name), '')
      const { outputs } = await model.score(columnsFor(model, { header, rows: [row] }), 1, model.decision)
      expect(outputs[0]?.values[0]).to.be.NaN
    }
  })
})
