import { expect } from 'chai'
import { describe, it } from 'mocha'
import path from 'node:path'
import {
  type ConfigKeys,
  type ExampleRecord,
  OPTIONAL_FLOAT64,
  OPTIONAL_STRING,
  SILENT,
  struct,
  type TransformPlugin,
  type Value,
} from '../../../src/index.ts'
import { ModelStore } from '../../../src/inference/store/model-store.ts'
import { scoreH2oDeepLearning } from '../../../transforms/models/score-h2o-deep-learning.ts'
import { scoreH2o } from '../../../transforms/models/score-h2o.ts'
import { batchOf } from '../../support/example-batch.ts'
import { FIXTURES, readTable } from '../../support/model-fixtures.ts'

const models = new ModelStore({
  modelsDir: path.resolve(import.meta.dirname, '../../../models'),
  allowedDirs: [FIXTURES],
})

/** A fixture's rows as records. */
async function recordsOf(fixture: string): Promise<ExampleRecord[]> {
  const { inputs } = await models.load(`${fixture}/model.zip`)
  const isNumber = (name: string) => inputs.find((input) => input.name === name)?.type === 'numeric'
  const { header, rows } = readTable(path.join(FIXTURES, fixture, 'input.csv.gz'))
  const schema = {
    type: 'STRUCT' as const,
    optional: false,
    name: 'Row',
    fields: header.map((name) => ({ name, schema: isNumber(name) ? OPTIONAL_FLOAT64 : OPTIONAL_STRING })),
  }
  const value = (name: string, cell = ''): Value =>
    cell === '' ? null : isNumber(name) ? Number(cell) : cell
  return rows.map((row) => ({
    valueSchema: schema,
    value: struct(Object.fromEntries(header.map((name, i) => [name, value(name, row[i])]))),
  }))
}

async function apply<K extends ConfigKeys>(
  plugin: TransformPlugin<K>,
  config: Record<string, string>,
  records: readonly ExampleRecord[],
) {
  const transform = await plugin.open(plugin.config.read(config), { side: 'value', models, log: SILENT })
  return transform.apply(batchOf(records))
}

describe('ScoreH2O', () => {
  for (const fixture of [
    'drf',
    'glm-binomial',
    'dl-rectifier',
    'glm-multinomial',
    'drf-regression',
    'dl-poisson',
  ]) {
    it(`adds what h2o-genmodel gives for ${fixture}`, async () => {
      const records = await recordsOf(fixture)
      const batch = await apply(scoreH2o, { model: `${fixture}/model.zip`, prefix: 's_' }, records)
      const { header, rows } = readTable(path.join(FIXTURES, fixture, 'expected.csv.gz'))
      rows.forEach((row, i) => {
        const value = batch.record(i).value as Record<string, Value>
        const prediction = value['s_prediction']
        if (header.length > 1) expect(prediction).to.equal(row[0])
        else expect(Number(prediction) / Number(row[0])).to.be.closeTo(1, 1e-12)
        header.slice(1).forEach((label, k) => {
          expect(value[`s_p_${label}`]).to.be.closeTo(Number(row[k + 1]), 1e-12)
        })
      })
    })
  }

  for (const fixture of ['calibrated-gbm-isotonic', 'calibrated-gbm-balanced', 'calibrated-drf-platt']) {
    it(`adds the calibrated probabilities of ${fixture} as h2o-genmodel has them, also to shared records`, async () => {
      const records = await recordsOf(fixture)
      const { rows } = readTable(path.join(FIXTURES, fixture, 'expected.csv.gz'))
      const file = `${fixture}/model.zip`
      for (const model of [file, `${file}:0.5,${file}:0.5`]) {
        const batch = await apply(scoreH2o, { model, outputs: 'cal_NO:not,p_NO:' }, records)
        const added = batch.schema('value', 0)?.fields?.slice(-5)
        expect(added?.map(({ name }) => name)).to.deep.equal([
          ...['prediction', 'p_YES', 'not', 'cal_YES', 'model_version'],
        ])
        rows.forEach(([label, , yes, calNo, calYes], i) => {
          const value = batch.record(i).value as Record<string, Value>
          expect(value['prediction']).to.equal(label)
          expect(value['p_YES']).to.be.closeTo(Number(yes), 1e-14)
          expect(value['not']).to.be.closeTo(Number(calNo), 1e-14)
          expect(value['cal_YES']).to.be.closeTo(Number(calYes), 1e-14)
        })
      }
    })
  }

  it('adds both scores of an isolation forest, the larger the more unusual as the prediction', async () => {
    const batch = await apply(
      scoreH2o,
      { model: 'isolation-forest/model.zip' },
      await recordsOf('isolation-forest'),
    )
    const { rows } = readTable(path.join(FIXTURES, 'isolation-forest/expected.csv.gz'))
    rows.forEach(([length, normalized], i) => {
      const value = batch.record(i).value as Record<string, Value>
      expect(value['score']).to.equal(Number(length))
      expect(value['normalizedScore']).to.equal(Number(normalized))
      expect(value['prediction']).to.equal(Number(normalized))
    })
  })

  it('fails a row alone that has no number where the model has nothing in its place', async () => {
    const [first, second] = await recordsOf('glm-skip')
    const bad = { ...second, value: struct({ ...(second!.value as object), Distance: null }) }
    const batch = await apply(scoreH2o, { model: 'glm-skip/model.zip' }, [first!, bad, first!])
    expect([0, 1, 2].map((row) => batch.failure(row)?.code)).to.deep.equal([
      undefined,
      'record.value',
      undefined,
    ])
  })
})

describe('ScoreH2ODeepLearning', () => {
  it('refuses a model of another kind by name', async () => {
    const error = await apply(scoreH2oDeepLearning, { model: 'drf/model.zip' }, []).catch((e: unknown) => e)
    expect(error).to.be.instanceOf(Error)
    expect((error as Error).message).to.include('not an H2O Deep Learning model but drf')
  })

  it('gives a record the same scores alone and in a batch of thousands', async () => {
    const records = await recordsOf('dl-rectifier')
    const many = Array.from({ length: 2000 }, (_, i) => records[i % records.length]!)
    const config = { model: 'dl-rectifier/model.zip' }
    const whole = await apply(scoreH2oDeepLearning, config, many)
    for (const row of [0, 1, 170, 1999]) {
      const alone = await apply(scoreH2oDeepLearning, config, [many[row]!])
      const [a, b] = [alone.record(0).value, whole.record(row).value] as Record<string, Value>[]
      expect(a!['prediction']).to.equal(b!['prediction'])
      expect(a!['p_YES']).to.be.closeTo(Number(b!['p_YES']), 1e-14)
    }
  })
})
