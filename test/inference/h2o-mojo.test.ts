import { expect } from 'chai'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'mocha'
import path from 'node:path'
import { ModelError } from '../../src/api/errors.ts'
import { readMojo } from '../../src/inference/readers/h2o/h2o-mojo.ts'
import { openZip } from '../../src/inference/readers/zip.ts'
import { compare, FIXTURES, readTable, SHARED, sharedExists } from '../support/model-fixtures.ts'
import { zipOf } from '../support/zip-writer.ts'

function refusal(file: string): ModelError {
  try {
    readMojo(readFileSync(file))
  } catch (error) {
    if (error instanceof ModelError) return error
    throw error
  }
  throw new Error(`${file} was read`)
}

const oracles = readdirSync(FIXTURES).filter((name) =>
  existsSync(path.join(FIXTURES, name, 'expected.csv.gz')),
)

describe('an H2O MOJO', () => {
  it('has fixtures of every kind', () => {
    expect(oracles.length).to.be.greaterThan(60)
  })

  for (const name of oracles) {
    it(`${name} scores as h2o-genmodel does`, async () => {
      const folder = path.join(FIXTURES, name)
      const base = path.join(folder, 'base')
      const inputs = existsSync(base) ? readFileSync(base, 'utf8').trim() : name
      const model = readMojo(readFileSync(path.join(folder, 'model.zip')))
      const input = readTable(path.join(FIXTURES, inputs, 'input.csv.gz'))
      const found = await compare(model, input, readTable(path.join(folder, 'expected.csv.gz')))
      expect(found.rows).to.be.greaterThan(100)
      expect(found.labels).to.equal(0)
      expect(found.largest).to.be.lessThan(1e-12)
    })
  }

  const shared = [
    ['flights/gbm_flights.mojo.zip', 'flights/flights_test.csv', 'flights/gbm_flights.genmodel.csv'],
    ['flights/dl_flights.mojo.zip', 'flights/flights_test.csv', 'flights/dl_flights.genmodel.csv'],
    ['shuttle/ae_shuttle.mojo.zip', 'shuttle/shuttle_test.csv', 'shuttle/ae_shuttle.genmodel.csv'],
    ['iris/gbm_iris.mojo.zip', 'iris/iris.csv', 'iris/gbm_iris.genmodel.csv'],
    [
      'seed/GBM_model_python_1503397740678_1.zip',
      'seed/prostate.csv',
      'seed/seed_prostate_gbm_mojo.genmodel.csv',
    ],
  ] as const
  for (const [file, rows, expected] of shared) {
    it(`${file} scores as h2o-genmodel does`, async function () {
      if (!sharedExists(file)) return this.skip()
      const model = readMojo(readFileSync(path.join(SHARED, file)))
      const found = await compare(
        model,
        readTable(path.join(SHARED, rows)),
        readTable(path.join(SHARED, expected)),
      )
      expect(found.rows).to.be.greaterThan(100)
      expect(found.labels).to.equal(0)
      expect(found.largest).to.be.lessThan(4e-15)
    })
  }

  it('says what the file is', () => {
    const model = readMojo(readFileSync(path.join(FIXTURES, 'binomial-offset/model.zip')))
    expect(model).to.include({
      format: 'h2o-mojo',
      formatVersion: '1.40',
      algorithm: 'gbm',
      task: 'classification',
    })
    expect(model.labels).to.deep.equal(['NO', 'YES'])
    expect(model.decision).to.deep.equal({ threshold: 0.2718393379180093, thresholdClass: 'YES' })
    expect(model.inputs.map((input) => input.name)).to.deep.equal(
      'Month DayofMonth DayOfWeek CRSDepTime CRSArrTime UniqueCarrier Origin Dest Distance Shift'.split(' '),
    )
    expect(model.inputs[6]).to.deep.equal({
      name: 'Origin',
      type: 'categorical',
      domain: ['EWR', 'JFK', 'LGA'],
      required: true,
    })
    expect(model.facts).to.include({
      distribution: 'bernoulli',
      link: 'logit',
      trees: 10,
      response: 'IsDepDelayed',
    })
  })

  it('gives NaN where the offset is missing', async () => {
    const model = readMojo(readFileSync(path.join(FIXTURES, 'poisson-offset/model.zip')))
    const input = readTable(path.join(FIXTURES, 'poisson-offset/input.csv.gz'))
    const rows = input.rows.slice(0, 1).map((row) => row.with(input.header.indexOf('Shift'), ''))
    const found = await compare(model, { ...input, rows }, { header: ['predict'], rows: [['1']] })
    expect(found.largest).to.equal(Infinity)
  })
})

describe('what is not an H2O MOJO that is read', () => {
  it('categories encoded as columns are refused by name', () => {
    const error = refusal(path.join(FIXTURES, 'binomial-one-hot/model.zip'))
    expect(error.code).to.equal('model.unsupported')
    expect(error.message).to.include('OneHotExplicit')
  })

  it('a network that hashes its categories is refused by the option that makes it do so', () => {
    const zip = openZip(readFileSync(path.join(FIXTURES, 'dl-rectifier/model.zip')))
    const ini = zip.text('model.ini').replace('sizes = [22, 8,', 'sizes = [11, 16,') // as many weights
    const domains = [0, 1, 2].map((i) => `domains/d00${i}.txt`)
    const entries = [
      { name: 'model.ini', content: Buffer.from(ini) },
      ...domains.map((name) => ({ name, content: zip.read(name) })),
    ]
    expect(() => readMojo(zipOf(entries)))
      .to.throw(ModelError, 'max_categorical_features')
      .with.property('code', 'model.unsupported')
  })

  for (const [file, reason] of [
    ['flights/xgb_flights.mojo.zip', 'XGBoost'],
    ['seed/DL4J_Iris_Model.zip', 'not an H2O MOJO'],
    ['iris/keras_iris.keras', 'not an H2O MOJO'],
  ] as const) {
    it(`${file} is refused by name`, function () {
      if (!sharedExists(file)) return this.skip()
      const error = refusal(path.join(SHARED, file))
      expect(error.code).to.equal('model.unsupported')
      expect(error.message).to.include(reason)
    })
  }
})
